package app

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/transfer"
)

// TestWhatWaitsIsTold: the recipient takes nothing. The first run says that its messages wait; the second has nothing to send, since all of it waits, and says that: it is no success, whatever its own
// account comes to.
func TestWhatWaitsIsTold(t *testing.T) {
	w := &setup.Example{Dir: t.TempDir(), Now: demo.Start, People: 200, Compare: "full"}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Oblast.URL = "https://127.0.0.1:9"
	w.Ministry.URL = w.Oblast.URL
	if err := w.WriteConfig(demo.Start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	k := &plaintiff{tellers{T: t, w: w}}
	k.edit("almasu.yaml", "patience: 20s", "patience: 1s")
	k.almasu(0, "", "migrate")
	if r := k.send(exit.NotWell); r.Status != transfer.InProgress {
		t.Fatalf("%s", r.Status)
	}
	k.w.Now = k.w.Now.Add(time.Minute)
	said := k.almasu(exit.NotWell, "", "run", consent, "--reason", "test")
	if !strings.Contains(said, "Of this connector 1 messages with ") || !strings.Contains(said, "none: no message was made") || strings.Contains(said, "Sent") {
		t.Errorf("it says\n%s", said)
	}
	k.w.Now = k.w.Now.Add(time.Minute)
	if said := k.almasu(exit.NotWell, "", "run", consent, "--reason", "test", "--json"); !strings.Contains(said, `"waiting"`) || !strings.Contains(said, `"status"`) {
		t.Errorf("it says\n%s", said)
	}
}

// TestDoctorVisitsFolders: a recipient that takes files is visited, as another's server is met.
func TestDoctorVisitsFolders(t *testing.T) {
	k := complain(t, false)
	text, err := os.ReadFile(k.w.Path("almasu.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	keys := "[" + k.w.Oblast.Folder + "/receipt.pub]"
	rest := regexp.MustCompile(`rest: .*` + regexp.QuoteMeta(keys) + `}`).FindString(string(text))
	k.edit("almasu.yaml", rest, "parcel: {folder: exchange, receipt_keys: "+keys+"}")
	if said := k.almasu(exit.NotWell, "", "doctor"); !strings.Contains(said, "no parcel can be put at exchange [delivery.no_folder]") {
		t.Errorf("without the folder it says\n%s", said)
	}
	for _, name := range []string{"in", "out"} {
		if err := os.MkdirAll(k.w.Path("exchange", name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if said := k.almasu(exit.NotWell, "", "doctor"); !strings.Contains(said, "its folders are there at exchange, and files can be put") || !strings.Contains(said, "the route says channel: rest, and the configuration has a connector of the channel parcel") {
		t.Errorf("with the folder it says\n%s", said)
	}
}
