package transfer_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/synth"
	"birgeoqy.kz/almasu/mapping"
)

// TestShareOfTheLaw takes batches of 2,000 people along the road by hand, one stage after another: read, resolve, decide, map and check, compress, seal
// at rest, seal the envelope. It says how much longer the whole takes for deciding, and how much longer the stages that only compute: neither database nor
// network, so that the second is what the law would add to a road whose ends cost nothing (much, where most people are refused and little is written). Deciding is
// warm after the first batch, as in a run. The whole may not be more than 15 % slower.
func TestShareOfTheLaw(t *testing.T) {
	r := newRigOf(t, store.SQLite, 100, 2000)
	pg := pgtest.New(t)
	r.must(synth.Load(t.Context(), pg.DB, synth.Options{People: 30_000, Seed: 1, At: began}))
	relations, err := platform.LoadConfig("platform.yaml", bytes.Replace(r.read("platform.yaml"), []byte("dialect: sqlite"), []byte("dialect: postgres"), 1))
	r.must(err)
	source, err := platform.New(relations, pg.DB)
	r.must(err)
	for _, route := range []string{"oblast-consent", "ministry-statute"} {
		r.share(source, route) // what is done once: tables, roster, caches
		s := r.share(source, route)
		slower := func(whole time.Duration) float64 { return 100 * float64(s.law) / float64(whole-s.law) }
		t.Logf("%s: deciding takes %.2f us a person; the road takes %.2f us, of which reading and resolving %.2f us; the law makes the road %.1f %% slower, and what only computes %.1f %%", route,
			s.each(s.law), s.each(s.whole), s.each(s.whole-s.computed), slower(s.whole), slower(s.computed))
		if slower(s.whole) > 15 {
			t.Errorf("%s: the law makes the road more than 15 %% slower", route)
		}
	}
}

// share is how long the stages took, for so many people.
type share struct {
	law, computed, whole time.Duration
	people               int
}

func (s *share) each(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(s.people) }

func (r *rig) share(source connectors.Source, route string) (out share) {
	r.Helper()
	gate, err := r.register.Gate(legal.Case{Route: route, Now: r.clock.now(), Demo: true, Channel: "rest"})
	r.must(err)
	table, err := mapping.Load(route+".yaml", r.read("mapping", route+".yaml"), r.register.Permitted(route))
	r.must(err)
	entry, _ := r.set.Find(table.Schema().Digest)
	encoder, err := table.Bind(gate.Fields(), entry.Schema.Checker())
	r.must(err)
	ros, err := r.engine.Roster()
	r.must(err)
	var document, scratch []byte
	var cleared legal.Cleared
	batch := record.NewBatch(gate.Fields(), 2000)
	begun := time.Now()
	stream, err := source.Open(r.Context(), connectors.Query{Fields: gate.Fields()})
	r.must(err)
	defer stream.Close()
	for sequence := uint64(1); ; sequence++ {
		err := stream.Next(r.Context(), batch, 2000)
		if errors.Is(err, io.EOF) {
			out.whole = time.Since(begun)
			return out
		}
		r.must(err)
		r.must(ros.Resolve(r.Context(), batch))
		resolved := time.Now()
		gate.Project(batch, &cleared)
		decided := time.Now()
		h := mapping.DocHeader{Transfer: record.NewID(), Message: record.NewID(), Batch: 1, Sender: "351240000010", Recipient: gate.Recipient().BIN,
			Route: route, Purpose: gate.Purpose(), Path: gate.Path(), Ground: gate.Basis().Ground, Created: decided}
		document, _, err = encoder.Encode(document[:0], &cleared, h)
		r.must(err)
		scratch = s2.Encode(scratch[:cap(scratch)], document)
		_, err = r.vault.Seal(nil, "test", "message", scratch)
		r.must(err)
		head := signing.Header{Transfer: h.Transfer, Message: h.Message, Sequence: sequence, Sender: h.Sender, Recipient: h.Recipient, Route: route, Connector: route,
			Operation: signing.OperationProvide, Purpose: h.Purpose, Path: h.Path, Clause: gate.Basis().Clause, Ground: h.Ground, Decision: gate.Decision(),
			Register: gate.RegisterDigest(), Policy: gate.PolicyDigest(), Mapping: table.Digest(), Schema: entry.Schema.Digest(), Fields: gate.Fields(),
			Records: cleared.Len(), Sealed: r.clock.now().Truncate(time.Microsecond)}
		_, err = signing.Seal(head, signing.NewPayload(document, "application/json"), r.seal)
		r.must(err)
		out.law += decided.Sub(resolved)
		out.computed += time.Since(resolved)
		out.people += batch.Len()
	}
}
