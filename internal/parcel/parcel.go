package parcel

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/age"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// The entries of a parcel; the last begins with documentEntry.
const (
	manifestEntry   = "manifest.json"
	envelopeEntry   = "envelope.txt"
	ticketEntry     = "ticket.txt"
	checkpointEntry = "checkpoint.txt"
	documentEntry   = "document."
	encryptedSuffix = ".age"
)

// maxSmall bounds each entry but the document.
const maxSmall = 256 << 10

// extensions are the forms of documents by media type, without its parameters.
var extensions = map[string]string{
	"application/json": "json", "application/jsonl": "jsonl", "application/xml": "xml", "text/csv": "csv",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}

// documentName is the name of the document's entry.
func documentName(mediaType string, encrypted bool) string {
	kind, _, _ := strings.Cut(mediaType, ";")
	name := documentEntry + "bin"
	if e, ok := extensions[kind]; ok {
		name = documentEntry + e
	}
	if encrypted {
		name += encryptedSuffix
	}
	return name
}

// manifest is the JSON of manifest.json.
type manifest struct {
	V          int                `json:"v"`
	Message    string             `json:"message"`
	Transfer   string             `json:"transfer"`
	Sequence   uint64             `json:"sequence"`
	Sender     string             `json:"sender"`
	Recipient  string             `json:"recipient"`
	Route      string             `json:"route"`
	Operation  string             `json:"operation"`
	Purpose    string             `json:"purpose"`
	Path       string             `json:"path"`
	Clause     string             `json:"clause"`
	Ground     string             `json:"ground"`
	Records    int                `json:"records"`
	Fields     []string           `json:"fields"`
	Document   string             `json:"document"`
	MediaType  string             `json:"media_type"`
	Bytes      int64              `json:"document_bytes"`
	Digest     string             `json:"document_digest"`
	Envelope   string             `json:"envelope_digest"`
	Decision   string             `json:"decision_digest"`
	Register   string             `json:"register_digest"`
	Policy     string             `json:"policy_digest"`
	Mapping    string             `json:"mapping_digest"`
	Schema     string             `json:"schema_digest"`
	Sealed     string             `json:"sealed"`
	LogIndex   int64              `json:"log_index"`
	Checkpoint manifestCheckpoint `json:"checkpoint"`
}

type manifestCheckpoint struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
}

// Manifest writes manifest.json: indented JSON and a line feed. index is the message's place in the log, at the state that the ticket is against.
func Manifest(env *signing.Envelope, index int64, at transferlog.Checkpoint, encrypted bool) ([]byte, error) {
	h := env.Header()
	b, err := json.MarshalIndent(manifest{
		V: 1, Message: h.Message.String(), Transfer: h.Transfer.String(), Sequence: h.Sequence, Sender: h.Sender, Recipient: h.Recipient,
		Route: h.Route, Operation: h.Operation, Purpose: h.Purpose, Path: h.Path, Clause: h.Clause, Ground: h.Ground, Records: h.Records, Fields: append([]string{}, h.Fields...),
		Document: documentName(h.MediaType, encrypted), MediaType: h.MediaType, Bytes: h.PayloadBytes, Digest: h.Payload.String(), Envelope: env.Digest().String(),
		Decision: h.Decision.String(), Register: h.Register.String(), Policy: h.Policy.String(), Mapping: h.Mapping.String(), Schema: h.Schema.String(),
		Sealed: h.Sealed.UTC().Format("2006-01-02T15:04:05.000000Z"), LogIndex: index,
		Checkpoint: manifestCheckpoint{Origin: at.Origin, Size: at.Size, Root: at.Root.String()},
	}, "", "  ")
	return append(b, '\n'), err
}

// entryTime is the time of all entries.
var entryTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Write makes the parcel of a sealed message. at is the state of the ticket's checkpoint. With recipients, the document is encrypted to each of them.
func Write(env *signing.Envelope, ticket *transferlog.Ticket, at transferlog.Checkpoint, to []age.Recipient) ([]byte, error) {
	about, err := Manifest(env, ticket.Index(), at, len(to) > 0)
	if err != nil {
		return nil, err
	}
	document := env.Payload().Open()
	defer document.Close()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, e := range []struct {
		name string
		body io.Reader
	}{
		{manifestEntry, bytes.NewReader(about)}, {envelopeEntry, strings.NewReader(env.Wire())}, {ticketEntry, strings.NewReader(ticket.Wire())},
		{checkpointEntry, bytes.NewReader(ticket.Checkpoint())}, {documentName(env.Header().MediaType, len(to) > 0), document},
	} {
		method := zip.Deflate
		if len(to) > 0 || strings.HasSuffix(e.name, ".xlsx") {
			method = zip.Store // compressed already, or not to be compressed
		}
		entry, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: method, Modified: entryTime})
		if err == nil && e.body == document && len(to) > 0 {
			err = encrypt(entry, document, to)
		} else if err == nil {
			_, err = io.Copy(entry, e.body)
		}
		if err != nil {
			return nil, fmt.Errorf("writing the parcel: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing the parcel: %w", err)
	}
	return out.Bytes(), nil
}

