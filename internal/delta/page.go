package delta

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"birgeoqy.kz/almasu/internal/vault"
)

// PageSize is how many digests a page has.
const PageSize = 4096

// page is the digests of the ordinals from its number times PageSize on.
type page [PageSize]Digest

// Pages keeps the pages of one book.
type Pages interface {
	// Page appends a sealed page to dst, nothing if there is none, and reports whether it is marked as stale.
	Page(ctx context.Context, number uint32, dst []byte) (sealed []byte, stale bool, err error)
}

// Changing keeps pages that are being changed, in one transaction that excludes every other.
type Changing interface {
	Pages
	// Put replaces a page, which is then not marked as stale.
	Put(ctx context.Context, number uint32, sealed []byte) error
}

// Name is the name of a book.
func Name(connector, recipient string) string { return connector + "/" + recipient }

func pageName(book string, number uint32) string {
	return book + "/" + strconv.FormatUint(uint64(number), 10)
}

// load fills p, in a buffer that it may make longer.
func (p *page) load(ctx context.Context, from Pages, v *vault.Vault, book string, number uint32, buffer *[]byte) error {
	sealed, stale, err := from.Page(ctx, number, (*buffer)[:0])
	if err != nil {
		return err
	}
	*buffer = sealed
	return p.open(v, book, number, sealed, stale)
}

func (p *page) open(v *vault.Vault, book string, number uint32, sealed []byte, stale bool) error {
	clear(p[:])
	if len(sealed) == 0 {
		return nil
	}
	b, err := v.OpenInPlace(purpose, pageName(book, number), sealed)
	if err != nil {
		return fmt.Errorf("page %d of what %s holds: %w", number, book, err)
	}
	if len(b)%len(Digest{}) != 0 || len(b) > PageSize*len(Digest{}) {
		return ErrMalformed
	}
	for i := 0; len(b) > 0; i, b = i+1, b[len(Digest{}):] {
		copy(p[i][:], b)
		if stale && p[i] != Zero {
			p[i] = Stale
		}
	}
	return nil
}

func (p *page) seal(v *vault.Vault, book string, number uint32) ([]byte, error) {
	n := PageSize
	for n > 0 && p[n-1] == Zero {
		n--
	}
	plain := make([]byte, 0, n*len(Digest{}))
	for i := range n {
		plain = append(plain, p[i][:]...)
	}
	return v.Seal(make([]byte, 0, len(plain)+64), purpose, pageName(book, number), plain)
}

// Apply writes entries into the pages of a book, of two for one ordinal the last; each page that changes is read and put once.
func Apply(ctx context.Context, in Changing, v *vault.Vault, book string, list []Entry) error {
	return change(ctx, in, v, book, list, func(was Digest, e Entry) Digest { return e.Digest })
}

// Spoil makes stale what a book holds of the people with these ordinals, and reports of how many it holds anything.
func Spoil(ctx context.Context, in Changing, v *vault.Vault, book string, ordinals []uint32) (people int, err error) {
	list := make([]Entry, len(ordinals))
	for i, o := range ordinals {
		list[i].Ordinal = o
	}
	err = change(ctx, in, v, book, list, func(was Digest, _ Entry) Digest {
		if was == Zero {
			return Zero
		}
		people++
		return Stale
	})
	return people, err
}

// Leave writes into a book that the recipient holds nothing any more of those with the ordinals gone, and of those in other whom it holds nothing that it holds something, which is
// to be sent again: they are known under another ordinal now.
func Leave(ctx context.Context, in Changing, v *vault.Vault, book string, gone, other []uint32) error {
	list := make([]Entry, 0, len(gone)+len(other))
	for _, o := range gone {
		list = append(list, Entry{Ordinal: o})
	}
	for _, o := range other {
		list = append(list, Entry{Ordinal: o, Digest: Stale})
	}
	return change(ctx, in, v, book, list, func(was Digest, e Entry) Digest {
		if e.Digest == Stale && was != Zero {
			return was
		}
		return e.Digest
	})
}

func change(ctx context.Context, in Changing, v *vault.Vault, book string, list []Entry, f func(was Digest, e Entry) Digest) error {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Entry) int { return int(int64(a.Ordinal) - int64(b.Ordinal)) })
	var p page
	var buffer []byte
	for len(list) > 0 {
		number := list[0].Ordinal / PageSize
		if err := p.load(ctx, in, v, book, number, &buffer); err != nil {
			return err
		}
		changed := false
		for len(list) > 0 && list[0].Ordinal/PageSize == number {
			at := &p[list[0].Ordinal%PageSize]
			if now := f(*at, list[0]); now != *at {
				*at, changed = now, true
			}
			list = list[1:]
		}
		if !changed {
			continue
		}
		sealed, err := p.seal(v, book, number)
		if err != nil {
			return err
		}
		if err := in.Put(ctx, number, sealed); err != nil {
			return err
		}
	}
	return nil
}

// Each calls f with everybody of whom a page holds anything, in the order of their ordinals.
func Each(v *vault.Vault, book string, number uint32, sealed []byte, stale bool, f func(Entry)) error {
	var p page
	if err := p.open(v, book, number, sealed, stale); err != nil {
		return err
	}
	for i, d := range p {
		if d != Zero {
			f(Entry{Ordinal: number*PageSize + uint32(i), Digest: d})
		}
	}
	return nil
}
