package httpsig

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/dunglas/httpsfv"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

const label = "almasu"

// Params are what differs from one signature to the next. Each attempt to send has its own.
type Params struct {
	// Created is the time of signing, Lifetime how long after it the signature is good; both count in whole seconds.
	Created  time.Time
	Lifetime time.Duration
	// Nonce is used once: see [NewNonce].
	Nonce string
}

// NewNonce returns 16 random bytes in base64url.
func NewNonce() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("httpsig: the system has no randomness: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Sign adds Content-Digest, Signature-Input and Signature to a request that is otherwise complete: method, URL, ContentLength and fields do
// not change after it. The digest is of the body, or of no bytes at all if there is none.
func Sign(r *http.Request, content record.Digest, k *signing.Key, p Params) error {
	if k == nil || p.Nonce == "" || p.Lifetime < time.Second || p.Created.IsZero() || content.IsZero() {
		return record.NewProblem("signature.params", "", "", "a signature needs a key, a digest, a time, a lifetime and a nonce")
	}
	r.Header.Set(fieldDigest, contentDigest(content))
	r.Header.Del(fieldInput)
	r.Header.Del(fieldValue)
	components := required(r)
	list := httpsfv.InnerList{Items: make([]httpsfv.Item, len(components)), Params: httpsfv.NewParams()}
	for i, name := range components {
		list.Items[i] = httpsfv.NewItem(name)
	}
	list.Params.Add("created", p.Created.Unix())
	list.Params.Add("expires", p.Created.Unix()+int64(p.Lifetime/time.Second))
	list.Params.Add("nonce", p.Nonce)
	list.Params.Add("keyid", k.ID())
	list.Params.Add("alg", string(k.Alg()))
	list.Params.Add("tag", label)
	params, err := httpsfv.Marshal(list)
	if err != nil {
		return record.NewProblem("signature.params", "", "", "the parameters of the signature cannot be written")
	}
	target := targetOf(r)
	base, err := signatureBase(components, params, func(name string) (string, error) { return component(r, target, name) })
	if err != nil {
		return err
	}
	signature, err := k.Sign(base)
	if err != nil {
		return err
	}
	r.Header.Set(fieldInput, label+"="+params)
	r.Header.Set(fieldValue, label+"=:"+base64.StdEncoding.EncodeToString(signature)+":")
	return nil
}
