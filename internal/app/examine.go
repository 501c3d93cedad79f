package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/app/doctor"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/tally"
)

// examine asks the doctor about everything.
func (s *session) examine(ctx context.Context) ([]doctor.Finding, error) {
	v, err := s.open(ctx, parts{platform: true, store: true})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	out := problemFindings("platform", platform.Check(ctx, v.platform, v.relations), "relations and columns are there")
	out = append(out, problemFindings("store", v.store.Check(ctx), "answers, schema up to date")...)
	out = append(out, problemFindings("recipients", v.store.Compared(ctx, ""), "no doubt that the store holds all that they know")...)
	out = append(out, problemFindings("clock", v.clockSkew(ctx), "agrees with the database's within a minute")...)
	out = append(out, v.examineKeys()...)
	out = append(out, v.examineRoutes()...)
	out = append(out, doctor.Secrets(v.secrets())...)
	var fields []string
	for _, c := range v.connections {
		fields = append(fields, v.permittedFields(c)...)
	}
	out = append(out, doctor.Reader(ctx, v.platform, v.relations, fields), doctor.Writer(ctx, v.store.DB(), store.Kind(v.file.Store.Kind)))
	out = append(out, doctor.Disk("configuration's disk", v.file.Path(".")))
	if v.file.Store.Kind == string(store.SQLite) {
		out = append(out, doctor.Disk("store's disk", filepath.Dir(v.file.Path(v.file.Store.Path))))
	}
	out = append(out, v.examineRecipients(ctx)...)
	if counted, err := tally.Read(ctx, v.store, s.now()); err != nil {
		out = append(out, problemFindings("outbox", err, "")...)
	} else {
		out = append(out, doctor.Outbox(counted, s.now())...)
	}
	return append(out, v.examineLog(ctx)), nil
}

// problemFindings turns an error into findings.
func problemFindings(what string, err error, fine string) []doctor.Finding {
	if err == nil {
		return []doctor.Finding{{Level: doctor.OK, What: what, Message: fine}}
	}
	var out []doctor.Finding
	for _, p := range problemsOf(err) {
		out = append(out, doctor.Finding{Level: doctor.Fail, Code: p.Code, What: what, Message: p.Message, Hint: p.Hint})
	}
	return out
}

// examineKeys looks at when sealing keys and our certificates end.
func (v *service) examineKeys() []doctor.Finding {
	var out []doctor.Finding
	now := v.session.now()
	for _, held := range v.ring.Keys() {
		f := doctor.Finding{Level: doctor.OK, What: "sealing key", Message: held.Key.ID() + " is valid"}
		left := held.NotAfter.Sub(now)
		switch {
		case held.NotAfter.IsZero() || left > doctor.Soon:
		case left > 0:
			f.Message = fmt.Sprintf("%s ends on %s", held.Key.ID(), moment(held.NotAfter))
			if held.Key.ID() == v.seal.ID() {
				f.Level, f.Code, f.Hint = doctor.Warn, "doctor.key_ends", "run: almasu keys rotate, and send recipients the new public key"
			}
		default:
			f.What, f.Message = "former sealing key", fmt.Sprintf("%s ended on %s", held.Key.ID(), moment(held.NotAfter))
		}
		out = append(out, f)
	}
	for _, e := range v.expiries() {
		if e.Kind != "client_certificate" {
			continue
		}
		f := doctor.Finding{Level: doctor.OK, What: "client certificate of " + e.Name, Message: "valid until " + moment(e.Ends)}
		switch left := e.Ends.Sub(now); {
		case left <= 0:
			f.Level, f.Code, f.Hint = doctor.Fail, "doctor.client_certificate_expired", "ask whoever issued it for a new one"
		case left < doctor.Soon:
			f.Level, f.Code, f.Hint = doctor.Warn, "doctor.client_certificate_ends", "ask whoever issued it for a new one"
		}
		out = append(out, f)
	}
	return out
}

// examineRoutes asks the law about each route now, in a week and in thirty days: agreements, grounds, policy and approvals end.
func (v *service) examineRoutes() []doctor.Finding {
	var out []doctor.Finding
	for _, a := range v.askRoutes() {
		f := doctor.Finding{Level: doctor.OK, What: "route " + a.Route, Message: "permitted now, and for the next thirty days"}
		switch {
		case !a.Permitted:
			f.Level, f.Code, f.Message, f.Hint = doctor.Fail, a.Rule, a.Why, "see: almasu check, almasu lint"
		case a.OnRequest:
			f.Message = a.Why
		default:
			for _, days := range []int{30, 7, 1} {
				at := v.session.now().AddDate(0, 0, days)
				_, err := v.register.Gate(legal.Case{Route: a.Route, Now: at, Demo: v.session.demo, Channel: v.connections[a.Connector].Channel})
				if err == nil {
					break
				}
				f.Level, f.Code, f.Message, f.Hint = doctor.Warn, record.CodeOf(err), fmt.Sprintf("permitted now, but not on %s: %s", at.Format(time.DateOnly), err), "renew what ends, and enter it in the register"
				if f.Code == "" {
					f.Code = "doctor.route_ends"
				}
			}
		}
		out = append(out, f)
	}
	return out
}

// secrets are the files that nobody else may read.
func (v *service) secrets() []string {
	k := &v.file.Keys
	names := []string{k.Log, k.Vault, k.Pseudonym, k.Seal, v.file.Platform.DSNFile, v.file.Store.DSNFile}
	for i := range v.file.Connectors {
		if r := v.file.Connectors[i].REST; r != nil {
			names = append(names, r.ClientKey)
		}
	}
	var out []string
	for _, name := range names {
		if name != "" {
			out = append(out, v.file.Path(name))
		}
	}
	return out
}

// examineRecipients meets each recipient's server.
func (v *service) examineRecipients(ctx context.Context) []doctor.Finding {
	var out []doctor.Finding
	for i := range v.file.Connectors {
		c := &v.file.Connectors[i]
		r := c.REST
		if r == nil {
			continue
		}
		var ps record.Problems
		s := doctor.Server{Connector: c.Name, URL: r.URL, Pins: r.Pins, Loopback: r.InsecureLoopback}
		if r.CA != "" {
			s.CA = readFile(v.file.Path(r.CA), &ps, "config.ca_missing")
		}
		if r.ClientCertificate != "" {
			s.ClientCertificate = readFile(v.file.Path(r.ClientCertificate), &ps, "config.client_certificate_missing")
			s.ClientKey = readSecret(v.file.Path(r.ClientKey), &ps, "config.client_key_missing")
		}
		out = append(out, doctor.Recipient(ctx, s, v.session.now)...)
	}
	return out
}

// examineLog verifies the whole log.
func (v *service) examineLog(ctx context.Context) doctor.Finding {
	report, err := v.verifyLog(ctx, nil)
	f := doctor.Finding{Level: doctor.OK, What: "log"}
	switch {
	case errors.Is(err, store.ErrEmptyLog):
		f.Message = "empty"
	case err != nil:
		f.Level, f.Code, f.Message, f.Hint = doctor.Fail, "doctor.log_unreadable", err.Error(), "see: almasu log verify"
	case !report.OK():
		f.Level, f.Code, f.Message, f.Hint = doctor.Fail, "doctor.log", fmt.Sprintf("%d findings", report.Total), "see: almasu log verify, and docs/operations.md, \"The log does not verify\""
	default:
		f.Message = fmt.Sprintf("verifies: %d entries", report.Entries)
	}
	return f
}