func encrypt(dst io.Writer, document io.Reader, to []age.Recipient) error {
	w, err := age.Encrypt(dst, to...)
	if err == nil {
		_, err = io.Copy(w, document)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return fmt.Errorf("encrypting the document: %w", err)
	}
	return nil
}

// Parcel is what a file holds. Nothing of it is verified.
type Parcel struct {
	// Wire is the envelope, Ticket the ticket, Checkpoint the signed checkpoint, Manifest the manifest.
	Wire, Ticket         string
	Checkpoint, Manifest []byte
	// MediaType is the document's, as the manifest says.
	MediaType string
	// Encrypted says that the document is encrypted.
	Encrypted bool
	// Stored is the document's entry as it is.
	Stored []byte
}

func malformed(message string) error {
	return record.NewProblem("parcel.malformed", "", "it is cut short, or was altered: remove it, and the sender's next run puts it again", "%s", message)
}

func tooLarge(limit int64) error {
	return record.NewProblem("parcel.too_large", "", "send smaller messages", "the document is longer than %d bytes", limit)
}

// Read reads a parcel whose document has at most limit bytes. Codes: parcel.malformed, parcel.too_large.
func Read(b []byte, limit int64) (*Parcel, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(z.File) != 5 || z.Comment != "" {
		return nil, malformed("a parcel is a zip archive of five entries")
	}
	p := &Parcel{}
	var wire, ticket []byte
	for i, e := range []struct {
		name  string
		body  *[]byte
		limit int64
	}{
		{manifestEntry, &p.Manifest, maxSmall}, {envelopeEntry, &wire, maxSmall}, {ticketEntry, &ticket, maxSmall}, {checkpointEntry, &p.Checkpoint, maxSmall}, {"", &p.Stored, limit + limit/256 + maxSmall},
	} {
		f := z.File[i]
		if e.name != "" && f.Name != e.name {
			return nil, malformed("the entries are manifest.json, envelope.txt, ticket.txt, checkpoint.txt and the document, in this order")
		}
		if *e.body, err = readEntry(f, e.limit); err != nil {
			return nil, err
		}
	}
	var about manifest
	if json.Unmarshal(p.Manifest, &about) != nil {
		return nil, malformed("the manifest is not JSON")
	}
	p.Wire, p.Ticket, p.MediaType, p.Encrypted = string(wire), string(ticket), about.MediaType, strings.HasSuffix(z.File[4].Name, encryptedSuffix)
	if z.File[4].Name != documentName(p.MediaType, p.Encrypted) {
		return nil, malformed("the document has not the name that its media type gives it")
	}
	return p, nil
}

// readEntry reads one entry; what the archive says of its size is not believed.
func readEntry(f *zip.File, limit int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, malformed("an entry cannot be read")
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case int64(len(b)) > limit:
		return nil, tooLarge(limit)
	case errors.Join(err, r.Close()) != nil:
		return nil, malformed("an entry cannot be read to its end")
	}
	return b, nil
}

// Document returns the document in clear, of at most limit bytes. Codes: parcel.encrypted, parcel.not_for_us, parcel.malformed, parcel.too_large.
func (p *Parcel) Document(identities []age.Identity, limit int64) ([]byte, error) {
	b := p.Stored
	if p.Encrypted {
		if len(identities) == 0 {
			return nil, record.NewProblem("parcel.encrypted", "", `name the file of the age identity in the configuration: "identity"`, "the document is encrypted, and there is no identity to open it with")
		}
		r, err := age.Decrypt(bytes.NewReader(b), identities...)
		if err != nil {
			var none *age.NoIdentityMatchError
			if errors.As(err, &none) {
				return nil, record.NewProblem("parcel.not_for_us", "", "compare the public key that the sender encrypts to with ours", "the document is encrypted to somebody else")
			}
			return nil, malformed("the encrypted document cannot be read")
		}
		if b, err = io.ReadAll(io.LimitReader(r, limit+1)); err != nil {
			return nil, malformed("the encrypted document is damaged")
		}
	}
	if int64(len(b)) > limit {
		return nil, tooLarge(limit)
	}
	return b, nil
}

// CheckManifest insists that the manifest says what a verified envelope, and the ticket's place in the log, say. Code: parcel.manifest.
func (p *Parcel) CheckManifest(env *signing.Envelope, index int64, at transferlog.Checkpoint) error {
	want, err := Manifest(env, index, at, p.Encrypted)
	if err != nil {
		return err
	}
	if !bytes.Equal(want, p.Manifest) {
		return record.NewProblem("parcel.manifest", "", "", "the manifest does not say what the envelope says")
	}
	return nil
}
