// Package roster gives each person an ordinal: the number under which the service knows
// them in disclosure sets, refusals and blocks. It answers two questions: which
// ordinals do these people have (every batch of every transfer asks), and which
// ordinals belong to this IIN (an inspector asks).
//
// # What is kept
//
// For each person an entry: the platform's key, the ordinal, and a tag: the IIN's keyed pseudonym, which is one block of AES-256
// under the pseudonym key over "iin1" and the twelve digits, or for a text of another length over "iinx" and the first twelve
// bytes of its SHA-256 (all zero where the platform has no IIN). A permutation of one block is as good as a keyed hash here and
// costs a fifth. Entries lie in chunks of at most [MaxChunk] in key order, sealed at
// rest; only a chunk's first and last key are in clear, and a key is the platform's
// internal number, never a field of the profile. A person whose IIN changes gets a
// further entry under the same key with a new ordinal; the last entry of a key is the
// current one, and the former ones keep answering for what was sent under them.
//
// # Why chunks
//
// A source streams in key order, so a million people are resolved by reading a thousand
// chunks in order: a merge, not a million look-ups. Only chunks with news are written.
//
// # Periods
//
// A roster is of one period, and a new one begins with nobody: in each period a person has another ordinal. Without the key of a period its chunks do not
// open, and nothing says any more whose its ordinals were.
//
// # Guarantees
//
// Ordinals start at 1, are never reused, and are durable before Resolve returns. Two processes may
// resolve at once: news are written under the store's lock, after reading again.
package roster

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/vault"
)

// MaxChunk is how many entries a chunk holds at most.
const MaxChunk = 1024

// purpose binds a sealed chunk to this package, its first key to its row.
const purpose = "roster"

// Chunk is a sealed run of entries whose keys lie in First..Last.
type Chunk struct {
	First, Last []byte
	Count       int
	Body        []byte
}

// Store keeps chunks. What it calls a function with is valid until that returns, and is not changed.
type Store interface {
	// Around calls f, in key order, with the chunk with the greatest First that is not above first,
	// if there is one, and with all chunks whose First is above it and not above last.
	Around(ctx context.Context, first, last []byte, f func(Chunk) error) error
	// Change calls f inside one transaction that excludes every other Change, with the chunks of Around and the next free
	// ordinal, and makes f's answer durable: chunks put (by First), and the next free ordinal after them.
	Change(ctx context.Context, first, last []byte, f func(next uint32, around []Chunk) (put []Chunk, free uint32, err error)) error
	// Each calls f with every chunk in key order.
	Each(ctx context.Context, f func(Chunk) error) error
}

// Tag is the keyed pseudonym of an IIN.
type Tag [16]byte

// Roster resolves people. One Roster serves one goroutine.
type Roster struct {
	store Store
	vault *vault.Vault
	block cipher.Block
	// former are the rosters of earlier periods, in which people have other ordinals.
	former     []*Roster
	tags       []Tag
	plain, tag Tag
	sealed     []byte  // the body of the chunk that is being opened
	known      []entry // of the chunks opened last; their keys lie in keys
	keys       []byte
}

// entry is valid until its roster opens other chunks.
type entry struct {
	key     []byte
	ordinal uint32
	tag     Tag
}

