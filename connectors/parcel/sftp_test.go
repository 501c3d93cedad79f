package parcel

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/parcel"
)

var cuts = flag.Int("cuts", 12, "how many uploads TestCutMidUpload cuts in the middle")

// daemon is a real OpenSSH server on loopback, with keys of its own.
type daemon struct {
	address    string
	host       ssh.PublicKey
	client     []byte // a private key that it accepts
	strangers  []byte // one that it does not
	user, home string
}

func newKey(t testing.TB) (private []byte, public ssh.PublicKey) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	out, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), out
}

func startDaemon(t testing.TB) *daemon {
	t.Helper()
	program := needs.Tool(t, "/usr/sbin/sshd", "openssh-server")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if me.Uid == "0" { // it insists on this folder when root starts it
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d := &daemon{user: me.Username, home: t.TempDir()}
	write := func(name string, b []byte) string {
		path := filepath.Join(d.home, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hostKey, host := newKey(t)
	client, public := newKey(t)
	d.host, d.client = host, client
	d.strangers, _ = newKey(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.address = listener.Addr().String()
	_, port, _ := net.SplitHostPort(d.address)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	config := write("sshd_config", fmt.Appendf(nil, "Port %s\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n"+
		"PidFile none\nSubsystem sftp internal-sftp\nMaxStartups 100\n", port, write("host", hostKey), write("authorized", ssh.MarshalAuthorizedKey(public))))
	cmd := exec.Command(program, "-D", "-e", "-f", config)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var heard strings.Builder
	for b := make([]byte, 1024); !strings.Contains(heard.String(), "Server listening"); {
		n, err := said.Read(b)
		heard.Write(b[:n])
		if err != nil {
			t.Fatalf("sshd does not listen: %s", heard.String())
		}
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	return d
}

// sftp is the configuration of a folder on the server, reached under an address.
func (d *daemon) sftp(address, dir string) *SFTP {
	return &SFTP{Address: address, User: d.user, Path: dir, Key: d.client, HostKeys: ssh.MarshalAuthorizedKey(d.host)}
}

// cutter is a proxy that cuts a connection when so many bytes have gone to the server.
type cutter struct {
	address string
	after   atomic.Int64
	cut     atomic.Int64 // how many were cut
	gate    sync.Mutex   // a connection that begins waits until nobody waits for the ends of others
	open    sync.WaitGroup
}

// ended waits until no connection is open.
func (c *cutter) ended() {
	c.gate.Lock()
	defer c.gate.Unlock()
	c.open.Wait()
}

func newCutter(t testing.TB, to string) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	c := &cutter{address: listener.Addr().String()}
	c.after.Store(1 << 40)
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			c.gate.Lock()
			c.open.Add(1)
			c.gate.Unlock()
			go func() {
				defer c.open.Done()
				_, _ = io.Copy(in, out)
				_, _ = io.Copy(io.Discard, out) // until the server has ended
				_ = errors.Join(in.Close(), out.Close())
			}()
			go func() {
				if n, _ := io.Copy(out, io.LimitReader(in, c.after.Load())); n == c.after.Load() {
					c.cut.Add(1)
				}
				_ = in.Close()
				_ = out.(*net.TCPConn).CloseWrite() // the server gets what was sent until now
			}()
		}
	}()
	return c
}

// TestExerciseSFTP is the suite over a real SFTP server.
func TestExerciseSFTP(t *testing.T) {
	d := startDaemon(t)
	connectortest.Exercise(t, func(t testing.TB, s *connectortest.Sender) (connectors.Connector, connectortest.Receiver) {
		box := connectortest.NewLetterbox(t, connectortest.RecipientBIN, connectortest.RingOf(t, s.Key), s.Log.PublicKey(), now)
		return looking{connect(t, s, box, Config{SFTP: d.sftp(d.address, box.Dir)}), box}, box
	})
}

// TestCutMidUpload cuts the connection in the middle of uploads. Whoever looks into the folder never sees a part of a parcel under its name, and in the end
// it is there once, without remains.
func TestCutMidUpload(t *testing.T) {
	d := startDaemon(t)
	c := newCutter(t, d.address)
	s := connectortest.NewSender(t)
	box := connectortest.NewLetterbox(t, connectortest.RecipientBIN, connectortest.RingOf(t, s.Key), s.Log.PublicKey(), now)
	to := connect(t, s, box, Config{SFTP: d.sftp(c.address, box.Dir)})
	document := make([]byte, 1<<20)
	if _, err := rand.Read(document); err != nil {
		t.Fatal(err)
	}
	env, ticket := s.Document(document)
	name := filepath.Join(box.Dir, parcel.In, parcel.Name(env.Header().Message))
	whole := func() bool {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return false
		}
		p, err := parcel.Read(b, 4<<20)
		if err != nil || !bytes.Equal(p.Stored, document) {
			t.Errorf("a part of the parcel stands under its name: %d bytes", len(b))
		}
		return true
	}
	stop, watched := make(chan struct{}), sync.WaitGroup{}
	watched.Go(func() {
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				whole()
			}
		}
	})
	middle := 0
	for i := 0; middle < *cuts && i < 10**cuts; i++ {
		c.after.Store(int64(16<<10 + i*40503%(len(document)-(64<<10))))
		_, err := to.Deliver(t.Context(), env, ticket)
		c.ended()
		var f *connectors.Failure
		if !errors.As(err, &f) || f.Kind != connectors.Transient {
			t.Fatalf("cut after %d bytes: %v", c.after.Load(), err)
		}
		if whole() {
			t.Fatalf("cut after %d bytes, and the parcel has arrived", c.after.Load())
		}
		parts, err := filepath.Glob(name + ".*" + parcel.Partial)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			if info, err := os.Stat(p); err == nil && info.Size() > 0 && info.Size() < int64(len(document)) {
				middle++
				break
			}
		}
	}
	c.after.Store(1 << 40)
	ack, err := to.Deliver(t.Context(), env, ticket)
	if err != nil {
		t.Fatal(err)
	}
	close(stop)
	watched.Wait()
	if _, err := to.ReadReceipt(env, ack); err != nil {
		t.Fatal(err)
	}
	if kept := box.Kept(); len(kept) != 1 || !bytes.Equal(kept[0].Payload, document) {
		t.Errorf("%d messages were kept", len(kept))
	}
	if left, err := os.ReadDir(filepath.Join(box.Dir, parcel.In)); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
	t.Logf("%d connections cut, %d of them in the middle of the parcel", c.cut.Load(), middle)
	if middle < *cuts {
		t.Errorf("only %d cuts hit the parcel", middle)
	}
}

