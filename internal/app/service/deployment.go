package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"birgeoqy.kz/almasu/internal/app/schedtool"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/fault"
	"birgeoqy.kz/almasu/internal/store/serving"
)

// deployed is what a connector does, of its configuration: where files lie on this machine is left out, and what they say stands in their place.
type deployed struct {
	config.Connector
	Tables []string
}

// Deployment is the digest of what a process of this configuration does: the register, how the platform is read, calendars, and of each connector its tables, schedule, limits, comparison and where it
// sends. Files count by what they say. Two processes whose digests differ would do different things at the same due time. Keys, certificates, addresses of monitoring and the
// pace of the process are no part of it.
func (v *Service) Deployment() (record.Digest, error) {
	if _, err := schedtool.Jobs(v.File); err != nil {
		return record.Digest{}, err
	}
	lines := []string{"register " + v.Register.Digest().String()}
	for name, path := range map[string]string{"platform": v.File.Platform.Relations, "calendars": v.File.Calendars} {
		if path == "" {
			continue
		}
		var ps record.Problems
		b := ReadFile(v.File.Path(path), &ps, "config.file_missing")
		if err := ps.Err(); err != nil {
			return record.Digest{}, err
		}
		lines = append(lines, name+" "+record.DigestOf(b).String())
	}
	for _, c := range v.File.Connectors {
		d := deployed{Connector: c, Tables: []string{v.Connections[c.Name].Table.Digest().String()}}
		for _, l := range v.Later[c.Name] {
			d.Tables = append(d.Tables, l.From.Format(time.DateOnly)+" "+l.Table.Digest().String())
		}
		d.Mapping, d.Later = "", nil
		if c.REST != nil {
			d.REST = &config.REST{URL: c.REST.URL, Pins: c.REST.Pins, InsecureLoopback: c.REST.InsecureLoopback}
		}
		if p := c.Parcel; p != nil {
			d.Parcel = &config.Parcel{Folder: p.Folder, EncryptTo: p.EncryptTo, Wait: p.Wait}
			if p.SFTP != nil {
				d.Parcel.SFTP = &config.SFTP{Address: p.SFTP.Address, User: p.SFTP.User, Path: p.SFTP.Path}
			}
		}
		b, err := json.Marshal(d)
		if err != nil {
			return record.Digest{}, fmt.Errorf("the deployment of %s: %w", c.Name, err)
		}
		lines = append(lines, "connector "+string(b))
	}
	slices.Sort(lines)
	return record.DigestOf([]byte("almasu-deployment/v1\n" + strings.Join(lines, "\n") + "\n")), nil
}

// part is this process's part in serving its store (package serving): it takes part while no other process serves by another deployment.
type part struct {
	v          *Service
	deployment record.Digest
	term       time.Duration
	renewed    time.Time
	serves     atomic.Bool
	told       string
}

// newPart is the part of a process that looks for what is due after each pause.
func (v *Service) newPart(poll time.Duration) (*part, error) {
	d, err := v.Deployment()
	return &part{v: v, deployment: d, term: max(v.File.Serve.Lease.Or(time.Minute), 3*poll)}, err
}

// renew shows life, unless it was shown just now, and says whether this process serves. When it begins to, it notes the register. One goroutine calls it.
func (p *part) renew(ctx context.Context) (bool, error) {
	now := p.v.Env.Now()
	if since := now.Sub(p.renewed); p.serves.Load() && since >= 0 && since < p.term/3 {
		return true, nil
	}
	others, err := serving.Renew(ctx, p.v.Store, now, worker(), p.deployment, p.term)
	if err == nil && len(others) == 0 && !p.serves.Load() {
		err = p.v.NoteRegister(ctx, "service")
	}
	if err != nil {
		// Others hold this process for one that serves until its term ends, and so does it.
		if now.Sub(p.renewed) >= p.term*2/3 {
			p.serves.Store(false)
		}
		return p.serves.Load(), err
	}
	if p.renewed = now; len(others) > 0 {
		p.serves.Store(false)
		if p.told != others[0].Worker {
			p.told = others[0].Worker
			p.v.Env.Logger.Error("this process waits: another one serves by another configuration, and nothing is run by two", "code", "deployment.other", "ours", p.deployment.String(),
				"theirs", others[0].Deployment.String(), "worker", others[0].Worker, "until", others[0].Until,
				"hint", "give both the same configuration, register, mappings and calendars (SIGHUP reads them anew), or stop the one that is wrong; see: almasu doctor")
		}
		return false, nil
	}
	if p.told != "" {
		p.told = ""
		p.v.Env.Logger.Info("this process serves: no other one does by another configuration")
	}
	p.serves.Store(true)
	return true, nil
}

// waits is renew for whoever asks again after a pause anyway.
func (p *part) waits(ctx context.Context) bool {
	serves, err := p.renew(ctx)
	if err != nil && ctx.Err() == nil {
		p.v.Env.Logger.Error("showing that this process serves failed", "code", record.CodeOf(fault.Wrap(err)), "error", err)
	}
	return !serves
}

// leave says that this process serves no more.
func (p *part) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := serving.Leave(ctx, p.v.Store, p.v.Env.Now(), worker()); err != nil {
		p.v.Env.Logger.Warn("others hold this process for one that serves until its term ends", "error", err)
	}
}
