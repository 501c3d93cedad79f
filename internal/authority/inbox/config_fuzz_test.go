package inbox

import (
	"os"
	"testing"
)

// FuzzConfig reads the receiving side's file: what is accepted has limits, senders and schemas.
func FuzzConfig(f *testing.F) {
	text, err := os.ReadFile("../../../deploy/birgeoqy/authority.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := newConfig(b, "authority.yaml")
		if err == nil && (len(c.Senders) == 0 || len(c.Schemas) == 0 || c.Limits.BodyBytes <= 0 || c.Limits.InFlight <= 0 || c.Window == 0 || c.GapTimeout <= 0) {
			t.Fatalf("accepted: %+v", c)
		}
	})
}
