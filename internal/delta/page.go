package delta

import (
	"cmp"
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

// Sealed is a page at rest.
type Sealed struct {
	// Body is its digests as of when it was written whole, Recent a list of those that have changed since, as [Encode] writes it; both are sealed, and empty where there is none.
	Body, Recent []byte
	// Stale marks the whole page as stale.
	Stale bool
}

// Pages keeps the pages of one book.
type Pages interface {
	// Page returns a page, which is empty if there is none, in the memory of one that is not needed any more, or in new memory.
	Page(ctx context.Context, number uint32, memory Sealed) (Sealed, error)
}

// Changing keeps pages that are being changed, in one transaction that excludes every other.
type Changing interface {
	Pages
	// Recent returns a page without its body, and how many bytes that has.
	Recent(ctx context.Context, number uint32) (page Sealed, body int, err error)
	// Put replaces a page by its body: it then has no recent digests, and is not marked as stale.
	Put(ctx context.Context, number uint32, body []byte) error
	// PutRecent replaces the recent digests of a page that has a body.
	PutRecent(ctx context.Context, number uint32, recent []byte) error
}

// Name is the name of a book.
func Name(connector, recipient string) string { return connector + "/" + recipient }

func pageName(book string, number uint32) string {
	return book + "/" + strconv.FormatUint(uint64(number), 10)
}

// recentName is the name of a page's recent digests.
func recentName(book string, number uint32) string { return pageName(book, number) + "/recent" }

// load fills p; memory is that of the page loaded last.
func (p *page) load(ctx context.Context, from Pages, v *vault.Vault, book string, number uint32, memory *Sealed) error {
	sealed, err := from.Page(ctx, number, *memory)
	if err != nil {
		return err
	}
	*memory = sealed
	return p.open(v, book, number, sealed)
}

// open fills p from a page at rest, whose bytes it overwrites.
func (p *page) open(v *vault.Vault, book string, number uint32, sealed Sealed) error {
	clear(p[:])
	if len(sealed.Body) > 0 {
		b, err := v.OpenInPlace(purpose, pageName(book, number), sealed.Body)
		if err != nil {
			return fmt.Errorf("page %d of what %s holds: %w", number, book, err)
		}
		if len(b)%len(Digest{}) != 0 || len(b) > PageSize*len(Digest{}) {
			return ErrMalformed
		}
		for i := 0; len(b) > 0; i, b = i+1, b[len(Digest{}):] {
			copy(p[i][:], b)
		}
	}
	recent, err := openRecent(v, book, number, sealed.Recent)
	if err != nil {
		return err
	}
	for _, e := range recent {
		p[e.Ordinal%PageSize] = e.Digest
	}
	for i := range p {
		if sealed.Stale && p[i] != Zero {
			p[i] = Stale
		}
	}
	return nil
}

// openRecent reads the recent digests of a page, each of another ordinal.
func openRecent(v *vault.Vault, book string, number uint32, sealed []byte) ([]Entry, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	b, err := v.OpenInPlace(purpose, recentName(book, number), sealed)
	if err != nil {
		return nil, fmt.Errorf("page %d of what %s holds: %w", number, book, err)
	}
	list, err := Decode(b)
	for _, e := range list {
		if e.Ordinal/PageSize != number {
			err = ErrMalformed
		}
	}
	return list, err
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

// recentShare is how many digests a page has at least for each that may be recent: an eighth more is read of a page, so that a change of few need not write it whole.
const recentShare = 8

// Apply writes entries into the pages of a book, of two for one ordinal the last. Each page that changes is read and put once; of one of which few have changed since it was written whole,
// only those are.
func Apply(ctx context.Context, in Changing, v *vault.Vault, book string, list []Entry) error {
	var whole []Entry
	list = ordered(list)
	for len(list) > 0 {
		number := list[0].Ordinal / PageSize
		n := 1
		for n < len(list) && list[n].Ordinal/PageSize == number {
			n++
		}
		few, err := applyFew(ctx, in, v, book, number, list[:n])
		if err != nil {
			return err
		}
		if !few {
			whole = append(whole, list[:n]...)
		}
		list = list[n:]
	}
	return change(ctx, in, v, book, whole, func(was Digest, e Entry) Digest { return e.Digest })
}

// applyFew adds entries to the recent digests of a page, if they are few against its body. Those of a page that is marked as stale are not: the mark would be theirs, too.
func applyFew(ctx context.Context, in Changing, v *vault.Vault, book string, number uint32, list []Entry) (few bool, err error) {
	page, body, err := in.Recent(ctx, number)
	if most := body / len(Digest{}) / recentShare; err != nil || page.Stale || len(list) > most {
		return false, err
	} else if recent, err := openRecent(v, book, number, page.Recent); err != nil {
		return false, err
	} else if list = ordered(append(recent, list...)); len(list) > most {
		return false, nil
	}
	sealed, err := v.Seal(nil, purpose, recentName(book, number), Encode(make([]byte, 0, 16+len(list)*20), list))
	if err != nil {
		return false, err
	}
	return true, in.PutRecent(ctx, number, sealed)
}

func byOrdinal(a, b Entry) int { return cmp.Compare(a.Ordinal, b.Ordinal) }

// ordered returns entries by ordinal, of two for one the last.
func ordered(list []Entry) []Entry {
	list = slices.Clone(list)
	slices.SortStableFunc(list, byOrdinal)
	n := 0
	for i, e := range list {
		if i+1 == len(list) || list[i+1].Ordinal != e.Ordinal {
			list[n] = e
			n++
		}
	}
	return list[:n]
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
	slices.SortStableFunc(list, byOrdinal)
	var p page
	var memory Sealed
	for len(list) > 0 {
		number := list[0].Ordinal / PageSize
		if err := p.load(ctx, in, v, book, number, &memory); err != nil {
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
func Each(v *vault.Vault, book string, number uint32, sealed Sealed, f func(Entry)) error {
	var p page
	if err := p.open(v, book, number, sealed); err != nil {
		return err
	}
	for i, d := range p {
		if d != Zero {
			f(Entry{Ordinal: number*PageSize + uint32(i), Digest: d})
		}
	}
	return nil
}