// New returns a Roster; key is the pseudonym key, 32 bytes. The vault opens and seals the chunks of the store. What is looked up is looked up in the
// former rosters too, those of earlier periods whose chunks can still be opened.
func New(store Store, v *vault.Vault, key []byte, former ...*Roster) (*Roster, error) {
	if len(key) != 32 {
		return nil, errors.New("the pseudonym key is not of 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &Roster{store: store, vault: v, block: block, former: former}, nil
}

// TagOf returns the pseudonym of an IIN; no IIN has the zero tag.
func (r *Roster) TagOf(iin []byte) (t Tag) {
	if len(iin) == 0 {
		return t
	}
	if len(iin) == 12 {
		copy(t[copy(t[:], "iin1"):], iin)
	} else {
		sum := sha256.Sum256(iin)
		copy(t[copy(t[:], "iinx"):], sum[:])
	}
	r.plain = t // what the cipher reads escapes: one for all
	r.block.Encrypt(r.tag[:], r.plain[:])
	return r.tag
}

// Tag returns the tag of the i-th person of the batch resolved last.
func (r *Roster) Tag(i int) Tag { return r.tags[i] }

// Resolve sets the ordinal of every person of b, giving new people new ones.
func (r *Roster) Resolve(ctx context.Context, b *record.Batch) error {
	all, err := r.look(ctx, b)
	if err != nil || all {
		return err
	}
	first, last := b.Person(0).Key, b.Person(b.Len()-1).Key
	err = r.store.Change(ctx, first, last, func(next uint32, around []Chunk) ([]Chunk, uint32, error) {
		return r.admit(b, next, around)
	})
	if err != nil {
		return fmt.Errorf("extending the roster: %w", err)
	}
	return nil
}

// Look sets the ordinal of every person of b who has one, and 0 for the others; nobody gets a new one.
func (r *Roster) Look(ctx context.Context, b *record.Batch) error {
	_, err := r.look(ctx, b)
	return err
}

// Before calls f with each ordinal that the person in row i of b had in a former period, under the same key and IIN. What b has is not changed.
func (r *Roster) Before(ctx context.Context, b *record.Batch, f func(i int, ordinal uint32)) error {
	now := make([]uint32, b.Len())
	for i := range now {
		now[i] = b.Person(i).Ordinal
	}
	defer func() {
		for i, o := range now {
			b.Person(i).Ordinal = o
		}
	}()
	for _, one := range r.former {
		if err := one.Look(ctx, b); err != nil {
			return err
		}
		for i := range b.Len() {
			if o := b.Person(i).Ordinal; o != 0 {
				f(i, o)
			}
		}
	}
	return nil
}

// look reports whether everybody was found.
func (r *Roster) look(ctx context.Context, b *record.Batch) (all bool, err error) {
	if b.Len() == 0 {
		return true, nil
	}
	r.tags = r.tags[:0]
	for i := range b.Len() {
		p := b.Person(i)
		if len(p.Key) == 0 {
			return false, errors.New("a person without a key cannot be resolved")
		}
		r.tags = append(r.tags, r.TagOf(p.IIN))
	}
	r.forget()
	if err := r.store.Around(ctx, b.Person(0).Key, b.Person(b.Len()-1).Key, r.add); err != nil {
		return false, err
	}
	return r.match(b), nil
}

// forget empties r.known.
func (r *Roster) forget() { r.known, r.keys = r.known[:0], r.keys[:0] }

// add opens a chunk and appends its entries to r.known.
func (r *Roster) add(c Chunk) error {
	r.sealed = append(r.sealed[:0], c.Body...)
	plain, err := r.vault.OpenInPlace(purpose, hex.EncodeToString(c.First), r.sealed)
	if err != nil {
		return fmt.Errorf("a chunk of the roster: %w", err)
	}
	r.known, r.keys, err = decode(r.known, r.keys, plain)
	return err
}

// only returns the entries of one chunk.
func (r *Roster) only(c Chunk) ([]entry, error) {
	r.forget()
	err := r.add(c)
	return r.known, err
}

// match sets ordinals from r.known and reports whether everybody was found with the same tag.
func (r *Roster) match(b *record.Batch) bool {
	all, k := true, 0
	for i := range b.Len() {
		p := b.Person(i)
		for k < len(r.known) && bytes.Compare(r.known[k].key, p.Key) < 0 {
			k++
		}
		p.Ordinal = 0
		for k < len(r.known) && bytes.Equal(r.known[k].key, p.Key) { // the last of a key is current
			if p.Ordinal = 0; r.known[k].tag == r.tags[i] {
				p.Ordinal = r.known[k].ordinal
			}
			k++
		}
		all = all && p.Ordinal != 0
	}
	return all
}

// admit gives ordinals to the people of b who have none and returns the chunks that changed.
func (r *Roster) admit(b *record.Batch, next uint32, around []Chunk) ([]Chunk, uint32, error) {
	// A full chunk that lies wholly before the batch is left alone.
	if len(around) > 0 && bytes.Compare(around[0].Last, b.Person(0).Key) < 0 && around[0].Count >= MaxChunk/2 {
		around = around[1:]
	}
	r.forget()
	for _, c := range around {
		if err := r.add(c); err != nil {
			return nil, 0, err
		}
	}
	r.match(b)
	var fresh []entry
	for i := range b.Len() {
		p := b.Person(i)
		if p.Ordinal != 0 {
			continue
		}
		if next == 0 || next == ^uint32(0) {
			return nil, 0, errors.New("the roster is out of ordinals")
		}
		p.Ordinal = next
		fresh = append(fresh, entry{key: p.Key, ordinal: next, tag: r.tags[i]})
		next++
	}
	put, err := r.rebuild(around, fresh)
	return put, next, err
}

// rebuild merges fresh entries into the chunks around them. A chunk keeps its First, except that the
// very first may come to begin earlier; then the old row is emptied (Count 0) for the store to drop.
func (r *Roster) rebuild(around []Chunk, fresh []entry) ([]Chunk, error) {
	merged := slices.Clone(r.known)
	merged = append(merged, fresh...)
	slices.SortStableFunc(merged, func(a, b entry) int {
		if c := bytes.Compare(a.key, b.key); c != 0 {
			return c
		}
		return int(int64(a.ordinal) - int64(b.ordinal))
	})
	var put []Chunk
	for start := 0; start < len(merged); {
		end := min(start+MaxChunk, len(merged))
		for end < len(merged) && bytes.Equal(merged[end].key, merged[end-1].key) {
			end++ // entries of one key stay together
		}
		c, err := r.seal(merged[start:end])
		if err != nil {
			return nil, err
		}
		put, start = append(put, c), end
	}
	for _, old := range around {
		if !slices.ContainsFunc(put, func(c Chunk) bool { return bytes.Equal(c.First, old.First) }) {
			put = append(put, Chunk{First: old.First})
		}
	}
	return put, nil
}

func (r *Roster) seal(entries []entry) (Chunk, error) {
	c := Chunk{First: bytes.Clone(entries[0].key), Last: bytes.Clone(entries[len(entries)-1].key), Count: len(entries)}
	var err error
	c.Body, err = r.vault.Seal(nil, purpose, hex.EncodeToString(c.First), encode(entries))
	return c, err
}

// Account is an account of the platform.
type Account struct {
	// Key is the platform's, Before a key below it with no other account that the present roster knows between them; nil if it is the first.
	Key, Before []byte
	// Ordinals are those under which it is or was known, in the order in which they were given: the last is current.
	Ordinals []uint32
}

// Accounts returns the accounts that one of the tags belongs or belonged to, in key order.
func (r *Roster) Accounts(ctx context.Context, tags map[Tag]struct{}) ([]Account, error) {
	all := append(slices.Clone(r.former), r)
	found := map[string]*Account{}
	// An account whose IIN is another than in a former period is met there by its key, once its key is known.
	for range min(len(all), 2) {
		for _, a := range found {
			a.Ordinals = nil
		}
		for _, one := range all {
			if err := one.accounts(ctx, found, tags); err != nil {
				return nil, err
			}
		}
	}
	out := make([]Account, 0, len(found))
	for _, a := range found {
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b Account) int { return bytes.Compare(a.Key, b.Key) })
	return out, nil
}

// Identities returns, for the people with these ordinals, all the ordinals that they have had under the same key and IIN, in the order in which they were given. Whose
// period was destroyed is not found.
func (r *Roster) Identities(ctx context.Context, ordinals map[uint32]struct{}) ([]Account, error) {
	type identity struct {
		key string
		tag Tag
	}
	found := map[identity]*Account{}
	all := append(slices.Clone(r.former), r)
	for _, finding := range []bool{true, false} {
		for _, one := range all {
			err := one.store.Each(ctx, func(c Chunk) error {
				entries, err := one.only(c)
				for i := range entries {
					e := &entries[i]
					_, hit := ordinals[e.ordinal]
					if finding && !hit {
						continue
					}
					a := found[identity{string(e.key), e.tag}]
					switch {
					case finding && a == nil:
						found[identity{string(e.key), e.tag}] = &Account{Key: bytes.Clone(e.key)}
					case !finding && a != nil:
						a.Ordinals = append(a.Ordinals, e.ordinal)
					}
				}
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	out := make([]Account, 0, len(found))
	for _, a := range found {
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b Account) int { return int(int64(a.Ordinals[0]) - int64(b.Ordinals[0])) })
	return out, nil
}

// accounts adds the ordinals of those keys that have an entry with one of the tags, or were found before.
func (r *Roster) accounts(ctx context.Context, found map[string]*Account, tags map[Tag]struct{}) error {
	var before []byte
	return r.store.Each(ctx, func(c Chunk) error {
		entries, err := r.only(c)
		if err != nil {
			return err
		}
		for i := 0; i < len(entries); {
			j := i
			a, hit := found[string(entries[i].key)]
			for ; j < len(entries) && bytes.Equal(entries[j].key, entries[i].key); j++ {
				_, one := tags[entries[j].tag]
				hit = hit || one
			}
			if hit && a == nil {
				a = &Account{Key: bytes.Clone(entries[i].key)}
				found[string(a.Key)] = a
			}
			if hit {
				a.Before = bytes.Clone(before)
			}
			for k := i; hit && k < j; k++ {
				a.Ordinals = append(a.Ordinals, entries[k].ordinal)
			}
			before, i = entries[i].key, j
		}
		before = bytes.Clone(before) // what entries hold is decoded anew for the next chunk
		return nil
	})
}

// Order returns the ordinals of [Roster.Members], in their order.
func (r *Roster) Order(ctx context.Context, after, through []byte, inside func(ordinal uint32) bool) ([]uint32, error) {
	members, err := r.Members(ctx, after, through, inside)
	out := make([]uint32, len(members))
	for i := range members {
		out[i] = members[i].Ordinals[0]
	}
	return out, err
}

// Members returns the accounts with an ordinal for which inside holds, each with that ordinal only, in the order of the keys above after and not above through; after
// may be nil. It is the order in which a message of these people names them. Who belongs to a period that was destroyed is not found.
func (r *Roster) Members(ctx context.Context, after, through []byte, inside func(ordinal uint32) bool) ([]Account, error) {
	var met []Account
	for _, one := range append(slices.Clone(r.former), r) {
		one.forget()
		if err := one.store.Around(ctx, append([]byte{}, after...), through, one.add); err != nil {
			return nil, err
		}
		before := after
		for i := 0; i < len(one.known); {
			key, j := one.known[i].key, i
			for ; j < len(one.known) && bytes.Equal(one.known[j].key, key); j++ {
				if bytes.Compare(key, after) > 0 && bytes.Compare(key, through) <= 0 && inside(one.known[j].ordinal) {
					met = append(met, Account{Key: bytes.Clone(key), Before: bytes.Clone(before), Ordinals: []uint32{one.known[j].ordinal}})
				}
			}
			before, i = key, j
		}
	}
	slices.SortStableFunc(met, func(a, b Account) int { return bytes.Compare(a.Key, b.Key) })
	return met, nil
}

// Find returns the ordinals under which the holder of this IIN is or was known, former IINs of
// the same platform account included, ascending.
func (r *Roster) Find(ctx context.Context, iin []byte) ([]uint32, error) {
	tag := r.TagOf(iin)
	if tag == (Tag{}) {
		return nil, nil
	}
	return r.FindTags(ctx, map[Tag]struct{}{tag: {}})
}

// FindTags is Find for several people by their tags.
func (r *Roster) FindTags(ctx context.Context, tags map[Tag]struct{}) ([]uint32, error) {
	accounts, err := r.Accounts(ctx, tags)
	var found []uint32
	for _, a := range accounts {
		found = append(found, a.Ordinals...)
	}
	slices.Sort(found)
	return found, err
}

// Keep returns, sealed by another vault, chunks with the entries of those of this roster who have one of the ordinals, and how many entries there are in
// all and in these. Former rosters are not looked at.
func (r *Roster) Keep(ctx context.Context, ordinals map[uint32]struct{}, into *vault.Vault) (kept []Chunk, all, left int, err error) {
	var entries []entry
	err = r.store.Each(ctx, func(c Chunk) error {
		known, err := r.only(c)
		if err != nil {
			return err
		}
		all += len(known)
		for _, e := range known {
			if _, hit := ordinals[e.ordinal]; hit {
				entries = append(entries, entry{key: bytes.Clone(e.key), ordinal: e.ordinal, tag: e.tag})
			}
		}
		return nil
	})
	if err != nil || len(entries) == 0 {
		return nil, all, 0, err
	}
	other := &Roster{vault: into, known: entries}
	kept, err = other.rebuild(nil, nil)
	return kept, all, len(entries), err
}

// Ordinals lists the ordinals of everybody in this roster; former ones are not looked at.
func (r *Roster) Ordinals(ctx context.Context) (out []uint32, err error) {
	err = r.store.Each(ctx, func(c Chunk) error {
		known, err := r.only(c)
		for i := range known {
			out = append(out, known[i].ordinal)
		}
		return err
	})
	return out, err
}

// encode writes entries: each as the length shared with the previous key, the rest's length and bytes, the ordinal, the tag.
func encode(entries []entry) []byte {
	out := make([]byte, 0, len(entries)*32)
	var prev []byte
	for _, e := range entries {
		shared := 0
		for shared < len(prev) && shared < len(e.key) && prev[shared] == e.key[shared] {
			shared++
		}
		out = binary.AppendUvarint(out, uint64(shared))
		out = binary.AppendUvarint(out, uint64(len(e.key)-shared))
		out = append(out, e.key[shared:]...)
		out = binary.AppendUvarint(out, uint64(e.ordinal))
		out = append(out, e.tag[:]...)
		prev = e.key
	}
	return out
}

var errChunk = errors.New("a chunk of the roster is malformed")

// decode appends the entries of a chunk to dst, and their keys to keys.
func decode(dst []entry, keys, b []byte) ([]entry, []byte, error) {
	var prev []byte
	for len(b) > 0 {
		shared, n := binary.Uvarint(b)
		if n <= 0 || shared > uint64(len(prev)) {
			return nil, nil, errChunk
		}
		b = b[n:]
		rest, n := binary.Uvarint(b)
		if n <= 0 || rest > uint64(len(b)-n) {
			return nil, nil, errChunk
		}
		b = b[n:]
		start := len(keys)
		keys = append(append(keys, prev[:shared]...), b[:rest]...)
		b = b[rest:]
		ordinal, n := binary.Uvarint(b)
		if n <= 0 || ordinal == 0 || ordinal > uint64(^uint32(0)) || len(b)-n < len(Tag{}) {
			return nil, nil, errChunk
		}
		b = b[n:]
		e := entry{key: keys[start:len(keys):len(keys)], ordinal: uint32(ordinal)}
		copy(e.tag[:], b)
		b = b[len(Tag{}):]
		dst, prev = append(dst, e), e.key
	}
	return dst, keys, nil
}
