package service

import (
	"context"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// BeginExport begins an export with the recipients' keys.
func (v *Service) BeginExport(out io.Writer) *evidence.Writer {
	w := evidence.NewWriter(out, v.Log.PublicKey(), v.Env.Now())
	seen := map[string]bool{}
	for _, name := range v.File.Names() {
		ring := v.Receivers[name]
		for _, held := range ring.Keys() {
			if id := ring.Holder() + held.Key.ID(); !seen[id] {
				seen[id] = true
				w.Key(ring.Holder(), held)
			}
		}
	}
	return w
}

// ExportLog writes the log with the recipients' keys.
func (v *Service) ExportLog(ctx context.Context, out io.Writer) error {
	w := v.BeginExport(out)
	if err := v.Store.Export(ctx, w); err != nil {
		return err
	}
	return w.Close()
}

// VerifyLog streams an export through the verifier.
func (v *Service) VerifyLog(ctx context.Context, observe func(int64, transferlog.Entry)) (*evidence.Report, error) {
	in, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := v.ExportLog(ctx, out)
		out.CloseWithError(err)
		done <- err
	}()
	report, err := evidence.Verify(in, evidence.Options{LogKey: v.Log.PublicKey(), Observe: observe})
	in.Close()
	if exportErr := <-done; exportErr != nil && err == nil {
		err = exportErr
	}
	if record.CodeOf(err) == "log.entries_missing" {
		return nil, exit.Failed(err)
	}
	if err != nil {
		return nil, exit.Environment(fmt.Errorf("verifying the log: %w", err))
	}
	return report, nil
}

// Consistency implements [connectors.Prover].
func (p prover) Consistency(ctx context.Context, from, to int64) (tlog.TreeProof, error) {
	checkpoint, err := p.store.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	at, err := p.key.Open(checkpoint)
	if err != nil {
		return nil, err
	}
	if to > at.Size {
		return nil, connectors.ErrAhead
	}
	return p.store.Consistency(ctx, from, to)
}

// prover proves consistency from the store.
type prover struct {
	store *store.Store
	key   *transferlog.PublicKey
}
