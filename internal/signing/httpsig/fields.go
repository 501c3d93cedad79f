package httpsig

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dunglas/httpsfv"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// The fields of a signed request besides the standard ones, in the order in which they are signed.
const (
	// FieldEnvelope is [signing.Envelope.Wire].
	FieldEnvelope = "Almasu-Envelope"
	// FieldMessage is the message id, FieldSequence its sequence number in decimal.
	FieldMessage  = "Almasu-Message"
	FieldSequence = "Almasu-Sequence"
	// FieldGround and FieldSchema are digests as text: [signing.Header.GroundDigest], and the schema's.
	FieldGround = "Almasu-Ground"
	FieldSchema = "Almasu-Schema"
	// FieldCheckpoint is the signed checkpoint in standard base64; FieldTicket the proof that the intent is in its log.
	FieldCheckpoint = "Almasu-Checkpoint"
	FieldTicket     = "Almasu-Ticket"

	fieldDigest = "Content-Digest"
	fieldInput  = "Signature-Input"
	fieldValue  = "Signature"
	fieldPrefix = "Almasu-"
)

// ordered is the order in which a signer covers the fields that it knows; others follow alphabetically.
var ordered = []string{FieldEnvelope, FieldMessage, FieldSequence, FieldGround, FieldSchema, FieldCheckpoint, FieldTicket}

// SetEnvelope sets the fields that repeat what the envelope says, and the content type.
func SetEnvelope(h http.Header, e *signing.Envelope) {
	for name, value := range envelopeFields(e) {
		h.Set(name, value)
	}
	h.Set(FieldEnvelope, e.Wire())
}

// CheckEnvelope reports a field that says something else than the envelope; the code is envelope.other_fields.
func CheckEnvelope(h http.Header, e *signing.Envelope) error {
	for name, value := range envelopeFields(e) {
		if got := h.Values(name); len(got) != 1 || got[0] != value {
			return record.NewProblem("envelope.other_fields", name, "", "the field does not say what the envelope says")
		}
	}
	return nil
}

func envelopeFields(e *signing.Envelope) map[string]string {
	h := e.Header()
	return map[string]string{
		"Content-Type": h.MediaType, FieldMessage: h.Message.String(), FieldSequence: strconv.FormatUint(h.Sequence, 10),
		FieldGround: h.GroundDigest().String(), FieldSchema: h.Schema.String(),
	}
}

// required lists the components that the signature of this request must cover.
func required(r *http.Request) []string {
	list := append(make([]string, 0, 16), "@method", "@target-uri", "content-digest")
	for _, name := range [...]string{"Content-Type", "Content-Encoding"} {
		if len(r.Header[name]) > 0 {
			list = append(list, strings.ToLower(name))
		}
	}
	if r.ContentLength != 0 {
		list = append(list, "content-length")
	}
	known := len(list)
	for _, name := range ordered {
		if len(r.Header[name]) > 0 {
			list = append(list, strings.ToLower(name))
		}
	}
	last := len(list)
	for name := range r.Header {
		if strings.HasPrefix(name, fieldPrefix) && !slices.Contains(list[known:last], strings.ToLower(name)) {
			list = append(list, strings.ToLower(name))
		}
	}
	slices.Sort(list[last:])
	return list
}

// component returns the value of one component of a request, RFC 9421 sections 2.1 and 2.2.
func component(r *http.Request, target, name string) (string, error) {
	switch name {
	case "@method":
		return r.Method, nil
	case "@target-uri":
		return target, nil
	case "content-length":
		if r.ContentLength < 0 {
			return "", record.NewProblem("signature.malformed", "content-length", "send the body with a known length", "the length of the body is not stated")
		}
		return strconv.FormatInt(r.ContentLength, 10), nil
	}
	values := r.Header[http.CanonicalHeaderKey(name)]
	if strings.HasPrefix(name, "@") || len(values) != 1 {
		return "", record.NewProblem("signature.malformed", componentName(name), "", "a covered component is missing, is there twice or is not supported")
	}
	return strings.TrimSpace(values[0]), nil
}

// componentName is name if it can stand in a message: the name of a foreign component may hold anything.
func componentName(name string) string {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '@' {
			return "component"
		}
	}
	if len(name) > 64 {
		return "component"
	}
	return name
}

// signatureBase is the signature base of RFC 9421 section 2.5. params is the serialised inner list.
func signatureBase(components []string, params string, value func(name string) (string, error)) ([]byte, error) {
	base := make([]byte, 0, 8192)
	for _, name := range components {
		v, err := value(name)
		if err != nil {
			return nil, err
		}
		base = append(append(append(append(append(base, '"'), name...), `": `...), v...), '\n')
	}
	return append(append(base, `"@signature-params": `...), params...), nil
}

// targetOf is "@target-uri" of a request that is sent or was received.
func targetOf(r *http.Request) string {
	scheme, host := r.URL.Scheme, r.Host
	if scheme == "" {
		scheme = "http"
		if r.TLS != nil {
			scheme = "https"
		}
	}
	if host == "" {
		host = r.URL.Host
	}
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	return scheme + "://" + host + target
}

// contentDigest is the value of Content-Digest, RFC 9530 section 2.
func contentDigest(d record.Digest) string {
	dict := httpsfv.NewDictionary()
	dict.Add("sha-256", httpsfv.NewItem(d[:]))
	s, _ := httpsfv.Marshal(dict) // a byte sequence always has a form
	return s
}

// checkDigest compares a Content-Digest with the digest of the content.
func checkDigest(values []string, content record.Digest) error {
	dict, err := httpsfv.UnmarshalDictionary(values)
	if err != nil {
		return record.NewProblem("signature.malformed", "content-digest", "", "Content-Digest does not parse")
	}
	member, _ := dict.Get("sha-256")
	item, _ := member.(httpsfv.Item)
	stated, ok := item.Value.([]byte)
	if !ok || len(stated) != len(content) || record.Digest(stated) != content {
		return record.NewProblem("signature.digest", "content-digest", "", "the SHA-256 of the content is not the one that was signed")
	}
	return nil
}
