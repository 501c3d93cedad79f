package transferlog

import "birgeoqy.kz/almasu/internal/record"

func newEntry(kind string) Entry {
	switch kind {
	case "intent":
		return new(Intent)
	case "settlement":
		return new(Settlement)
	case "refusals":
		return new(Refusals)
	case "run":
		return new(Run)
	case "act":
		return new(Act)
	case "register_change":
		return new(RegisterChange)
	case "block":
		return new(Block)
	}
	return nil
}

// Encode returns the entry's canonical bytes, without a line end.
func Encode(e Entry) []byte {
	c := coder{buf: make([]byte, 0, 2048)}
	codeEntry(&c, e)
	return c.buf
}

const opening = `{"v":1,"kind":"`

func codeEntry(c *coder, e Entry) {
	at := e.When()
	c.literal(opening)
	c.literal(e.Kind())
	c.literal(`"`)
	c.inside = true
	c.when("at", &at)
	if c.reading {
		e.stamp(at)
	}
	e.code(c)
	c.literal("}")
}

// Decode reads the form of [Encode] and nothing else: unknown, repeated, missing or reordered keys, other spellings
// and trailing bytes are refused with the code log.entry_malformed.
func Decode(b []byte) (Entry, error) {
	if len(b) > MaxEntry {
		return nil, malformed("log.entry_malformed", "an entry is longer than %d bytes", MaxEntry)
	}
	c := coder{buf: b, reading: true}
	c.literal(opening[:len(opening)-1])
	kind, _ := c.raw()
	e := newEntry(string(kind))
	if c.err != nil || e == nil {
		return nil, malformed("log.entry_malformed", "this is not an entry of version %d of a known kind", Version)
	}
	c = coder{buf: b, reading: true}
	codeEntry(&c, e)
	if c.err == nil && c.pos != len(b) {
		c.fail("the end")
	}
	if c.err != nil {
		return nil, malformed("log.entry_malformed", "an entry of kind %s is malformed %v", e.Kind(), c.err)
	}
	if !canonical(e, b) {
		return nil, malformed("log.entry_malformed", "an entry of kind %s is not in canonical form", e.Kind())
	}
	if err := e.check(); err != nil {
		return nil, malformed("log.entry_malformed", "%v", err)
	}
	return e, nil
}

func malformed(code, format string, args ...any) error {
	return record.NewProblem(code, "", "", format, args...)
}
