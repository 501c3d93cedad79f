package kill

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// byParcel turns a deployment to parcels in a folder: the authority takes them there, and the connector puts them there.
func (w *world) byParcel() {
	w.Helper()
	w.authority.kill()
	w.box = w.TempDir()
	for _, name := range []string{"in", "out"} {
		w.must(os.Mkdir(filepath.Join(w.box, name), 0o700))
	}
	b, err := os.ReadFile(w.Path("almasu.yaml"))
	w.must(err)
	line := regexp.MustCompile(`(?m)^    rest: .*oblast/receipt\.pub\]\}$`)
	if !line.Match(b) {
		w.Fatalf("the configuration has no line for the oblast:\n%s", b)
	}
	b = line.ReplaceAll(b, []byte("    parcel: {folder: "+w.box+", receipt_keys: [oblast/receipt.pub], wait: 300ms}"))
	w.must(os.WriteFile(w.Path("almasu.yaml"), b, 0o600))
	w.edit("register/routes/"+connector+".yaml", "channel: rest", "channel: parcel")
	w.must(os.Remove(w.Path("register", "approvals.yaml")))
	w.must(w.Approve())
	w.startAuthority("")
}

// TestParcelsKilledAtRandom kills both ends at random instants while messages go as files: each arrives once, nothing is lost, and nothing lies in
// the folder in the end.
func TestParcelsKilledAtRandom(t *testing.T) {
	w := newWorld(t, shipped, "", 400, 20)
	w.byParcel()
	for want := number(t, "ALMASU_KILLS", 30); w.kills["almasu"] < want && !t.Failed(); {
		l := w.next("")
		if w.shoot(l) {
			w.kills["almasu"]++
		}
		w.die(l)
		w.events(nil)
	}
	w.finish(w.next(""))
	w.judge()
	left, err := filepath.Glob(filepath.Join(w.box, "in", "*.zip"))
	if err != nil || len(left) > 0 {
		t.Errorf("%d parcels are left, %v", len(left), err)
	}
	if n := len(w.received()); n < 2 {
		t.Errorf("only %d transfers, the first of which had no parcels", n)
	}
	t.Logf("killed: %v; %d transfers", w.kills, len(w.received()))
}

// filing are the points of an authority that takes parcels.
var filing = []string{"authority.parcel_kept", "authority.receipt_written"}

// TestParcelKilledAtItsPoints kills the authority between the store and the receipt, and between the receipt and the end of the parcel.
func TestParcelKilledAtItsPoints(t *testing.T) {
	w := newWorld(t, tagged, "", 100, 20)
	w.byParcel()
	for _, point := range filing {
		w.authority.kill()
		w.startAuthority(point)
		l := w.run("")
		if !w.waitFor(l, w.authority.paused) {
			t.Fatalf("the authority does not come to %s\n%s", point, l.said())
		}
		w.authority.kill()
		w.startAuthority("")
		w.finish(l)
	}
	w.judge()
}