// TestSFTPRefusals: who the server is, and what it lets us do, is settled before anything is written.
func TestSFTPRefusals(t *testing.T) {
	d := startDaemon(t)
	s := connectortest.NewSender(t)
	box := connectortest.NewLetterbox(t, connectortest.RecipientBIN, connectortest.RingOf(t, s.Key), s.Log.PublicKey(), now)
	_, other := newKey(t)
	for code, change := range map[string]func(*SFTP){
		"delivery.host_key":   func(f *SFTP) { f.HostKeys = ssh.MarshalAuthorizedKey(other) },
		"delivery.sftp_login": func(f *SFTP) { f.Key = d.strangers },
		"delivery.no_folder":  func(f *SFTP) { f.Path = filepath.Join(box.Dir, "nowhere") },
		"delivery.connection": func(f *SFTP) { f.Address = "127.0.0.1:1" },
	} {
		conf := d.sftp(d.address, box.Dir)
		change(conf)
		env, ticket := s.Message(1)
		_, err := connect(t, s, box, Config{SFTP: conf}).Deliver(t.Context(), env, ticket)
		var f *connectors.Failure
		if !errors.As(err, &f) || f.Code != code || f.Kind != connectors.Transient || f.Hint == "" {
			t.Errorf("got %v, want %s", err, code)
		}
		if err := connect(t, s, box, Config{SFTP: conf}).Visit(t.Context()); !errors.As(err, &f) || f.Code != code {
			t.Errorf("a visit: got %v, want %s", err, code)
		}
	}
	if kept := box.Kept(); len(kept) > 0 {
		t.Errorf("%d messages were kept", len(kept))
	}
}

