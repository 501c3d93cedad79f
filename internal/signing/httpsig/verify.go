package httpsig

import (
	"net/http"
	"slices"
	"time"

	"github.com/dunglas/httpsfv"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// Limits of what a verifier parses.
const (
	maxSignatureFields = 16 << 10
	maxComponents      = 64
	maxNonce           = 128
)

// Verifier verifies requests. Its zero value refuses. It is safe for concurrent use if Fresh is.
type Verifier struct {
	// Ring holds the keys of those who may send.
	Ring *signing.Keyring
	// Window is how far created may lie from the verifier's clock, and how long a signature may be good at most.
	Window time.Duration
	// Fresh reports whether this pair was never seen before, and remembers it for two windows at least; see [Nonces].
	Fresh func(keyID, nonce string, at time.Time) bool
	// Target returns "@target-uri" where the request's own Host and TLS state are not the ones that the client used, as behind a proxy. It may be nil.
	Target func(*http.Request) string
}

// Verified says who signed a request, and when.
type Verified struct {
	KeyID            string
	Created, Expires time.Time
	Nonce            string
}

// Verify proves that the request was signed by a key of the ring, is fresh, covers what it must, and that its content is what was signed.
// content is called after the signature has been proven good: it reads the body and returns its SHA-256; its error is returned as it is.
func (v *Verifier) Verify(r *http.Request, at time.Time, content func() (record.Digest, error)) (*Verified, error) {
	if v.Ring == nil || v.Fresh == nil || v.Window <= 0 {
		return nil, record.NewProblem("signature.params", "", "", "the verifier has no keys, no window or no memory of nonces")
	}
	input, signature, err := find(r.Header)
	if err != nil {
		return nil, err
	}
	components, err := coverage(r, input)
	if err != nil {
		return nil, err
	}
	got, err := v.params(input, at)
	if err != nil {
		return nil, err
	}
	key, err := v.Ring.Find(got.KeyID, at)
	if err != nil {
		return nil, err
	}
	if alg, _ := input.Params.Get("alg"); alg != string(key.Alg()) {
		return nil, record.NewProblem("signature.alg", "alg", "", "the algorithm is not the key's")
	}
	if err := v.checkSignature(r, input, components, key, signature); err != nil {
		return nil, err
	}
	digest, err := content()
	if err != nil {
		return nil, err
	}
	if err := checkDigest(r.Header[fieldDigest], digest); err != nil {
		return nil, err
	}
	if !v.Fresh(got.KeyID, got.Nonce, at) {
		return nil, record.NewProblem("signature.replay", "nonce", "sign every attempt anew", "this request was received before")
	}
	return got, nil
}

func (v *Verifier) checkSignature(r *http.Request, input httpsfv.InnerList, components []string, key *signing.PublicKey, signature []byte) error {
	params, err := httpsfv.Marshal(input)
	if err != nil {
		return malformed("the signature input cannot be written again")
	}
	target := ""
	if v.Target != nil {
		target = v.Target(r)
	} else {
		target = targetOf(r)
	}
	base, err := signatureBase(components, params, func(name string) (string, error) { return component(r, target, name) })
	if err != nil {
		return err
	}
	if key.Verify(base, signature) != nil {
		return record.NewProblem("signature.bad", "", "", "the signature of the request does not verify")
	}
	return nil
}

func malformed(message string) error {
	return record.NewProblem("signature.malformed", "", "", "%s", message)
}

// find returns the one signature with our tag, and its input.
func find(h http.Header) (input httpsfv.InnerList, signature []byte, err error) {
	inputs, values := h[fieldInput], h[fieldValue]
	if len(inputs) == 0 || len(values) == 0 {
		return input, nil, record.NewProblem("signature.missing", "", "sign the request as RFC 9421 says, with the tag almasu", "the request is not signed")
	}
	if size(inputs) > maxSignatureFields || size(values) > maxSignatureFields {
		return input, nil, malformed("the signature fields are too long")
	}
	dict, err := httpsfv.UnmarshalDictionary(inputs)
	if err != nil {
		return input, nil, malformed("Signature-Input does not parse")
	}
	name := ""
	for _, candidate := range dict.Names() {
		member, _ := dict.Get(candidate)
		list, ok := member.(httpsfv.InnerList)
		if !ok {
			return input, nil, malformed("a member of Signature-Input is not an inner list")
		}
		if tag, _ := list.Params.Get("tag"); tag == label {
			if name != "" {
				return input, nil, malformed("there are two signatures with the tag almasu")
			}
			name, input = candidate, list
		}
	}
	if name == "" {
		return input, nil, record.NewProblem("signature.missing", "", "sign the request as RFC 9421 says, with the tag almasu", "no signature of the request has the tag almasu")
	}
	if dict, err = httpsfv.UnmarshalDictionary(values); err != nil {
		return input, nil, malformed("Signature does not parse")
	}
	member, _ := dict.Get(name)
	item, _ := member.(httpsfv.Item)
	signature, ok := item.Value.([]byte)
	if !ok {
		return input, nil, malformed("there is no signature under the label of the input")
	}
	return input, signature, nil
}

func size(values []string) (n int) {
	for _, s := range values {
		n += len(s)
	}
	return n
}

// coverage returns the components of the input, if they are at least those that the request requires.
func coverage(r *http.Request, input httpsfv.InnerList) ([]string, error) {
	if len(input.Items) > maxComponents {
		return nil, malformed("the signature covers too many components")
	}
	components := make([]string, len(input.Items))
	for i, item := range input.Items {
		name, ok := item.Value.(string)
		if !ok || len(item.Params.Names()) != 0 || slices.Contains(components[:i], name) {
			return nil, malformed("a covered component is not a name, has parameters or stands twice")
		}
		components[i] = name
	}
	for _, name := range required(r) {
		if !slices.Contains(components, name) {
			return nil, record.NewProblem("signature.not_covered", componentName(name), "cover every component that the profile names", "the signature does not cover this component")
		}
	}
	return components, nil
}

// params reads the parameters and checks the times.
func (v *Verifier) params(input httpsfv.InnerList, at time.Time) (*Verified, error) {
	text := func(name string) string { p, _ := input.Params.Get(name); s, _ := p.(string); return s }
	number := func(name string) int64 { p, _ := input.Params.Get(name); n, _ := p.(int64); return n }
	got := &Verified{KeyID: text("keyid"), Nonce: text("nonce"), Created: time.Unix(number("created"), 0).UTC(), Expires: time.Unix(number("expires"), 0).UTC()}
	if got.KeyID == "" || got.Nonce == "" || len(got.Nonce) > maxNonce || text("alg") == "" || number("created") <= 0 || number("expires") <= 0 {
		return nil, record.NewProblem("signature.params", "", "", "expected the parameters created, expires, nonce, keyid and alg")
	}
	if at.Sub(got.Created).Abs() > v.Window {
		return nil, record.NewProblem("signature.created", "created", "compare both clocks with a time server", "the signature was not created within %s of now", v.Window)
	}
	if at.After(got.Expires) || got.Expires.Sub(got.Created) > v.Window {
		return nil, record.NewProblem("signature.expired", "expires", "compare both clocks with a time server", "the signature has expired, or is good for longer than %s", v.Window)
	}
	return got, nil
}
