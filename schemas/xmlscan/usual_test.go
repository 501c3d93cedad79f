package xmlscan

import (
	"encoding/binary"
	"testing"
)

func TestUsual(t *testing.T) {
	for at := range 8 {
		for c := range 256 {
			b := []byte("Ақнұр<")[:8]
			b[at] = byte(c)
			if w := binary.LittleEndian.Uint64(b); usual(w) && (c < 0x20 || c == 0xEF) {
				t.Errorf("%x is usual", b)
			}
		}
	}
	if !usual(binary.LittleEndian.Uint64([]byte("</place>"))) || !usual(binary.LittleEndian.Uint64([]byte("Ақнұ"))) {
		t.Error("nothing is usual")
	}
}
