package parcel

import (
	"context"
	"net"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Config is what a connector needs.
type Config struct {
	// Folder is a folder of this machine; or SFTP one of a server. Either has the folders in and out.
	Folder string
	SFTP   *SFTP
	// Recipient is the recipient's BIN.
	Recipient string
	// Peers has the keys that sign the recipient's receipts and answers.
	Peers *signing.Keyring
	// LogKey opens our checkpoints, Prover makes consistency proofs of our own log.
	LogKey *transferlog.PublicKey
	Prover connectors.Prover
	// EncryptTo has the recipient's age public keys ("age1..."); without any, documents are in clear.
	EncryptTo []string
	// Now is the clock. Pause returns after d, or earlier with ctx's error.
	Now   func() time.Time
	Pause func(ctx context.Context, d time.Duration) error
	// Wait is how long an attempt looks for an answer (20 s), AttemptTimeout limits the whole of it besides (2 min), ConnectTimeout connecting (10 s).
	Wait, AttemptTimeout, ConnectTimeout time.Duration

	recipients []age.Recipient
}

// SFTP is a folder on an SFTP server.
type SFTP struct {
	// Address is host:port, User the account, Path the folder that has in and out, from the account's own if it is not absolute.
	Address, User, Path string
	// Key is our private key in OpenSSH's or another PEM form, without a passphrase.
	Key []byte
	// HostKeys are the server's public keys, a line each as in a .pub file; comments and empty lines are skipped.
	HostKeys []byte

	signer ssh.Signer
	hosts  []ssh.PublicKey
}

// check fills defaults and returns all problems at once.
func (c *Config) check() error {
	var ps record.Problems
	if (c.Folder == "") == (c.SFTP == nil) {
		ps.Add("parcel.place", "", "", "parcels go either to a folder or to an SFTP server")
	}
	if len(c.Recipient) != 12 || strings.Trim(c.Recipient, "0123456789") != "" {
		ps.Add("parcel.recipient", "recipient", "", "expected a BIN of 12 digits")
	}
	if len(c.Peers.Keys()) == 0 {
		ps.Add("parcel.peers", "peers", "provision the recipient's public key by file and compare its fingerprint", "no key of the recipient is known, so no receipt could be verified")
	}
	if c.LogKey.Origin() == "" || c.Prover == nil || c.Now == nil || c.Pause == nil {
		ps.Add("parcel.incomplete", "", "", "the connector needs the log's key, its prover and a clock")
	}
	for _, text := range c.EncryptTo {
		to, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil || len(to) != 1 {
			ps.Add("parcel.encrypt_to", "encrypt_to", "the recipient makes it with: age-keygen", `expected a public key of age, "age1..."`)
			continue
		}
		c.recipients = append(c.recipients, to...)
	}
	for _, d := range [...]struct {
		value *time.Duration
		usual time.Duration
	}{{&c.Wait, 20 * time.Second}, {&c.AttemptTimeout, 2 * time.Minute}, {&c.ConnectTimeout, 10 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.usual
		}
		if *d.value < 0 {
			ps.Add("parcel.duration", "", "", "a duration is negative")
		}
	}
	if c.SFTP != nil {
		c.SFTP.check(&ps)
	}
	return ps.Err()
}

func (s *SFTP) check(ps *record.Problems) {
	if host, port, err := net.SplitHostPort(s.Address); err != nil || host == "" || port == "" {
		ps.Add("parcel.address", "sftp.address", "e.g. sftp.example.kz:22", "expected host:port")
	}
	if s.User == "" || s.Path == "" {
		ps.Add("parcel.sftp", "sftp", "", "user or path is missing")
	}
	var err error
	if s.signer, err = ssh.ParsePrivateKey(s.Key); err != nil {
		ps.Add("parcel.key", "sftp.key", "make one with: ssh-keygen -t ed25519 -N ''", "the private key cannot be read, or has a passphrase")
	}
	for line := range strings.Lines(string(s.HostKeys)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			ps.Add("parcel.host_key", "sftp.host_keys", "copy the server's /etc/ssh/ssh_host_ed25519_key.pub", "expected the server's public keys, a line each")
			continue
		}
		s.hosts = append(s.hosts, key)
	}
	if len(s.hosts) == 0 {
		ps.Add("parcel.host_key", "sftp.host_keys", "ask the recipient for the server's public key by another way", "no key of the server is known, and it is not trusted at first sight")
	}
}
