package outbox

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/s2"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/vault"
)

func newVault(t testing.TB) *vault.Vault {
	t.Helper()
	text, err := vault.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// headerOf is what the header of a message with this payload says of it.
func headerOf(p signing.Payload) *signing.Header {
	return &signing.Header{Message: record.NewID(), Payload: p.Digest(), PayloadBytes: p.Size(), MediaType: p.MediaType()}
}

// document is text like that of documents: some of it repeats.
func document(size int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(size)))
	b := make([]byte, 0, size+16)
	for len(b) < size {
		b = append(append(b, "almasu "...), byte(r.Uint32()), byte(r.Uint32()))
	}
	return b[:size]
}

func TestPack(t *testing.T) {
	v := newVault(t)
	var sealed, scratch []byte
	for _, size := range []int{35_000, 0, 10, pieceSize - 1, pieceSize, pieceSize + 1, 5*pieceSize + 7} {
		p := document(size)
		payload := signing.NewPayload(p, "text/plain")
		h := headerOf(payload)
		var err error
		if sealed, scratch, err = Pack(v, h.Message, payload, sealed, scratch); err != nil {
			t.Fatal(err)
		}
		back, err := Unpack(v, h, bytes.Clone(sealed))
		if err != nil || back.Size() != int64(size) || back.Digest() != payload.Digest() || back.MediaType() != "text/plain" {
			t.Fatalf("%d bytes come back as %d, %v", size, back.Size(), err)
		}
		for range 2 { // as often as somebody reads it, in reads of whatever sizes
			if err := iotest.TestReader(back.Open(), p); err != nil {
				t.Errorf("%d bytes: %v", size, err)
			}
		}
		for name, change := range map[string]func(h *signing.Header){
			"message": func(h *signing.Header) { h.Message = record.NewID() }, "digest": func(h *signing.Header) { h.Payload[3] ^= 1 },
			"smaller size": func(h *signing.Header) { h.PayloadBytes-- }, "greater size": func(h *signing.Header) { h.PayloadBytes++ },
			"immense size": func(h *signing.Header) { h.PayloadBytes = maxPayload + 1 },
		} {
			another := *h
			change(&another)
			if _, err := Unpack(v, &another, bytes.Clone(sealed)); err == nil {
				t.Errorf("a payload opens under another %s", name)
			}
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := Unpack(v, h, sealed); !errors.Is(err, vault.ErrOpen) {
			t.Errorf("a damaged payload: %v", err)
		}
	}
}

// unpack opens a compressed form that was sealed properly.
func unpack(t testing.TB, v *vault.Vault, p signing.Payload, compressed []byte) (signing.Payload, error) {
	t.Helper()
	h := headerOf(p)
	sealed, err := v.Seal(nil, purpose, name(h.Message, h.Payload), compressed)
	if err != nil {
		t.Fatal(err)
	}
	return Unpack(v, h, sealed)
}

func TestWholeBlock(t *testing.T) {
	v := newVault(t)
	for _, size := range []int{0, 10, pieceSize, 3 * pieceSize} {
		p := document(size)
		back, err := unpack(t, v, signing.NewPayload(p, "text/plain"), s2.Encode(nil, p))
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(back.Open(), p); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestBadForms(t *testing.T) {
	v := newVault(t)
	p := document(2 * pieceSize)
	good, err := compress(nil, signing.NewPayload(p, "text/plain"))
	if err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string][]byte{
		"four gigabytes": {0xff, 0xff, 0xff, 0xff, 0x0f}, "nothing": nil, "no length": {0, 0x80}, "an empty block": {0, 0}, "a block cut short": {0, 9, 1},
		"the first piece": good[:len(good)/2], "cut short": good[:len(good)-1], "a byte more": append(bytes.Clone(good), 1),
		"a piece more": append(bytes.Clone(good), good[1:]...), "one block of less": s2.Encode(nil, p[1:]),
	} {
		if _, err := unpack(t, v, signing.NewPayload(p, "text/plain"), form); err == nil {
			t.Errorf("%s: it opens", name)
		}
	}
	broken := append([]byte{0, 4}, 2, 0xff, 0xff, 0xff) // says that it has two bytes
	back, err := unpack(t, v, signing.NewPayload([]byte("ab"), "text/plain"), broken)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(back.Open()); err == nil || len(b) > 0 {
		t.Errorf("a block that does not unpack reads as %d bytes, %v", len(b), err)
	}
	if _, err := compress(nil, signing.NewPayload(p, "text/plain").Bare()); err == nil {
		t.Error("a payload whose bytes are not there is packed")
	}
}

// Readers give their memory to others while they are closed in the middle of a read, as the transport of HTTP does it, and each reads its own payload.
func TestReadersShareMemory(t *testing.T) {
	v := newVault(t)
	var wg sync.WaitGroup
	for i := range 8 {
		p := document(3*pieceSize + i)
		compressed, err := compress(nil, signing.NewPayload(p, "text/plain"))
		if err != nil {
			t.Fatal(err)
		}
		back, err := unpack(t, v, signing.NewPayload(p, "text/plain"), compressed)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for n := range 50 {
				r := back.Open()
				stop := make(chan struct{})
				wg.Go(func() {
					if <-stop; n%2 == 0 {
						_ = r.Close()
					}
				})
				close(stop)
				b, err := io.ReadAll(r)
				if !bytes.HasPrefix(p, b) || err == nil && len(b) < len(p) {
					t.Errorf("%d bytes of another payload, or not all: %v", len(b), err)
				}
				if err := errors.Join(r.Close(), r.Close()); err != nil {
					t.Error(err)
				}
				if _, err := r.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
					t.Errorf("it can be read when it is closed: %v", err)
				}
			}
		})
	}
	wg.Wait()
}

