package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
	"birgeoqy.kz/almasu/internal/transferlog"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"authority": main})
}

// at is the clock of the scripts, which start the program with --now.
var at = time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)

const sender, ministry = "050540000007", "010140000005"

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestScripts runs the program on a sender's two messages; the command "send" posts them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			p := newPlatform()
			e.Values["platform"] = p
			for name, b := range p.files() {
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), b, 0o600); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"send": func(ts *testscript.TestScript, neg bool, args []string) {
				p := ts.Value("platform").(*platform)
				url := bytes.TrimSpace([]byte(ts.ReadFile(args[0])))
				url = bytes.TrimPrefix(url, []byte("listening on "))
				ts.Check(p.send(string(url)))
			},
			// waitfor waits until a file has a line.
			"waitfor": func(ts *testscript.TestScript, neg bool, args []string) {
				tick := time.NewTicker(5 * time.Millisecond)
				defer tick.Stop()
				for end := time.After(20 * time.Second); ; {
					select {
					case <-tick.C:
						if b, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && bytes.Contains(b, []byte("\n")) {
							return
						}
					case <-end:
						ts.Fatalf("%s has no line", args[0])
					}
				}
			},
		},
	})
}

// platform is a sender with its log and two messages.
type platform struct {
	key, receipt *signing.Key
	log          *transferlog.Log
	memory       transferlog.Memory
	envelopes    []*signing.Envelope
	tickets      []*transferlog.Ticket
}

const schema = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,"required":["pupils"],
"properties":{"pupils":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["iin"],"properties":{"iin":{"type":"string","pattern":"^[0-9]{12}$"},"phone":{"type":"string"}}}}}}`

func newPlatform() *platform {
	secret, _, err := transferlog.GenerateKey(rand.Reader, "birgeoqy.kz/almasu/log")
	if err != nil {
		panic(err)
	}
	p := &platform{key: must(signing.GenerateKey(signing.Ed25519, nil)), receipt: must(signing.GenerateKey(signing.ECDSAP256SHA256, nil)), log: must(transferlog.New(secret))}
	for i, doc := range []string{`{"pupils":[{"iin":"000000000017","phone":"+77010000000"},{"iin":"x"}]}`, `{"pupils":[{"iin":"000000000025"}]}`} {
		d := record.DigestOf
		h := signing.Header{
			Transfer: record.NewID(), Message: record.NewID(), Sequence: uint64(i + 1), Sender: sender, Recipient: ministry, Route: "r", Connector: "c", Purpose: "4.1.2",
			Path: "statute", Operation: signing.OperationProvide, Clause: "5.3", Ground: "g", Decision: d([]byte("d")), Register: d([]byte("r")), Policy: d([]byte("p")),
			Mapping: d([]byte("m")), Schema: d([]byte(schema)), Fields: []string{"iin"}, Records: 2 - i, Sealed: at,
		}
		env := must(signing.Seal(h, signing.NewPayload([]byte(doc), "application/json"), p.key))
		h = env.Header()
		c := must(p.log.Commit(context.Background(), &p.memory, at, &transferlog.Intent{
			Transfer: h.Transfer, Message: h.Message, Sequence: h.Sequence, Recipient: h.Recipient, Purpose: h.Purpose, Path: h.Path, Clause: h.Clause,
			Decision: h.Decision, Register: h.Register, Policy: h.Policy, Mapping: h.Mapping, Schema: h.Schema, Envelope: env.Digest(), Payload: h.Payload,
			Fields: h.Fields, Records: h.Records,
		}))
		c.Committed()
		p.envelopes = append(p.envelopes, env)
		p.tickets = append(p.tickets, c.Tickets()...)
	}
	return p
}

func (p *platform) files() map[string][]byte {
	return map[string][]byte{
		"authority.yaml": []byte(`listen: 127.0.0.1:0
insecure_loopback: true
data: data
bin: "` + ministry + `"
names: {kk: Министрлік, ru: Министерство}
receipt_key: receipt.key
senders: [{bin: "` + sender + `", name: platform, log_key: log.pub, keys: [{file: sender.pub}]}]
schemas: [{file: schema.json, digest: "` + record.DigestOf([]byte(schema)).String() + `"}]
`),
		"receipt.key": must(p.receipt.PEM()), "sender.pub": p.key.Public().PEM(), "log.pub": []byte(p.log.PublicKey().String()), "schema.json": []byte(schema),
		"log.jsonl": p.export(&p.memory), "forged.jsonl": p.export(p.forged()),
	}
}

// forged is the log written anew from its first entry on, and signed by the same key.
func (p *platform) forged() *transferlog.Memory {
	m := &transferlog.Memory{}
	for _, b := range p.memory.Entries {
		e := must(transferlog.Decode(b)).(*transferlog.Intent)
		e.Ground = "another"
		must(p.log.Commit(context.Background(), m, at, e))
	}
	return m
}

func (p *platform) export(m *transferlog.Memory) []byte {
	var out bytes.Buffer
	w := evidence.NewWriter(&out, p.log.PublicKey(), at)
	for i, e := range m.Entries {
		w.Entry(e)
		w.Checkpoint(m.Checkpoints[i])
	}
	must(0, w.Close())
	return out.Bytes()
}

func (p *platform) send(url string) error {
	last := p.tickets[1].Checkpoint()
	for i, signed := range [][]byte{p.tickets[0].Checkpoint(), last} {
		proof := must(transferlog.ProveConsistency(&p.memory, int64(i), int64(i+1)))
		body := must(json.Marshal(map[string]any{"checkpoint": signed, "from": i, "proof": proof}))
		if err := p.post(url+"/v1/checkpoints", body, http.Header{"Content-Type": {"application/json"}}); err != nil {
			return err
		}
	}
	for i, env := range p.envelopes {
		h := http.Header{}
		httpsig.SetEnvelope(h, env)
		h.Set(httpsig.FieldTicket, p.tickets[i].Wire())
		h.Set(httpsig.FieldCheckpoint, base64.StdEncoding.EncodeToString(p.tickets[i].Checkpoint()))
		if err := p.post(url+"/v1/messages", env.Payload().Bytes(), h); err != nil {
			return err
		}
	}
	return nil
}

type statusError string

func (s statusError) Error() string { return string(s) }

func (p *platform) post(url string, body []byte, fields http.Header) error {
	r := must(http.NewRequest(http.MethodPost, url, bytes.NewReader(body)))
	r.Header = fields
	must(0, httpsig.Sign(r, record.DigestOf(body), p.key, httpsig.Params{Created: at, Lifetime: 5 * time.Minute, Nonce: httpsig.NewNonce()}))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var b bytes.Buffer
		_, _ = b.ReadFrom(resp.Body)
		return statusError(resp.Status + " " + b.String())
	}
	return nil
}