// TestVisit: a visit finds the folders, leaves nothing behind, and fails where a delivery would.
func TestVisit(t *testing.T) {
	d := startDaemon(t)
	s := connectortest.NewSender(t)
	box := connectortest.NewLetterbox(t, connectortest.RecipientBIN, connectortest.RingOf(t, s.Key), s.Log.PublicKey(), now)
	for _, conf := range []Config{{Folder: box.Dir}, {SFTP: d.sftp(d.address, box.Dir)}} {
		to := connect(t, s, box, conf)
		if err := to.Visit(t.Context()); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(filepath.Join(box.Dir, parcel.In)); err != nil || len(left) != 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
		out := filepath.Join(box.Dir, parcel.Out)
		if err := os.Rename(out, out+"side"); err != nil {
			t.Fatal(err)
		}
		var f *connectors.Failure
		if err := to.Visit(t.Context()); !errors.As(err, &f) || f.Code != "delivery.no_folder" {
			t.Errorf("without out: %v", err)
		}
		if err := os.Rename(out+"side", out); err != nil {
			t.Fatal(err)
		}
	}
	for cause, code := range map[error]string{
		&os.LinkError{Op: "link", Err: syscall.ENOSPC}: "delivery.not_stored", &sftp.StatusError{Code: 4}: "delivery.not_stored", errShort: "delivery.not_stored",
		&sftp.StatusError{Code: 7}: "delivery.connection",
	} {
		if f := broken(t.Context(), cause); f.Code != code || f.Hint == "" || f.Kind != connectors.Transient {
			t.Errorf("%v: %s", cause, f.Code)
		}
	}
}

// TestNothingIsWrittenOver: what stands under a parcel's name, whoever put it there, stays as it is.
func TestNothingIsWrittenOver(t *testing.T) {
	d := startDaemon(t)
	for _, over := range []bool{false, true} {
		s := connectortest.NewSender(t)
		box := connectortest.NewLetterbox(t, connectortest.RecipientBIN, connectortest.RingOf(t, s.Key), s.Log.PublicKey(), now)
		conf := Config{Folder: box.Dir}
		if over {
			conf = Config{SFTP: d.sftp(d.address, box.Dir)}
		}
		to := connect(t, s, box, conf)
		to.conf.Wait = 0
		env, ticket := s.Message(1)
		name := parcel.In + "/" + parcel.Name(env.Header().Message)
		if err := os.WriteFile(filepath.Join(box.Dir, name), []byte("somebody else's"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := to.Deliver(t.Context(), env, ticket)
		var f *connectors.Failure
		if !errors.As(err, &f) || f.Kind != connectors.Halt || f.Code != "delivery.other_parcel" {
			t.Errorf("got %v", err)
		}
		p, shut, err := to.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Put(name, []byte("mine")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a second put: %v", err)
		}
		if b, err := p.Read(name, 100); err != nil || string(b) != "somebody else's" {
			t.Errorf("%q, %v", b, err)
		}
		if _, err := p.Read(name, 3); !errors.Is(err, errTooLarge) {
			t.Errorf("%v", err)
		}
		names, err := p.Names(parcel.In)
		if err != nil || len(names) != 1 {
			t.Errorf("%v, %v", names, err)
		}
		if err := errors.Join(p.Remove(name), p.Remove(name)); err != nil {
			t.Error(err)
		}
		shut()
		if err := syscall.Mkfifo(filepath.Join(box.Dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Deliver(t.Context(), env, ticket); !errors.As(err, &f) || f.Code != "delivery.not_a_file" || f.Hint == "" { // and does not wait for a writer
			t.Errorf("a pipe: %v", err)
		}
	}
}

func TestConfigProblems(t *testing.T) {
	_, err := New(Config{Folder: "x", SFTP: &SFTP{Address: "host", Key: []byte("x"), HostKeys: []byte("# none\nx\n")}, EncryptTo: []string{"age1x"}, Wait: -time.Second})
	for _, code := range []string{"place", "recipient", "peers", "incomplete", "encrypt_to", "duration", "address", "sftp", "key", "host_key"} {
		if err == nil || !strings.Contains(err.Error(), "[parcel."+code+"]") {
			t.Errorf("parcel.%s is not among: %v", code, err)
		}
	}
}