// What is read takes a piece of memory, and what is read to its end or closed takes none.
func TestMemory(t *testing.T) {
	p := document(4 * pieceSize)
	compressed, err := compress(nil, signing.NewPayload(p, "text/plain"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := split(compressed, int64(len(p)))
	if err != nil || len(c) != 4 {
		t.Fatalf("%d blocks, %v", len(c), err)
	}
	r := c.Open().(*reader)
	if r.page != nil {
		t.Error("memory is taken before anything is read")
	}
	if _, err := io.ReadFull(r, make([]byte, pieceSize+1)); err != nil || r.page == nil || len(r.blocks) != 2 {
		t.Errorf("the second of four pieces is not read in shared memory: %d blocks left, %v", len(r.blocks), err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil || r.page != nil {
		t.Errorf("memory is kept at the end, %v", err)
	}
	closed := c.Open().(*reader)
	if _, err := closed.Read(make([]byte, 1)); err != nil || closed.page == nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil || closed.page != nil || closed.piece != nil {
		t.Errorf("memory is kept by a closed reader, %v", err)
	}
}

func FuzzSplit(f *testing.F) {
	for _, size := range []int{0, 10, pieceSize + 5} {
		p := document(size)
		compressed, err := compress(nil, signing.NewPayload(p, "text/plain"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(compressed, int64(size))
		f.Add(s2.Encode(nil, p), int64(size))
	}
	f.Fuzz(func(t *testing.T, compressed []byte, size int64) {
		if size > 1<<20 {
			return
		}
		c, err := split(compressed, size)
		if err != nil {
			return
		}
		if b, err := io.ReadAll(c.Open()); err == nil && int64(len(b)) != size {
			t.Fatalf("%d bytes are %d", size, len(b))
		}
	})
}

func TestGivenMemoryIsTakenOnce(t *testing.T) {
	m := make(Memory, 1)
	if m.Take() != nil {
		t.Error("memory comes from nowhere")
	}
	for _, b := range [][]byte{[]byte("first"), []byte("no room")} {
		m.Give(b)
	}
	if b := m.Take(); len(b) != 0 || cap(b) == 0 || string(b[:5]) != "first" || m.Take() != nil {
		t.Errorf("%q of %d bytes is taken", b, cap(b))
	}
}
