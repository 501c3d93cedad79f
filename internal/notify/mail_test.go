package notify

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

var now = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)

func example() *Note {
	ends := now.Add(48 * time.Hour)
	return &Note{ID: "0193a0b1", At: now,
		Raised: []Condition{{Kind: Failed, Subject: "ministry", Code: "source.database"}, {Kind: Agreement, Subject: "351240000020", Until: &ends}},
		Over:   []Condition{{Kind: Halted, Subject: "oblast", Code: "log.inconsistent"}}}
}

// server is a mail server for one session.
type server struct {
	address string
	roots   *x509.CertPool
	// done has what was said to it: envelope lines and the mail, once the session is over.
	done chan string
}

// serve speaks SMTP as the options say: with or without STARTTLS, refusing a command.
func serve(t *testing.T, starttls bool, refuse string) *server {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: l.Addr().String(), roots: x509.NewCertPool(), done: make(chan string, 1)}
	s.roots.AddCert(parsed)
	conf := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	go func() {
		conn, err := l.Accept()
		_ = l.Close()
		if err != nil {
			s.done <- err.Error()
			return
		}
		s.done <- session(conn, conf, starttls, refuse)
		_ = conn.Close()
	}()
	t.Cleanup(func() { _ = l.Close() })
	return s
}

func session(conn net.Conn, conf *tls.Config, starttls bool, refuse string) string {
	var said strings.Builder
	r := bufio.NewReader(conn)
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 test")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return said.String()
		}
		said.WriteString(line)
		verb := strings.ToUpper(strings.TrimSpace(strings.SplitN(line, " ", 2)[0]))
		switch {
		case verb == refuse:
			say("550 no, and here is what you said: " + strings.TrimSpace(line))
		case verb == "EHLO" && starttls:
			say("250-test\r\n250-AUTH PLAIN\r\n250 STARTTLS")
		case verb == "EHLO":
			say("250-test\r\n250 AUTH PLAIN")
		case verb == "STARTTLS":
			say("220 go on")
			secure := tls.Server(conn, conf)
			if err := secure.Handshake(); err != nil {
				return said.String() + "handshake failed"
			}
			conn, r, starttls = secure, bufio.NewReader(secure), false
			said.WriteString("encrypted\n")
		case verb == "AUTH":
			say("235 welcome")
		case verb == "DATA":
			say("354 go on")
			for {
				line, err := r.ReadString('\n')
				said.WriteString(line)
				if err != nil || line == ".\r\n" {
					break
				}
			}
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return said.String()
		default:
			say("250 fine")
		}
	}
}

func TestMailIsTakenEncryptedAndReads(t *testing.T) {
	s := serve(t, true, "")
	m := &Mail{Server: s.address, From: "almasu@example.kz", To: []string{"duty@example.kz", "law@example.kz"}, User: "almasu", Password: "secret",
		TLS: &tls.Config{RootCAs: s.roots}, Now: func() time.Time { return now }}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), example()); err != nil {
		t.Fatal(err)
	}
	said := <-s.done
	before, after, _ := strings.Cut(said, "encrypted\n")
	if strings.Contains(before, "MAIL") || strings.Contains(before, "AUTH") || !strings.Contains(after, "AUTH PLAIN") ||
		!strings.Contains(after, "RCPT TO:<duty@example.kz>") || !strings.Contains(after, "RCPT TO:<law@example.kz>") {
		t.Fatalf("the session:\n%s", said)
	}
	_, data, _ := strings.Cut(after, "DATA\r\n")
	got, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil || !strings.Contains(subject, "назар аударыңыз") || got.Header.Get("Message-Id") != "<0193a0b1@example.kz>" || got.Header.Get("Auto-Submitted") == "" {
		t.Errorf("%q %v %v", subject, err, got.Header)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(got.Body))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"ministry: беру орындалмады [source.database]", "ministry: передача не выполнена [source.database]", "ministry: the transfer failed [source.database]",
		"351240000020: the agreement with a recipient ends, 2026-11-25", "oblast: sending to the recipient goes on\r\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}

func TestMailRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		starttls, insecure, trusted bool
		refuse, code                string
	}{
		"no STARTTLS":          {code: "notify.mail_tls"},
		"unknown certificate":  {starttls: true, code: "notify.mail_tls"},
		"sender refused":       {starttls: true, trusted: true, refuse: "MAIL", code: "notify.mail_refused"},
		"mailbox refused":      {starttls: true, trusted: true, refuse: "RCPT", code: "notify.mail_refused"},
		"mail refused":         {starttls: true, trusted: true, refuse: "DATA", code: "notify.mail_refused"},
		"login refused":        {starttls: true, trusted: true, refuse: "AUTH", code: "notify.mail_refused"},
		"loopback is admitted": {insecure: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.starttls, c.refuse)
			m := &Mail{Server: s.address, From: "almasu@example.kz", To: []string{"duty@example.kz"}, User: "almasu", Password: "secret", InsecureLoopback: c.insecure,
				TLS: &tls.Config{}, Now: func() time.Time { return now }}
			if c.trusted {
				m.TLS.RootCAs = s.roots
			}
			err := m.Send(t.Context(), example())
			if record.CodeOf(err) != c.code || (err == nil) != (c.code == "") {
				t.Fatalf("%v", err)
			}
			if err != nil && strings.Contains(err.Error(), "what you said") {
				t.Error("the error quotes the server")
			}
			<-s.done
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := &Mail{Server: "127.0.0.1:1", From: "a@b.kz", To: []string{"c@d.kz"}, Now: time.Now}
	if err := m.Send(ctx, example()); record.CodeOf(err) != "notify.mail_connection" {
		t.Errorf("%v", err)
	}
}

func TestMailFields(t *testing.T) {
	for code, m := range map[string]Mail{
		"notify.mail_server":  {Server: "mail.example.kz", From: "a@b.kz", To: []string{"c@d.kz"}},
		"notify.insecure":     {Server: "mail.example.kz:25", From: "a@b.kz", To: []string{"c@d.kz"}, InsecureLoopback: true},
		"notify.mail_address": {Server: "mail.example.kz:25", From: "a@b.kz\r\nBcc: x@y.kz", To: []string{"c@d.kz"}},
		"notify.mail_login":   {Server: "mail.example.kz:25", From: "a@b.kz", To: []string{"c@d.kz"}, User: "a"},
	} {
		if err := m.Check(); record.CodeOf(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	if err := (&Mail{Server: "mail.example.kz:25", From: "a@b.kz"}).Check(); record.CodeOf(err) != "notify.mail_address" {
		t.Errorf("nobody to write to: %v", err)
	}
}

// TestEveryKindHasItsWords in all languages, raised and over.
func TestEveryKindHasItsWords(t *testing.T) {
	for _, k := range []Kind{Failed, Held, Missed, Waiting, Doubt, Halted, Certificate, Agreement, Ground, Policy, Duty} {
		seen := map[string]bool{}
		for language := kazakh; language <= english; language++ {
			for _, over := range []bool{false, true} {
				s := Condition{Kind: k, Subject: "a"}.sentence(language, over)
				if len(s) < 10 || seen[s] {
					t.Errorf("%s: %q", k, s)
				}
				seen[s] = true
			}
		}
	}
	if len(words) != 11 {
		t.Errorf("%d kinds have words", len(words))
	}
}
