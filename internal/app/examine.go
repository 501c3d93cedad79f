package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/parcel"
	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/app/doctor"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/retention"
	"birgeoqy.kz/almasu/internal/store/serving"
	"birgeoqy.kz/almasu/internal/store/tally"
)

// examine asks the doctor about everything.
func (s *session) examine(ctx context.Context) ([]doctor.Finding, error) {
	v, err := s.open(ctx, service.Parts{Platform: true, Store: true})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	out := problemFindings("platform", platform.Check(ctx, v.Platform, v.Relations), "relations and columns are there")
	out = append(out, problemFindings("store", v.Store.Check(ctx), "answers, schema up to date")...)
	out = append(out, problemFindings("recipients", v.Store.Compared(ctx, ""), "no doubt that the store holds all that they know")...)
	out = append(out, problemFindings("clock", clockSkew(ctx, v), "agrees with the database's within a minute")...)
	out = append(out, examineKeys(v)...)
	out = append(out, examineRoutes(v)...)
	out = append(out, doctor.Secrets(secrets(v))...)
	var fields []string
	for _, c := range v.Connections {
		fields = append(fields, v.PermittedFields(c)...)
	}
	out = append(out, doctor.Reader(ctx, v.Platform, v.Relations, fields), doctor.Writer(ctx, v.Store.DB(), store.Kind(v.File.Store.Kind)))
	out = append(out, doctor.Disk("configuration's disk", v.File.Path(".")))
	if v.File.Store.Kind == string(store.SQLite) {
		out = append(out, doctor.Disk("store's disk", filepath.Dir(v.File.Path(v.File.Store.Path))))
	}
	out = append(out, examineRecipients(ctx, v)...)
	if counted, err := tally.Read(ctx, v.Store, s.now()); err != nil {
		out = append(out, problemFindings("outbox", err, "")...)
	} else {
		out = append(out, doctor.Outbox(counted, s.now())...)
		out = append(out, doctor.Holds(counted, s.now())...)
	}
	out = append(out, s.examineServing(ctx, v)...)
	out = append(out, examineRetention(ctx, v)...)
	return append(out, examineLog(ctx, v)), nil
}

// examineServing looks at the processes that serve.
func (s *session) examineServing(ctx context.Context, v *service.Service) []doctor.Finding {
	all, err := serving.List(ctx, v.Store, s.now())
	var ours record.Digest
	if err == nil {
		ours, err = v.Deployment()
	}
	if err != nil {
		return problemFindings("processes", err, "")
	}
	return doctor.Serving(all, ours)
}

// examineRetention looks at whether what is kept no longer was destroyed.
func examineRetention(ctx context.Context, v *service.Service) []doctor.Finding {
	job := retention.Job{Store: v.Store, Now: v.Env.Now()}
	job.Disclosures, job.Refusals, job.Pseudonyms = v.File.Retention.Years()
	since, err := job.Overdue(ctx)
	if err != nil || since.IsZero() {
		return problemFindings("retention", err, "nothing is kept for more than a month beyond its time")
	}
	return []doctor.Finding{{Level: doctor.Warn, Code: "retention.overdue", What: "retention", Message: "what names people should have been destroyed since " + moment(since),
		Hint: "run: almasu retention --dry-run, then almasu retention --reason TEXT; a timer is in deploy/systemd"}}
}

// problemFindings turns an error into findings.
func problemFindings(what string, err error, fine string) []doctor.Finding {
	if err == nil {
		return []doctor.Finding{{Level: doctor.OK, What: what, Message: fine}}
	}
	var out []doctor.Finding
	for _, p := range exit.Problems(err) {
		out = append(out, doctor.Finding{Level: doctor.Fail, Code: p.Code, What: what, Message: p.Message, Hint: p.Hint})
	}
	return out
}

