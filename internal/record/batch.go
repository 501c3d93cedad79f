package record

import "time"

// AccountState is what the platform says of a person's account (policy 2.2).
type AccountState uint8

// The states of an account. AccountUnknown is the zero value and refuses.
const (
	AccountUnknown AccountState = iota
	AccountActive
	AccountClosed
	AccountDisagreed
	AccountWithdrawn
	AccountErased
)

var accountStates = [...]string{"unknown", "active", "closed", "disagreed", "withdrawn", "erased"}

// String returns the lower-case name of the state.
func (s AccountState) String() string {
	if int(s) < len(accountStates) {
		return accountStates[s]
	}
	return accountStates[AccountUnknown]
}

// ParseAccountState reads the form of [AccountState.String]; any other text is AccountUnknown.
func ParseAccountState(b []byte) AccountState {
	for i, name := range accountStates {
		if string(b) == name {
			return AccountState(i)
		}
	}
	return AccountUnknown
}

// Stated is a yes, a no, or silence. Silence is the zero value: a consent that does
// not say whether data may be published has not said "no" (94-V art. 8(4)).
type Stated uint8

// The values of Stated.
const (
	Unstated Stated = iota
	No
	Yes
)

// Terms is what a consent says, apart from its times: the parts that 94-V art. 8(4) demands,
// who gave it and how. A source interns Terms: equal terms are one pointer, so that
// deciding can be done once for each.
type Terms struct {
	// PolicyVersion is the id of the accepted policy version.
	PolicyVersion string
	// OperatorBIN is the operator named in the consent, art. 8(4)(1).
	OperatorBIN string
	// SubjectNamed says that the consent names its subject in full, art. 8(4)(2).
	SubjectNamed bool
	// UntilPurpose says that the term is "until the purpose is reached", art. 8(4)(3).
	UntilPurpose bool
	// ThirdParties, CrossBorder and Publication are art. 8(4)(4) to (6).
	ThirdParties, CrossBorder, Publication Stated
	// Fields is the list of data, art. 8(4)(7), by field id.
	Fields []string
	// Purposes are the purpose codes that the consent names.
	Purposes []string
	// Recipients are the recipients that the consent names: register ids, or kinds as "kind:leb".
	Recipients []string
	// GivenBy is "self" or "representative"; ForParent says that the representative
	// also consents for their own data (the parent's phone, policy 3.2.6).
	GivenBy   string
	ForParent bool
	// Method is how it was given: "page_visit", "one_time_code", "signature", "kdp", ...
	Method string
}

// Consent is one acceptance of one person.
type Consent struct {
	// Terms is shared by all consents that say the same; never nil.
	Terms *Terms
	// Given, Until and Withdrawn are Unix microseconds; 0 means absent.
	Given, Until, Withdrawn int64
	// Evidence says that a digest of the proof of receipt is on file (94-V art. 25(2)).
	Evidence bool
}

// Person is the decision data of one person: what the law's rules look at. It is never mapped.
// Its slices are valid until the batch is Reset.
type Person struct {
	// Key is the platform's id in the order-preserving form of the source.
	Key []byte
	// IIN is the person's number as the platform holds it, digits only if it is well formed.
	IIN []byte
	// Place is the most exact KATO code known of the person; empty if none.
	Place []byte
	// Account is the state of the account.
	Account AccountState
	// Updated is when the profile last changed (Unix microseconds, 0 unknown or not asked for).
	Updated int64
	// Blocked is set where the platform's feed or the service's own register of blocks stops this person (policy 6.2.4).
	Blocked bool
	// ParentBlocked says the same of the parent (or guardian), whose telephone number is a datum of theirs.
	ParentBlocked bool
	// Ordinal names the person inside the service; 0 means not yet resolved.
	Ordinal uint32

	firstConsent, consents uint32
}

// Batch is a run of people in ascending key order: the values of the permitted field columns, and beside
// them the decision data. It is reused: Reset keeps its memory. The zero Batch is not usable; see [NewBatch].
type Batch struct {
	fields   []string
	people   []Person
	consents []Consent
	arena    []byte
	cells    []cell
}

type cell struct {
	start uint32
	size  int32 // -1 for NULL
}

// NewBatch returns an empty batch with the given value columns, sized for n people.
func NewBatch(fields []string, n int) *Batch {
	return &Batch{
		fields: fields,
		people: make([]Person, 0, n), consents: make([]Consent, 0, n),
		cells: make([]cell, 0, n*len(fields)), arena: make([]byte, 0, n*256),
	}
}

// Fields returns the names of the value columns; the caller does not change it.
func (b *Batch) Fields() []string { return b.fields }

// Len returns the number of people.
func (b *Batch) Len() int { return len(b.people) }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.people, b.consents, b.arena, b.cells = b.people[:0], b.consents[:0], b.arena[:0], b.cells[:0]
}

// Add appends a person with a value for each field column (nil is NULL), copying all bytes.
func (b *Batch) Add(p Person, values [][]byte) {
	if len(values) != len(b.fields) {
		panic("record: a person needs one value for each field column")
	}
	p.Key, p.IIN, p.Place = b.keep(p.Key), b.keep(p.IIN), b.keep(p.Place)
	p.firstConsent, p.consents = uint32(len(b.consents)), 0
	b.people = append(b.people, p)
	for _, v := range values {
		c := cell{start: uint32(len(b.arena)), size: int32(len(v))}
		if v == nil {
			c.size = -1
		}
		b.arena = append(b.arena, v...)
		b.cells = append(b.cells, c)
	}
}

// AddFrom appends the i-th person of another batch with the same columns, with all decision data.
func (b *Batch) AddFrom(other *Batch, i int) {
	if len(other.fields) != len(b.fields) {
		panic("record: a person needs one value for each field column")
	}
	p := other.people[i]
	p.Key, p.IIN, p.Place = b.keep(p.Key), b.keep(p.IIN), b.keep(p.Place)
	p.firstConsent, p.consents = uint32(len(b.consents)), 0
	b.people = append(b.people, p)
	for f := range b.fields {
		v, ok := other.Value(i, f)
		c := cell{start: uint32(len(b.arena)), size: int32(len(v))}
		if !ok {
			c.size = -1
		}
		b.arena, b.cells = append(b.arena, v...), append(b.cells, c)
	}
	for _, c := range other.Consents(i) {
		b.AddConsent(c)
	}
}

func (b *Batch) keep(v []byte) []byte {
	start := len(b.arena)
	b.arena = append(b.arena, v...)
	return b.arena[start:len(b.arena):len(b.arena)]
}

// AddConsent adds a consent to the person added last.
func (b *Batch) AddConsent(c Consent) {
	b.consents = append(b.consents, c)
	b.people[len(b.people)-1].consents++
}

// Person returns the i-th person's decision data, for reading and for setting Ordinal, Blocked and ParentBlocked.
func (b *Batch) Person(i int) *Person { return &b.people[i] }

// Consents returns the i-th person's consents.
func (b *Batch) Consents(i int) []Consent {
	p := &b.people[i]
	return b.consents[p.firstConsent : p.firstConsent+p.consents]
}

// Value returns the i-th person's value in the given field column; ok is false for NULL.
func (b *Batch) Value(i, column int) (v []byte, ok bool) {
	c := b.cells[i*len(b.fields)+column]
	if c.size < 0 {
		return nil, false
	}
	return b.arena[c.start : c.start+uint32(c.size) : c.start+uint32(c.size)], true
}

// Micros returns t as microseconds since 1970, the form in which a batch and the stores hold times; 0 for the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Instant is the time of such microseconds, in UTC: the inverse of [Micros].
func Instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
