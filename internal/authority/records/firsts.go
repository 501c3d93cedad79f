package records

import "hash/maphash"

// firsts remembers which record had a value first. Compared with a map of strings nothing is allocated for a value.
type firsts struct {
	seed   maphash.Seed
	slots  []int32 // 0, or 1 + the index in list; their number is a power of 2, and at most half of them are taken
	list   []first
	values []byte // all values one behind another
}

type first struct{ record, end int }

func (f *firsts) reset() {
	if f.slots == nil {
		f.seed, f.slots = maphash.MakeSeed(), make([]int32, 64)
	}
	clear(f.slots)
	f.list, f.values = f.list[:0], f.values[:0]
}

// first is the record that had the value first; if there is none, it is this one.
func (f *firsts) first(value []byte, record int) (earlier int, again bool) {
	at := f.slot(value)
	if i := f.slots[at]; i > 0 {
		return f.list[i-1].record, true
	}
	f.values = append(f.values, value...)
	f.list = append(f.list, first{record: record, end: len(f.values)})
	f.slots[at] = int32(len(f.list))
	if 2*len(f.list) > len(f.slots) {
		f.slots = make([]int32, 2*len(f.slots))
		for i := range f.list {
			f.slots[f.slot(f.value(i))] = int32(i + 1)
		}
	}
	return record, false
}

// slot is the one that has the value, or a free one for it.
func (f *firsts) slot(value []byte) int {
	last := len(f.slots) - 1
	for at := int(maphash.Bytes(f.seed, value)) & last; ; at = (at + 1) & last {
		if i := f.slots[at]; i == 0 || string(f.value(int(i-1))) == string(value) {
			return at
		}
	}
}

func (f *firsts) value(i int) []byte {
	from := 0
	if i > 0 {
		from = f.list[i-1].end
	}
	return f.values[from:f.list[i].end]
}