// examineKeys looks at when sealing keys and our certificates end.
func examineKeys(v *service.Service) []doctor.Finding {
	var out []doctor.Finding
	now := v.Env.Now()
	for _, held := range v.Ring.Keys() {
		f := doctor.Finding{Level: doctor.OK, What: "sealing key", Message: held.Key.ID() + " is valid"}
		left := held.NotAfter.Sub(now)
		switch {
		case held.NotAfter.IsZero() || left > doctor.Soon:
		case left > 0:
			f.Message = fmt.Sprintf("%s ends on %s", held.Key.ID(), moment(held.NotAfter))
			if held.Key.ID() == v.Seal.ID() {
				f.Level, f.Code, f.Hint = doctor.Warn, "doctor.key_ends", "run: almasu keys rotate, and send recipients the new public key"
			}
		default:
			f.What, f.Message = "former sealing key", fmt.Sprintf("%s ended on %s", held.Key.ID(), moment(held.NotAfter))
		}
		out = append(out, f)
	}
	for _, e := range v.Expiries() {
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
func examineRoutes(v *service.Service) []doctor.Finding {
	var out []doctor.Finding
	for _, a := range v.AskRoutes() {
		f := doctor.Finding{Level: doctor.OK, What: "route " + a.Route, Message: "permitted now, and for the next thirty days"}
		switch {
		case !a.Permitted:
			f.Level, f.Code, f.Message, f.Hint = doctor.Fail, a.Rule, a.Why, a.Hint
		case a.OnRequest:
			f.Message = a.Why
		default:
			for _, days := range []int{30, 7, 1} {
				at := v.Env.Now().AddDate(0, 0, days)
				_, err := v.Register.Gate(legal.Case{Route: a.Route, Now: at, Demo: v.Env.Demo, Channel: v.Connections[a.Connector].Channel})
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
func secrets(v *service.Service) []string {
	k := &v.File.Keys
	names := []string{k.Log, k.Vault, k.Pseudonym, k.Seal, v.File.Platform.DSNFile, v.File.Store.DSNFile}
	for i := range v.File.Connectors {
		c := &v.File.Connectors[i]
		if c.REST != nil {
			names = append(names, c.REST.ClientKey)
		}
		if c.Parcel != nil && c.Parcel.SFTP != nil {
			names = append(names, c.Parcel.SFTP.Key)
		}
	}
	if v.File.Notify.Mail != nil {
		names = append(names, v.File.Notify.Mail.PasswordFile)
	}
	var out []string
	for _, name := range names {
		if name != "" {
			out = append(out, v.File.Path(name))
		}
	}
	return out
}

// examineRecipients meets each recipient's server, or visits its folder.
func examineRecipients(ctx context.Context, v *service.Service) []doctor.Finding {
	var out []doctor.Finding
	for i := range v.File.Connectors {
		c := &v.File.Connectors[i]
		if folder, ok := v.Connections[c.Name].Connector.(*parcel.Connector); ok {
			out = append(out, examineFolder(ctx, c, folder))
			continue
		}
		r := c.REST
		var ps record.Problems
		s := doctor.Server{Connector: c.Name, URL: r.URL, Pins: r.Pins, Loopback: r.InsecureLoopback}
		if r.CA != "" {
			s.CA = service.ReadFile(v.File.Path(r.CA), &ps, "config.ca_missing")
		}
		if r.ClientCertificate != "" {
			s.ClientCertificate = service.ReadFile(v.File.Path(r.ClientCertificate), &ps, "config.client_certificate_missing")
			s.ClientKey = service.ReadSecret(v.File.Path(r.ClientKey), &ps, "config.client_key_missing")
		}
		out = append(out, doctor.Recipient(ctx, s, v.Env.Now)...)
	}
	return out
}

// examineFolder visits the folder of a recipient that takes files.
func examineFolder(ctx context.Context, c *config.Connector, folder *parcel.Connector) doctor.Finding {
	where := c.Parcel.Folder
	if c.Parcel.SFTP != nil {
		where = "sftp://" + c.Parcel.SFTP.Address
	}
	f := doctor.Finding{Level: doctor.OK, What: "recipient of " + c.Name, Message: "its folders are there at " + where + ", and files can be put"}
	var failure *connectors.Failure
	if err := folder.Visit(ctx); errors.As(err, &failure) {
		f.Level, f.Code, f.Hint = doctor.Fail, failure.Code, failure.Hint
		f.Message = "no parcel can be put at " + where
	}
	return f
}

// examineLog verifies the whole log.
func examineLog(ctx context.Context, v *service.Service) doctor.Finding {
	report, err := v.VerifyLog(ctx, nil)
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
