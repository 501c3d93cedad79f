package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// Mail is a channel to mailboxes. Its fields are checked by [Mail.Check].
type Mail struct {
	// Server is host and port.
	Server string
	// From is the sender's address, To the recipients'.
	From string
	To   []string
	// User and Password log in (PLAIN, RFC 4616), if User is set.
	User, Password string
	// TLS is the configuration of STARTTLS; its ServerName is the host's if empty.
	TLS *tls.Config
	// InsecureLoopback admits a server on this machine without STARTTLS.
	InsecureLoopback bool
	// Now dates the mails.
	Now func() time.Time
}

// Check reports all problems of the fields at once.
func (m *Mail) Check() error {
	var ps record.Problems
	host, _, err := net.SplitHostPort(m.Server)
	if err != nil || host == "" {
		ps.Add("notify.mail_server", "server", `e.g. "mail.example.kz:587"`, "expected a host and a port")
	} else if m.InsecureLoopback && !loopback(host) {
		ps.Add("notify.insecure", "insecure_loopback", "take it out: the server must offer STARTTLS", "only a server on this machine may go without encryption")
	}
	for i, a := range append([]string{m.From}, m.To...) {
		where := "from"
		if i > 0 {
			where = fmt.Sprintf("to[%d]", i-1)
		}
		if parsed, err := mail.ParseAddress(a); err != nil || parsed.Address != a {
			ps.Add("notify.mail_address", where, `e.g. "duty@example.kz", without a name`, "expected one address")
		}
	}
	if len(m.To) == 0 {
		ps.Add("notify.mail_address", "to", "name at least one mailbox", "nobody would get the mail")
	}
	if (m.User == "") != (m.Password == "") {
		ps.Add("notify.mail_login", "user", "give both or none", "user and password belong together")
	}
	return ps.Err()
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Name implements [Channel].
func (m *Mail) Name() string { return "mail" }

// Send implements [Channel]. Codes: notify.mail_connection, notify.mail_tls, notify.mail_refused.
func (m *Mail) Send(ctx context.Context, n *Note) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Server)
	if err != nil {
		return m.problem("notify.mail_connection", "the mail server cannot be reached")
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return m.problem("notify.mail_connection", "the connection has no time limit")
		}
	}
	host, _, _ := net.SplitHostPort(m.Server)
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return m.problem("notify.mail_connection", "what answers is not a mail server")
	}
	defer c.Close()
	if err := m.secure(c, host); err != nil {
		return err
	}
	if m.User != "" {
		if err := c.Auth(smtp.PlainAuth("", m.User, m.Password, host)); err != nil {
			return m.problem("notify.mail_refused", "the mail server does not accept user and password")
		}
	}
	if err := m.hand(c, n); err != nil {
		return m.problem("notify.mail_refused", "the mail server does not take the mail")
	}
	_ = c.Quit() // the mail is taken already
	return nil
}

func (m *Mail) problem(code, message string) error {
	return record.NewProblem(code, m.Server, "", "%s", message) // the server's own words are dropped: they may quote
}

// secure encrypts the connection.
func (m *Mail) secure(c *smtp.Client, host string) error {
	if ok, _ := c.Extension("STARTTLS"); !ok {
		if m.InsecureLoopback {
			return nil
		}
		return m.problem("notify.mail_tls", "the mail server offers no STARTTLS")
	}
	conf := &tls.Config{}
	if m.TLS != nil {
		conf = m.TLS.Clone()
	}
	conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	if conf.ServerName == "" {
		conf.ServerName = host
	}
	if err := c.StartTLS(conf); err != nil {
		return m.problem("notify.mail_tls", "the mail server's certificate or TLS version is not accepted")
	}
	return nil
}

func (m *Mail) hand(c *smtp.Client, n *Note) error {
	if err := c.Mail(m.From); err != nil {
		return err
	}
	for _, to := range m.To {
		if err := c.Rcpt(to); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(m.compose(n)); err != nil {
		return err
	}
	return w.Close()
}

// compose writes the mail, RFC 5322.
func (m *Mail) compose(n *Note) []byte {
	_, domain, _ := strings.Cut(m.From, "@")
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", m.From}, {"To", strings.Join(m.To, ", ")}, {"Subject", mime.QEncoding.Encode("utf-8", n.heading())},
		{"Date", m.Now().Format(time.RFC1123Z)}, {"Message-ID", "<" + n.ID + "@" + domain + ">"}, {"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "quoted-printable"},
	} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	_, _ = q.Write([]byte(strings.ReplaceAll(n.text(), "\n", "\r\n"))) // a buffer takes everything
	_ = q.Close()
	return b.Bytes()
}
