package keystore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert/fetch"
)

// maxRemote bounds an answer of the remote signer, in octets.
const maxRemote = 64 << 20

// Remote has documents signed by a signing service that speaks the REST interface of
// NCANode 3 (POST /xml/sign, /wsse/sign and /cms/sign). Every request carries the key
// container and its password, so the service must be on this machine or behind TLS.
//
// What the service returns is not verified here: the caller verifies it like any
// document, and compares what was signed with what was sent.
type Remote struct {
	// URL is the address of the service, e.g. "http://127.0.0.1:14579".
	URL string
	// Transport carries the requests.
	Transport http.RoundTripper
	// KeyFile and PasswordFile name the PKCS#12 container and its password; see [Open]
	// for the modes that they must have. They are read anew for each request.
	KeyFile, PasswordFile string
	// Alias picks a key of the container; empty for its only one.
	Alias string
}

type remoteKey struct {
	Key      string  `json:"key"`
	Password string  `json:"password"`
	Alias    *string `json:"keyAlias"`
}

type remoteXML struct {
	XML             string      `json:"xml"`
	Signers         []remoteKey `json:"signers"`
	ClearSignatures bool        `json:"clearSignatures"`
	TrimXML         bool        `json:"trimXml"`
}

type remoteWSSE struct {
	XML string `json:"xml"`
	remoteKey
	TrimXML bool `json:"trimXml"`
}

type remoteCMS struct {
	Data     string      `json:"data"`
	Signers  []remoteKey `json:"signers"`
	WithTSP  bool        `json:"withTsp"`
	Detached bool        `json:"detached"`
}

type remoteAnswer struct {
	Status int    `json:"status"`
	XML    string `json:"xml"`
	CMS    string `json:"cms"`
}

// SignXML returns document with an enveloped XML signature. Problems:
// keystore.remote_address, keystore.remote_input, keystore.remote_failed and those of
// reading the files.
func (r *Remote) SignXML(ctx context.Context, document []byte) ([]byte, error) {
	return r.xml(ctx, "/xml/sign", document, func(k remoteKey) any {
		return remoteXML{XML: string(document), Signers: []remoteKey{k}}
	})
}

// SignWSSE returns a SOAP envelope with a WS-Security signature over its body.
// Problems as of [Remote.SignXML].
func (r *Remote) SignWSSE(ctx context.Context, envelope []byte) ([]byte, error) {
	return r.xml(ctx, "/wsse/sign", envelope, func(k remoteKey) any {
		return remoteWSSE{XML: string(envelope), remoteKey: k}
	})
}

func (r *Remote) xml(ctx context.Context, path string, document []byte, request func(remoteKey) any) ([]byte, error) {
	if !utf8.Valid(document) {
		return nil, record.NewProblem("keystore.remote_input", "", "", "the document is not UTF-8")
	}
	answer, err := r.ask(ctx, path, request)
	if err != nil {
		return nil, err
	}
	if answer.XML == "" {
		return nil, r.failed("an answer without a document")
	}
	return []byte(answer.XML), nil
}

// SignCMS returns SignedData over data in DER: with the content inside, or detached;
// stamped asks for a signature time stamp. Problems as of [Remote.SignXML].
func (r *Remote) SignCMS(ctx context.Context, data []byte, detached, stamped bool) ([]byte, error) {
	answer, err := r.ask(ctx, "/cms/sign", func(k remoteKey) any {
		return remoteCMS{Data: base64.StdEncoding.EncodeToString(data), Signers: []remoteKey{k}, WithTSP: stamped, Detached: detached}
	})
	if err != nil {
		return nil, err
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(answer.CMS), ""))
	if err != nil || len(der) == 0 {
		return nil, r.failed("an answer without a document in base64")
	}
	return der, nil
}

func (r *Remote) failed(what string) error {
	return record.NewProblem("keystore.remote_failed", r.URL, "see the log of the signing service", "the signing service failed: %s", what)
}

// ask posts a request. The service's own words are left out of problems: they may
// repeat what was sent to it.
func (r *Remote) ask(ctx context.Context, path string, request func(remoteKey) any) (*remoteAnswer, error) {
	if err := r.checkAddress(); err != nil {
		return nil, err
	}
	key, err := r.key()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(request(key))
	if err != nil {
		return nil, r.failed("the request cannot be written")
	}
	defer clear(body)
	client := &fetch.Client{Transport: r.Transport, MaxAnswer: maxRemote}
	b, err := client.Post(ctx, strings.TrimSuffix(r.URL, "/")+path, "application/json", "application/json", body)
	if err != nil {
		return nil, r.failed(err.Error())
	}
	var answer remoteAnswer
	if err := json.Unmarshal(b, &answer); err != nil {
		return nil, r.failed("the answer is not the JSON expected")
	}
	if answer.Status != http.StatusOK {
		return nil, record.NewProblem("keystore.remote_failed", r.URL, "see the log of the signing service", "the signing service refused: status %d", answer.Status)
	}
	return &answer, nil
}

func (r *Remote) key() (remoteKey, error) {
	password, err := ReadSecret(r.PasswordFile)
	if err != nil {
		return remoteKey{}, err
	}
	container, err := readPrivate(r.KeyFile)
	if err != nil {
		return remoteKey{}, err
	}
	defer clear(container)
	k := remoteKey{Key: base64.StdEncoding.EncodeToString(container), Password: password}
	if r.Alias != "" {
		k.Alias = &r.Alias
	}
	return k, nil
}

// checkAddress refuses to send a key in the clear to another machine.
func (r *Remote) checkAddress() error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return record.NewProblem("keystore.remote_address", "", "e.g. http://127.0.0.1:14579", "the signing service's address is not of the expected form")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return record.NewProblem("keystore.remote_address", r.URL, "use https, or a service on this machine", "the key would be sent to another machine in the clear")
	}
	return nil
}
