package crl

import (
	"context"
	"errors"
	"io"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/fetch"
)

// Fetch builds the index at path from the list of issuer at an address, while it
// arrives. Errors are those of [Build], or a problem with the code
// cert.crl_unreachable; either way the index that was there stays. The client's bound
// of an answer is replaced by that of lists.
func Fetch(ctx context.Context, client *fetch.Client, url string, issuer *cert.Certificate, path string) (*Info, error) {
	bounded := *client
	bounded.MaxAnswer = maxBytes
	in, out := io.Pipe()
	failure := make(chan error, 1)
	go func() {
		err := bounded.Get(ctx, url, out)
		failure <- err
		_ = out.CloseWithError(err)
	}()
	info, err := Build(in, issuer, path)
	_ = in.CloseWithError(errStopped)
	if cause := <-failure; cause != nil && !errors.Is(cause, errStopped) {
		return nil, record.NewProblem("cert.crl_unreachable", url, "", "%s", cause)
	}
	return info, err
}

var errStopped = errors.New("the reader of the list stopped")
