package delta

import (
	"context"

	"birgeoqy.kz/almasu/internal/vault"
)

// cached is how many pages a book keeps.
const cached = 64

// Book is what one recipient holds over one connector, for reading. It serves one goroutine.
type Book struct {
	pages   Pages
	vault   *vault.Vault
	name    string
	cache   map[uint32]*kept
	last    *kept
	memory  Sealed // of the page read last
	clock   int
	waiting map[uint32]Digest
	held    []uint64 // a bit for each ordinal of whom a page that was read held anything
	read    []bool   // by number
}

type kept struct {
	page
	number uint32
	used   int
}

// NewBook returns a book by its pages and what waits to be applied to it, in the order in which it was logged.
func NewBook(pages Pages, v *vault.Vault, name string, waiting ...[]Entry) *Book {
	b := &Book{pages: pages, vault: v, name: name, cache: map[uint32]*kept{}, waiting: map[uint32]Digest{}}
	for _, list := range waiting {
		for _, e := range list {
			b.waiting[e.Ordinal] = e.Digest
		}
	}
	return b
}

// Of returns what the recipient holds of a person once what waits has arrived.
func (b *Book) Of(ctx context.Context, ordinal uint32) (Digest, error) {
	if len(b.waiting) > 0 {
		if d, ok := b.waiting[ordinal]; ok {
			return d, nil
		}
	}
	return b.Held(ctx, ordinal)
}

// Held returns what the recipient holds of a person, whatever waits.
func (b *Book) Held(ctx context.Context, ordinal uint32) (Digest, error) {
	if number := ordinal / PageSize; b.last == nil || b.last.number != number {
		if err := b.turn(ctx, number); err != nil {
			return Zero, err
		}
	}
	return b.last.page[ordinal%PageSize], nil
}

// turn makes a page the last one that was looked at.
func (b *Book) turn(ctx context.Context, number uint32) error {
	b.clock++
	if k := b.cache[number]; k != nil {
		k.used, b.last = b.clock, k
		return nil
	}
	var k *kept
	if len(b.cache) < cached {
		k = &kept{}
	} else {
		for _, one := range b.cache {
			if k == nil || one.used < k.used {
				k = one
			}
		}
		delete(b.cache, k.number)
		b.last = nil
	}
	if err := k.load(ctx, b.pages, b.vault, b.name, number, &b.memory); err != nil {
		return err
	}
	k.number, k.used = number, b.clock
	b.cache[number], b.last = k, k
	for len(b.read) <= int(number) {
		b.read, b.held = append(b.read, false), append(b.held, make([]uint64, pageWords)...)
	}
	b.read[number] = true
	for i, d := range k.page {
		if d != Zero {
			b.held[int(number)*pageWords+i/64] |= 1 << (i % 64)
		}
	}
	return nil
}

const pageWords = PageSize / 64

// Within reports whether a page was read, and everybody of whom it held anything is in a set: a bit for each ordinal.
func (b *Book) Within(number uint32, set []uint64) bool {
	if int(number) >= len(b.read) || !b.read[number] {
		return false
	}
	first := int(number) * pageWords
	for i, held := range b.held[first : first+pageWords] {
		if at := first + i; at < len(set) {
			held &^= set[at]
		}
		if held != 0 {
			return false
		}
	}
	return true
}
