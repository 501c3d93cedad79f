package sigtool

import (
	"bytes"
	"context"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cms"
	"birgeoqy.kz/almasu/internal/signing/keystore"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/c14n"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
	"birgeoqy.kz/almasu/internal/soap"
)

// other is the problem of a service that signed something else.
func other(err error) error {
	if err == nil {
		return record.NewProblem("sign.remote_other", "", "nothing was written", "the service signed other content than it was sent")
	}
	return record.NewProblem("sign.remote_invalid", "", "nothing was written", "what the service returned does not verify: %s", err)
}

func canonical(document []byte) ([]byte, error) {
	doc, err := xmlread.Parse(document, xmlread.DefaultLimits())
	if err != nil {
		return nil, err
	}
	return c14n.Method{}.Document(doc)
}

// remoteXML compares what was signed with what was sent, in canonical form.
func remoteXML(ctx context.Context, _ *signFlags, r *keystore.Remote, _ *tool, in []byte) ([]byte, error) {
	plain, err := xmlText(in)
	if err != nil {
		return nil, err
	}
	sent, err := canonical(plain)
	if err != nil {
		return nil, err
	}
	out, err := r.SignXML(ctx, plain)
	if err != nil {
		return nil, err
	}
	all, _, err := xmldsig.Verify(out, xmlread.DefaultLimits(), nil)
	if err != nil || !bytes.Equal(all[len(all)-1].Whole().Octets(), sent) {
		return nil, other(err)
	}
	return out, nil
}

// remoteWSSE compares the one element inside the body.
func remoteWSSE(ctx context.Context, _ *signFlags, r *keystore.Remote, _ *tool, in []byte) ([]byte, error) {
	content, err := bodyContent(in)
	if err != nil {
		return nil, err
	}
	out, err := r.SignWSSE(ctx, soap.Unsigned(content))
	if err != nil {
		return nil, err
	}
	m, err := soap.Parse(out, xmlread.DefaultLimits())
	if err != nil {
		return nil, other(err)
	}
	v, _, err := m.Verify(nil)
	if err != nil {
		return nil, other(err)
	}
	exclusive := c14n.Method{Exclusive: true}
	doc, err := xmlread.Parse(content, xmlread.DefaultLimits().ForCanonical())
	if err != nil {
		return nil, err
	}
	sent, err := exclusive.Element(doc.Root())
	if err != nil {
		return nil, err
	}
	inside, problem := xmlread.Children(v.Body())
	if problem != nil || len(inside) != 1 {
		return nil, other(nil)
	}
	if got, err := exclusive.Element(inside[0]); err != nil || !bytes.Equal(got, sent) {
		return nil, other(err)
	}
	return out, nil
}

// remoteCMS verifies the signatures with the certificates that came with them: whether
// those may be trusted is not the question here.
func remoteCMS(ctx context.Context, f *signFlags, r *keystore.Remote, t *tool, in []byte) ([]byte, error) {
	out, err := r.SignCMS(ctx, in, f.detached, f.stamped)
	if err != nil {
		return nil, err
	}
	sd, err := cms.Parse(out)
	if err != nil {
		return nil, other(err)
	}
	v := &cms.Verifier{Chain: cert.Verifier{Roots: cert.NewPool(sd.Certificates...), Now: t.Now(), Revocation: cert.Unchecked("own signature")}}
	if _, err := v.Verify(ctx, out, in); err != nil {
		return nil, other(err)
	}
	if sd.Detached != f.detached {
		return nil, other(nil)
	}
	return out, nil
}
