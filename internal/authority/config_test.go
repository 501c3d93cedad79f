package authority

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/record"
)

// TestBrokenConfigurations changes the good configuration in one place each.
func TestBrokenConfigurations(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(w.dir, "authority.yaml")
	good := string(must(os.ReadFile(path)))
	for _, c := range []struct{ old, change, code, where string }{
		{"listen: 127.0.0.1:0", "listen: nowhere", "config.value", "listen"},
		{"listen: 127.0.0.1:0\n", "", "config.value", "listen"},
		{"listen:", "listens:", "config.malformed", ":1:1"},
		{"names: {kk", "names: {kz", "config.malformed", ":5:"},
		{"data: data", "data: [", "config.malformed", ""},
		{"data: data\n", "", "config.value", "data"},
		{"data: data", "data: data\ndata: data", "config.malformed", ""},
		{ministryBIN, "123", "config.value", "bin"},
		{"receipt_key: receipt.key\n", "", "config.value", "receipt_key"},
		{"tls: {certificate: tls.crt, key: tls.key}", "tls: {certificate: tls.crt}", "config.value", "tls"},
		{"tls: {certificate: tls.crt, key: tls.key}", "insecure_loopback: true\ntls: {key: x}", "config.value", "insecure_loopback"},
		{"listen: 127.0.0.1:0\ntls: {certificate: tls.crt, key: tls.key}", "listen: 0.0.0.0:1\ninsecure_loopback: true", "config.value", "insecure_loopback"},
		{platformBIN, "x", "config.value", "senders[0].bin"},
		{"    log_key: log.pub\n", "", "config.value", "senders[0].log_key"},
		{"keys: [{file: sender.pub}]", "keys: []", "config.value", "senders[0].keys"},
		{"keys: [{file: sender.pub}]", "keys: [{not_after: 2030-01-01T00:00:00Z}]", "config.value", "senders[0].keys[0].file"},
		{"keys: [{file: sender.pub}]", "keys: [{file: sender.pub, not_after: soon}]", "config.value", "senders[0].keys[0]"},
		{`digest: "sha256:`, `digest: "sha1:`, "config.value", "schemas[0]"},
		{"unique: [iin]", "window: 5000", "config.value", "window"},
		{"unique: [iin]", "gap_timeout: soon", "config.malformed", ""},
		{"unique: [iin]", "window: -1", "config.malformed", ""},
		{"unique: [iin]", "gap_timeout: -1m", "config.value", "gap_timeout"},
		{"unique: [iin]", "limits: {body_bytes: -1}", "config.value", "limits.body_bytes"},
		{"unique: [iin]", "limits: {in_flight: 5000}", "config.value", "limits.in_flight"},
		{"unique: [iin]", "public_url: example.kz", "config.value", "public_url"},
		{"unique: [iin]", "--- {}", "config.malformed", ""},
		{"unique: [iin]", "unique: iin: x", "config.malformed", ""},
	} {
		broken := strings.Replace(good, c.old, c.change, 1)
		if broken == good {
			t.Fatalf("%q is not in the configuration", c.old)
		}
		w.write("authority.yaml", []byte(broken))
		_, err := inbox.LoadConfig(path)
		if record.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.where) {
			t.Errorf("%q: %v, want %s at %s", c.change, err, c.code, c.where)
		}
	}
	w.write("authority.yaml", nil)
	if _, err := inbox.LoadConfig(path); record.CodeOf(err) != "config.empty" {
		t.Error(err)
	}
	all := "listen: x\nbin: x\n"
	w.write("authority.yaml", []byte(all))
	if _, err := inbox.LoadConfig(path); strings.Count(err.Error(), "\n") < 6 {
		t.Errorf("not all findings at once: %v", err)
	}
}

// TestBrokenMaterial breaks the files that the configuration names.
func TestBrokenMaterial(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ file, code string }{
		{"receipt.key", "signing.bad_key"}, {"sender.pub", "signing.bad_key"}, {"log.pub", "log.key_malformed"}, {"schema.json", ""},
	} {
		good := must(os.ReadFile(filepath.Join(w.dir, c.file)))
		w.write(c.file, []byte("x"))
		_, err := Open(t.Context(), w.config(), w.clock.now, nil)
		if err == nil || c.code != "" && record.CodeOf(err) != c.code {
			t.Errorf("%s: %v", c.file, err)
		}
		w.write(c.file, append(good, '\n'))
		if c.file == "schema.json" {
			if _, err := Open(t.Context(), w.config(), w.clock.now, nil); record.CodeOf(err) != "config.schema_digest" {
				t.Errorf("another schema: %v", err)
			}
		}
		w.write(c.file, good)
		if err := os.Remove(filepath.Join(w.dir, c.file)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), w.config(), w.clock.now, nil); record.CodeOf(err) != "config.file" {
			t.Errorf("%s is missing: %v", c.file, err)
		}
		w.write(c.file, good)
	}
}
