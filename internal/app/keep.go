package app

import (
	"context"
	"slices"

	"birgeoqy.kz/almasu/internal/app/keeping"
	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store/fault"
)

// openStore opens the service for a command that keeps its store.
func (s *session) openStore(ctx context.Context, unmigrated bool) (*keeping.Service, error) {
	v, err := s.open(ctx, parts{store: true, anySchema: unmigrated})
	if err != nil {
		return nil, err
	}
	return v.keeping(), nil
}

// keeping is the service as its store is kept: with everybody to compare it with.
func (v *service) keeping() *keeping.Service {
	out := &keeping.Service{
		Store: v.store, Roster: v.roster, Retention: v.file.Retention, Close: v.Close,
		Verify: func(ctx context.Context) (*evidence.Report, error) { return v.verifyLog(ctx, nil) },
	}
	for _, name := range v.file.Names() {
		c := v.connections[name]
		one := keeping.Recipient{BIN: v.recipient(c)}
		asked, ok := c.Connector.(interface {
			Standing(ctx context.Context, sender string, from uint64) (*signing.Standing, error)
		})
		if ok {
			one.Ask = func(ctx context.Context, from uint64) (*signing.Standing, error) {
				return asked.Standing(ctx, c.Sender, from)
			}
		}
		at := slices.IndexFunc(out.Recipients, func(r keeping.Recipient) bool { return r.BIN == one.BIN })
		switch {
		case at < 0:
			out.Recipients = append(out.Recipients, one)
		case out.Recipients[at].Ask == nil:
			out.Recipients[at] = one
		}
	}
	return out
}

// admit compares the store with a connector's recipient, or with all of them for "", before anything is logged.
func (v *service) admit(ctx context.Context, connector string) error {
	bin := ""
	if c := v.connections[connector]; c != nil {
		bin = v.recipient(c)
	}
	err := v.keeping().Admit(ctx, v.session.now(), bin)
	if record.CodeOf(err) != "" && !fault.Known(err) {
		return failed(err)
	}
	return err
}

// startAdmitted compares the store with its recipients and notes the register. A store in doubt is served too, for what may be seen of it; its runs fail
// until the comparison is made.
func (v *service) startAdmitted(ctx context.Context) error {
	err := v.admit(ctx, "")
	if record.CodeOf(err) != "" && !fault.Known(err) {
		v.session.logger().Error("nothing is logged or sent", "code", record.CodeOf(err), "error", err)
		return nil
	}
	if err == nil {
		err = v.noteRegister(ctx, "service")
	}
	if err != nil {
		return environment(err)
	}
	return nil
}
