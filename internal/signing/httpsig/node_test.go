package httpsig

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// peer is the independent implementation in testdata/node, run by node.
type peer struct {
	t   *testing.T
	in  *json.Encoder
	out *bufio.Scanner
}

func startPeer(t *testing.T) *peer {
	t.Helper()
	node := needs.Tool(t, "node", "nodejs")
	if _, err := os.Stat("testdata/node/node_modules/http-message-signatures"); err != nil {
		needs.Missing(t, "the npm package http-message-signatures is not installed: run npm ci in internal/signing/httpsig/testdata/node")
	}
	cmd := exec.Command(node, "peer.cjs")
	cmd.Dir, cmd.Stderr = "testdata/node", os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &peer{t: t, in: json.NewEncoder(in), out: bufio.NewScanner(out)}
}

type peerQuestion struct {
	Op      string      `json:"op"`
	Alg     signing.Alg `json:"alg"`
	Key     string      `json:"key"`
	KeyID   string      `json:"keyid"`
	Fields  []string    `json:"fields"`
	Created int64       `json:"created"`
	Nonce   string      `json:"nonce"`
	Body    string      `json:"body"`
	Request struct {
		Method  string            `json:"method"`
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"`
	} `json:"request"`
}

type peerAnswer struct {
	OK      bool              `json:"ok"`
	Error   string            `json:"error"`
	Headers map[string]string `json:"headers"`
}

func (p *peer) ask(q peerQuestion, r *http.Request) peerAnswer {
	p.t.Helper()
	q.Request.Method, q.Request.URL, q.Request.Headers = r.Method, r.URL.String(), map[string]string{"content-length": fmt.Sprint(r.ContentLength)}
	for name, values := range r.Header {
		q.Request.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	if err := p.in.Encode(q); err != nil {
		p.t.Fatal(err)
	}
	if !p.out.Scan() {
		p.t.Fatal("the peer is gone: ", p.out.Err())
	}
	var a peerAnswer
	if err := json.Unmarshal(p.out.Bytes(), &a); err != nil {
		p.t.Fatal(err)
	}
	return a
}

func TestIndependentImplementation(t *testing.T) {
	p := startPeer(t)
	now := time.Now()
	for _, alg := range []signing.Alg{signing.Ed25519, signing.ECDSAP256SHA256, signing.RSAPSSSHA512, signing.RSAV15SHA256} {
		k := newKey(t, alg)
		for round := range 10 {
			t.Run(fmt.Sprintf("%s/%d/ours", alg, round), func(t *testing.T) {
				r := outgoing(t)
				r.Header.Set(FieldSequence, fmt.Sprint(round))
				if err := Sign(r, record.DigestOf(testBody), k, Params{Created: now, Lifetime: time.Minute, Nonce: NewNonce()}); err != nil {
					t.Fatal(err)
				}
				q := peerQuestion{Op: "verify", Alg: alg, Key: string(k.Public().PEM()), KeyID: k.ID(), Fields: required(r)}
				if a := p.ask(q, r); !a.OK {
					t.Fatalf("the peer refuses our signature: %s", a.Error)
				}
				r.Header.Set(FieldSequence, "changed")
				if a := p.ask(q, r); a.OK {
					t.Fatal("the peer accepts a changed request")
				}
			})
			t.Run(fmt.Sprintf("%s/%d/theirs", alg, round), func(t *testing.T) {
				r := outgoing(t)
				secret, err := k.PEM()
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set(fieldDigest, "set by the peer")
				a := p.ask(peerQuestion{
					Op: "sign", Alg: alg, Key: string(secret), KeyID: k.ID(), Fields: required(r),
					Created: now.Unix(), Nonce: NewNonce(), Body: string(testBody),
				}, r)
				for name, value := range a.Headers {
					if name != "content-length" {
						r.Header.Set(name, value)
					}
				}
				if _, err := newVerifier(t, k).Verify(received(r), now, bodyDigest); err != nil {
					t.Fatalf("the peer's signature: %v (%s)", err, a.Error)
				}
				r.Header.Set(FieldSequence, "changed")
				_, err = newVerifier(t, k).Verify(received(r), now, bodyDigest)
				wantCode(t, err, "signature.bad")
			})
		}
	}
}
