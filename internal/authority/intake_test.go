package authority

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/connectors"
	connector "birgeoqy.kz/almasu/connectors/parcel"
	"birgeoqy.kz/almasu/internal/authority/box"
	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/parcel"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// counter is an authority that takes parcels from a folder, and the sender's connector to it.
type counter struct {
	*world
	box        string
	server     *Server
	identities []age.Identity
	found      *box.Intake
}

// Consistency implements connectors.Prover.
func (w *world) Consistency(_ context.Context, from, to int64) (tlog.TreeProof, error) {
	w.mu.Lock()
	n := int64(len(w.memory.Entries))
	w.mu.Unlock()
	if to > n {
		return nil, connectors.ErrAhead
	}
	return w.prove(from, to), nil
}

func newCounter(t testing.TB, more string) *counter {
	w := newWorld(t)
	w.configure(more)
	c := &counter{world: w, box: t.TempDir()}
	for _, name := range []string{parcel.In, parcel.Out} {
		if err := os.Mkdir(filepath.Join(c.box, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c.open()
	t.Cleanup(func() { c.close() })
	return c
}

func (c *counter) open() {
	c.t.Helper()
	s, err := Open(context.Background(), c.config(), c.clock.now, slog.New(slog.NewJSONHandler(io.Discard, nil)))
	if err != nil {
		c.t.Fatal(err)
	}
	c.server = s
}

func (c *counter) close() {
	if err := c.server.Close(); err != nil {
		c.t.Error(err)
	}
}

// look lets the authority look into the folder.
func (c *counter) look() *box.Intake {
	c.t.Helper()
	found, err := c.server.Receive(context.Background(), c.box, c.identities)
	if err != nil {
		c.t.Fatal(err)
	}
	c.found = found
	return found
}

// connect is the sender's connector; the authority looks into the folder in its pauses unless it is asleep.
func (c *counter) connect(asleep bool, encryptTo ...string) *connector.Connector {
	c.t.Helper()
	conf := connector.Config{
		Folder: c.box, Recipient: ministryBIN, Peers: c.ring(), LogKey: c.log.PublicKey(), Prover: c.world, EncryptTo: encryptTo, Now: c.clock.now, Wait: 100 * time.Millisecond,
		Pause: func(ctx context.Context, _ time.Duration) error {
			if !asleep {
				c.look()
			}
			return ctx.Err()
		},
	}
	out, err := connector.New(conf)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *counter) send(to *connector.Connector, m sent) *signing.Receipt {
	c.t.Helper()
	ack, err := to.Deliver(c.t.Context(), m.env, m.ticket)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := to.ReadReceipt(m.env, ack)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// fails insists on a failure's kind and code.
func (c *counter) fails(to *connector.Connector, m sent, kind connectors.Kind, code string) {
	c.t.Helper()
	_, err := to.Deliver(c.t.Context(), m.env, m.ticket)
	var f *connectors.Failure
	if !errors.As(err, &f) || f.Kind != kind || f.Code != code {
		c.t.Errorf("got %v, want %s %s", err, kind, code)
	}
}

func (c *counter) files(folder string) (names []string) {
	c.t.Helper()
	all, err := os.ReadDir(filepath.Join(c.box, folder))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range all {
		names = append(names, f.Name())
	}
	return names
}

// TestParcels: parcels come through in any order, the folder in is empty afterwards, and everything that is stored verifies. An authority that looks later
// finds what waits, and the sender the receipts.
func TestParcels(t *testing.T) {
	c := newCounter(t, "")
	awake, asleep := c.connect(false), c.connect(true)
	if r := c.send(awake, c.message(3)); r.Accepted != 3 {
		t.Fatal("not accepted")
	}
	var waiting []sent
	for range 5 {
		m := c.message(2)
		waiting = append(waiting, m)
		c.fails(asleep, m, connectors.Transient, "delivery.no_receipt_yet")
	}
	before := c.files(parcel.In)
	c.fails(asleep, waiting[0], connectors.Transient, "delivery.no_receipt_yet")
	if after := c.files(parcel.In); len(after) != len(before) || len(before) != 10 {
		t.Errorf("a parcel that is there was put again: %d files, then %d", len(before), len(after))
	}
	if found := c.look(); found.Taken != 5 || found.States != 5 || len(found.Waiting) != 0 {
		t.Errorf("%+v", found)
	}
	for _, m := range waiting {
		if r := c.send(asleep, m); r.Accepted != 2 {
			t.Error("not accepted")
		}
	}
	if left := c.files(parcel.In); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
	bad := c.seal(document(3, map[int]string{1: `{"iin":"1","name":"x"}`}), 3, nil)
	if r := c.send(awake, sent{bad, c.commit(intentOf(bad))[0]}); r.Accepted != 2 || r.Rejected != 1 {
		t.Error("a bad record was not rejected alone")
	}
	other := c.seal([]byte(`{}`), 1, nil)
	if r := c.send(awake, sent{other, c.commit(intentOf(other))[0]}); r.Status != signing.StatusRefused {
		t.Error("a bad document was not refused")
	}
	c.sound()
}

// TestParcelAgain: a parcel whose receipt is gone is answered with the same receipt, after a restart too.
func TestParcelAgain(t *testing.T) {
	c := newCounter(t, "")
	to, m := c.connect(false), c.message(1)
	c.send(to, m)
	name := filepath.Join(c.box, parcel.Out, parcel.ReceiptName(m.env.Header().Message))
	first := must(os.ReadFile(name))
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	c.close()
	c.open()
	c.send(c.connect(false), m)
	if !bytes.Equal(first, must(os.ReadFile(name))) {
		t.Error("another receipt for the same message")
	}
	c.sound()
}

func TestParcelEncrypted(t *testing.T) {
	c := newCounter(t, "")
	identity := must(age.GenerateX25519Identity())
	to, m := c.connect(false, identity.Recipient().String()), c.message(1)
	c.fails(to, m, connectors.Halt, "delivery.parcel_unreadable")
	if len(c.found.Waiting) != 1 || c.found.Waiting[0].Code != "parcel.encrypted" {
		t.Errorf("%+v", c.found)
	}
	b := must(os.ReadFile(filepath.Join(c.box, parcel.In, parcel.Name(m.env.Header().Message))))
	if bytes.Contains(b, []byte("Айгүл")) {
		t.Error("a name in clear")
	}
	c.identities = []age.Identity{must(age.GenerateX25519Identity())}
	c.look()
	if c.found.Waiting[0].Code != "parcel.not_for_us" {
		t.Errorf("%+v", c.found)
	}
	c.identities = append(c.identities, identity)
	c.look()
	c.send(to, m)
	c.sound()
}

// TestAgeOpensADocument lets the program age open what a parcel holds.
func TestAgeOpensADocument(t *testing.T) {
	needs.Tool(t, "age", "age")
	c := newCounter(t, "")
	identity := must(age.GenerateX25519Identity())
	to, m := c.connect(true, identity.Recipient().String()), c.message(2)
	c.fails(to, m, connectors.Transient, "delivery.no_receipt_yet")
	z := must(zip.OpenReader(filepath.Join(c.box, parcel.In, parcel.Name(m.env.Header().Message))))
	defer z.Close()
	f := must(z.Open("document.json.age"))
	defer f.Close()
	c.write("identity", []byte(identity.String()+"\n"))
	cmd := exec.Command("age", "-d", "-i", filepath.Join(c.dir, "identity"))
	cmd.Stdin = f
	if out, err := cmd.Output(); err != nil || !bytes.Equal(out, m.env.Payload().Bytes()) {
		t.Fatalf("age: %v", err)
	}
}

// TestParcelTables: tables are judged record by record, by the columns agreed on, and exported.
func TestParcelTables(t *testing.T) {
	c := newCounter(t, "")
	schema := `{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.kz/table.json","type":"object","additionalProperties":false,"required":["rows"],
"properties":{"rows":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["iin"],"properties":{"iin":{"type":"string","pattern":"^[0-9]{12}$"},
"grade":{"type":"integer"},"place":{"type":"object","additionalProperties":false,"properties":{"region":{"type":"string"}}}}}}}}`
	c.write("table.json", []byte(schema))
	digest := record.DigestOf([]byte(schema))
	configuration := string(must(os.ReadFile(filepath.Join(c.dir, "authority.yaml"))))
	c.write("authority.yaml", []byte(strings.Replace(configuration, "schemas: [", `schemas: [{file: table.json, columns: [iin, "grade:integer", place/region], digest: "`+digest.String()+`"}, `, 1)))
	c.close()
	c.open()
	to := c.connect(false)
	send := func(kind, doc string, records int) *signing.Receipt {
		env := c.sealAs([]byte(doc), kind, records, func(h *signing.Header) { h.Schema = digest })
		return c.send(to, sent{env, c.commit(intentOf(env))[0]})
	}
	table := "\ufeffЖСН;Сынып;Облыс\r\n001231500003;5;Абай\r\n1;6;\r\n351231000009;;\"Жетісу; ә\"\r\n"
	if r := send("text/csv; charset=utf-8", table, 3); r.Accepted != 2 || r.Rejected != 1 || r.Outcomes[0].Index != 1 {
		t.Errorf("%+v", r)
	}
	if r := send("text/csv; charset=windows-1251", "ИИН,Класс,Область\r\n351231000009,7,\xc0\xe1\xe0\xe9\r\n", 1); r.Accepted != 1 {
		t.Errorf("%+v", r)
	}
	if r := send("application/jsonl", `{"iin":"351231000009"}`+"\n"+`{"iin":"x"}`+"\n", 2); r.Accepted != 1 || r.Rejected != 1 {
		t.Errorf("%+v", r)
	}
	for kind, doc := range map[string]string{
		"text/csv; charset=utf-8": "a;b\r\n1;2\r\n", "application/jsonl": "[]\n", "application/pdf": "%PDF", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "PK",
	} {
		if r := send(kind, doc, 1); r.Status != signing.StatusRefused {
			t.Errorf("%s: %+v", kind, r)
		}
	}
	var out bytes.Buffer
	n, err := inbox.Export(t.Context(), c.config(), platformBIN, "json", &out)
	if err != nil || n != 4 || !strings.Contains(out.String(), `"record":{"iin":"351231000009","grade":7,"place":{"region":"Абай"}}`) {
		t.Errorf("%d records, %v:\n%s", n, err, out.String())
	}
	c.sound()
}

// TestParcelVoid: a void notice takes its message's parcel back; one that comes too late brings the message's receipt.
func TestParcelVoid(t *testing.T) {
	c := newCounter(t, "")
	to, asleep := c.connect(false), c.connect(true)
	void := func(m sent) sent {
		h := m.env.Header()
		env := c.seal([]byte(`{"void":"`+h.Message.String()+`"}`), 0, func(v *signing.Header) { v.Sequence, v.Operation, v.Fields = h.Sequence, signing.OperationVoid, nil })
		intent := intentOf(env)
		intent.Voids = h.Message
		return sent{env, c.commit(intent)[0]}
	}
	m := c.message(1)
	c.fails(asleep, m, connectors.Transient, "delivery.no_receipt_yet")
	c.next--
	c.send(to, void(m))
	if c.found.Taken != 1 || len(c.files(parcel.In)) != 0 {
		t.Errorf("%+v, and in the folder %v", c.found, c.files(parcel.In))
	}
	c.next = 1
	late := c.message(1)
	c.send(to, late)
	ack, err := to.Deliver(t.Context(), void(late).env, nil)
	if err == nil || ack != nil {
		t.Error("nothing leaves without a ticket")
	}
	c.next = 2
	notice := void(late)
	if ack, err = to.Deliver(t.Context(), notice.env, notice.ticket); err != nil {
		t.Fatal(err)
	}
	if r, err := to.ReadReceipt(late.env, ack); err != nil || r.Accepted != 1 {
		t.Errorf("not the receipt of the message: %v", err)
	}
	c.sound()
}

// TestParcelDishonest: what is not what it says stays in the folder, with an answer, and nothing of it is kept.
func TestParcelDishonest(t *testing.T) {
	c := newCounter(t, "")
	to := c.connect(false)
	c.send(to, c.message(1))
	m := c.message(1)
	at := must(c.log.PublicKey().Open(m.ticket.Checkpoint()))
	good := must(parcel.Write(m.env, m.ticket, at, nil))
	rebuilt := func(name string, change func([]byte) []byte) []byte {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for _, f := range must(zip.NewReader(bytes.NewReader(good), int64(len(good)))).File {
			b := must(io.ReadAll(must(f.Open())))
			if f.Name == name {
				b = change(b)
			}
			must(must(w.Create(f.Name)).Write(b))
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	id := m.env.Header().Message
	for code, b := range map[string][]byte{
		"parcel.malformed":          good[:len(good)-1],
		"parcel.manifest":           rebuilt("manifest.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"records": 1`), []byte(`"records": 2`), 1) }),
		"envelope.payload_mismatch": rebuilt("document.json", func(b []byte) []byte { return append(b, ' ') }),
		"signing.unknown_key":       rebuilt("envelope.txt", func([]byte) []byte { return []byte("a.b.c") }),
		"log.checkpoint_malformed":  rebuilt("checkpoint.txt", func([]byte) []byte { return []byte("x") }),
		"log.ticket_malformed":      rebuilt("ticket.txt", func([]byte) []byte { return []byte("x") }),
		"log.checkpoint_unknown":    good,
	} {
		if err := os.WriteFile(filepath.Join(c.box, parcel.In, parcel.Name(id)), b, 0o600); err != nil {
			t.Fatal(err)
		}
		c.look()
		if len(c.found.Waiting) != 1 || c.found.Waiting[0].Code != code {
			t.Errorf("%+v, want %s", c.found, code)
		}
		a, err := parcel.OpenAnswer(must(os.ReadFile(filepath.Join(c.box, parcel.Out, parcel.AnswerName(id)))), c.ring(), c.clock.now(), id)
		if err != nil || a.Code != code {
			t.Errorf("%+v, %v, want %s", a, err, code)
		}
	}
	if err := os.WriteFile(filepath.Join(c.box, parcel.In, parcel.Name(id)), good, 0o600); err != nil {
		t.Fatal(err)
	}
	c.send(to, c.message(1))
	c.send(to, m)
	if err := os.WriteFile(filepath.Join(c.box, parcel.In, parcel.Name(record.NewID())), good, 0o600); err != nil {
		t.Fatal(err)
	}
	c.look()
	if len(c.found.Waiting) != 1 || c.found.Waiting[0].Code != "parcel.malformed" {
		t.Errorf("under another name: %+v", c.found)
	}
	c.sound()
}

// TestParcelFork: a sender that rewrites its log is found out, once, and is told so.
func TestParcelFork(t *testing.T) {
	c := newCounter(t, "")
	c.send(c.connect(false), c.message(1))
	c.send(c.connect(false), c.message(1))
	c.memory = transferlog.Memory{} // another log, by the same key
	c.log = must(transferlog.New(c.secret))
	c.commit(intentOf(c.seal(document(1, nil), 1, nil)), intentOf(c.seal(document(1, nil), 1, nil)))
	c.next = 2
	m := c.message(1)
	for range 3 {
		c.fails(c.connect(false), m, connectors.Halt, "log.inconsistent")
	}
	var n int
	status := must(inbox.Status(t.Context(), c.config(), c.clock.now()))
	b := must(json.Marshal(status))
	if n = bytes.Count(b, []byte("log.inconsistent")); n == 0 {
		t.Errorf("no alarm: %s", b)
	}
	c.sound()
}

func TestReceiveCommand(t *testing.T) {
	c := newCounter(t, "")
	identity := must(age.GenerateX25519Identity())
	c.write("identity", []byte(identity.String()+"\n"))
	configuration := string(must(os.ReadFile(filepath.Join(c.dir, "authority.yaml"))))
	configuration = strings.Replace(configuration, "listen: 127.0.0.1:0\ntls: {certificate: tls.crt, key: tls.key}\n", "identity: identity\n", 1)
	c.write("authority.yaml", []byte(configuration))
	m := c.message(1)
	c.fails(c.connect(true, identity.Recipient().String()), m, connectors.Transient, "delivery.no_receipt_yet")
	c.close()
	run := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := Main(t.Context(), append(args, "--config", filepath.Join(c.dir, "authority.yaml")), &out, &out, c.clock.now)
		return code, out.String()
	}
	if code, out := run("bogus"); code != ExitInput || !strings.Contains(out, "unknown command") {
		t.Errorf("a word that is no command: %d %s", code, out)
	}
	if code, out := run("serve"); code != ExitInput || !strings.Contains(out, "authority receive") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run("receive", c.box); code != ExitOK || !strings.HasPrefix(out, "1 parcels have a receipt now, 0 of them a refusal; 1 states") {
		t.Errorf("%d %s", code, out)
	}
	if err := os.WriteFile(filepath.Join(c.box, parcel.In, parcel.Name(record.NewID())), []byte("PK"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := run("receive", c.box); code != ExitFinding || !strings.Contains(out, "[parcel.malformed]") {
		t.Errorf("%d %s", code, out)
	}
	if code, _ := run("receive", filepath.Join(c.box, "nowhere")); code != ExitEnvironment {
		t.Errorf("%d", code)
	}
	if err := os.Chmod(filepath.Join(c.dir, "identity"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out := run("receive", c.box); code != ExitInput || !strings.Contains(out, "config.secret_readable") {
		t.Errorf("%d %s", code, out)
	}
	c.open()
	c.send(c.connect(true, identity.Recipient().String()), m)
}

// TestParcelCutAndRemoved: somebody cuts a parcel short; its answer is no objection to the parcel that is put again once the file is removed.
func TestParcelCutAndRemoved(t *testing.T) {
	c := newCounter(t, "")
	asleep, m := c.connect(true), c.message(1)
	c.fails(asleep, m, connectors.Transient, "delivery.no_receipt_yet")
	name := filepath.Join(c.box, parcel.In, parcel.Name(m.env.Header().Message))
	if err := os.Truncate(name, 300); err != nil {
		t.Fatal(err)
	}
	if found := c.look(); len(found.Waiting) != 1 || found.Waiting[0].Code != "parcel.malformed" || found.Waiting[0].Hint == "" {
		t.Fatalf("%+v", found)
	}
	c.fails(asleep, m, connectors.Halt, "delivery.other_parcel")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	c.fails(asleep, m, connectors.Transient, "delivery.no_receipt_yet")
	c.look()
	c.send(asleep, m)
	c.sound()
}

// TestParcelsAmongOtherThings: a folder, pipes and links stand under names of parcels and introductions. Each is listed, none is followed or waited for, and the parcel beside them is taken.
func TestParcelsAmongOtherThings(t *testing.T) {
	c := newCounter(t, "")
	in := func(name string) string { return filepath.Join(c.box, parcel.In, name) }
	outside := filepath.Join(t.TempDir(), "outside")
	asleep, m := c.connect(true), c.message(1)
	c.fails(asleep, m, connectors.Transient, "delivery.no_receipt_yet")
	zip := func() string { return in(parcel.Name(record.NewID())) }
	for _, err := range []error{
		os.Mkdir(zip(), 0o700), syscall.Mkfifo(zip(), 0o600), syscall.Mkfifo(in(parcel.CheckpointName(platformBIN, 70, 80)), 0o600),
		os.WriteFile(outside, nil, 0o600), os.Symlink(outside, zip()), os.Symlink("nothing", zip()), os.Symlink(parcel.Name(m.env.Header().Message), zip()),
		os.WriteFile(in("readme.txt"), nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	found := c.look()
	for _, w := range found.Waiting {
		if w.Code != "parcel.not_a_file" || w.Hint == "" {
			t.Errorf("%+v", w)
		}
	}
	if found.Taken != 1 || len(found.Waiting) != 6 {
		t.Errorf("%d taken, %d wait", found.Taken, len(found.Waiting))
	}
	c.send(asleep, m)
	c.sound()
}

// TestFolderThatCannotBeUsed: each error is about the folder, says what to do, and ends with exit code 3; nothing is left half written, and what was received before is answered later.
func TestFolderThatCannotBeUsed(t *testing.T) {
	c := newCounter(t, "")
	asleep, m := c.connect(true), c.message(1)
	c.fails(asleep, m, connectors.Transient, "delivery.no_receipt_yet")
	refused := func(what, dir, code string) {
		t.Helper()
		_, err := c.server.Receive(t.Context(), dir, nil)
		var p *record.Problem
		if !errors.As(err, &p) || p.Code != code || p.Hint == "" || exitCode(err) != ExitEnvironment {
			t.Errorf("%s: %v, exit code %d", what, err, exitCode(err))
		}
	}
	out := filepath.Join(c.box, parcel.Out)
	refused("no folder", filepath.Join(c.box, "nowhere"), "folder.missing")
	refused("a folder without in and out", out, "folder.missing")
	refused("a file", filepath.Join(c.dir, "authority.yaml"), "folder.missing")
	if os.Geteuid() != 0 { // whom no mode hinders
		if err := os.Chmod(out, 0o500); err != nil {
			t.Fatal(err)
		}
		refused("out may not be written", c.box, "folder.permission")
		if err := os.Chmod(out, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	receipt := filepath.Join(out, parcel.ReceiptName(m.env.Header().Message))
	if err := os.MkdirAll(filepath.Join(receipt, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	refused("the receipt's name is taken by a folder", c.box, "folder.failed")
	if err := os.RemoveAll(receipt); err != nil {
		t.Fatal(err)
	}
	if left := c.files(parcel.Out); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	c.look()
	c.send(asleep, m)
	c.sound()
}
