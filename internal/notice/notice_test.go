package notice

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/record"
)

func document() *Document {
	id, envelope := record.NewID(), record.DigestOf([]byte("header"))
	return &Document{Transfer: record.NewID(), Message: record.NewID(), Records: []Record{
		{Message: id, Envelope: envelope, Index: 17, Act: Correct, Rule: "UPD-2", Why: "changed", Places: []Place{
			{At: "contact/phone", Value: json.RawMessage(`"+77010000001"`)}, {At: "settlement", Value: json.RawMessage("null")}, {At: "region"}}},
		{Message: id, Envelope: envelope, Index: 3, Act: Destroy, Rule: "BLK-4"},
	}}
}

func TestReadsBack(t *testing.T) {
	d := document()
	b, err := Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Encode(back)
	if err != nil || !bytes.Equal(b, again) {
		t.Fatalf("%v\n%s\n%s", err, b, again)
	}
	p := back.Records[0].Places
	if string(p[1].Value) != "null" || p[2].Value != nil || !back.Records[0].HasValues() || back.Records[1].HasValues() {
		t.Errorf("no value, and none that may be said, are not told apart: %s", b)
	}
	full, err := Schema().Full()
	if err != nil {
		t.Fatal(err)
	}
	if err := full.Check(b); err != nil {
		t.Errorf("someone else's validator refuses it: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for name, change := range map[string]func(*Document){
		"no records":                func(d *Document) { d.Records = []Record{} },
		"too many":                  func(d *Document) { d.Records = make([]Record, Most+1) },
		"no message":                func(d *Document) { d.Message = record.ID{} },
		"a record of no message":    func(d *Document) { d.Records[1].Message = record.ID{} },
		"a record of no envelope":   func(d *Document) { d.Records[1].Envelope = record.Digest{} },
		"a negative index":          func(d *Document) { d.Records[1].Index = -1 },
		"another act":               func(d *Document) { d.Records[1].Act = "forget" },
		"no rule":                   func(d *Document) { d.Records[1].Rule = "" },
		"a correction of nothing":   func(d *Document) { d.Records[0].Places = nil },
		"places of a destroyed":     func(d *Document) { d.Records[1].Places = d.Records[0].Places },
		"a place twice":             func(d *Document) { d.Records[0].Places[1].At = "region" },
		"a value that is an object": func(d *Document) { d.Records[0].Places[0].Value = json.RawMessage(`{"a":1}`) },
	} {
		d := document()
		change(d)
		if b, err := Encode(d); record.CodeOf(err) != "notice.malformed" {
			t.Errorf("%s: %v\n%s", name, err, b)
		}
	}
	good, err := Encode(document())
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "{}", string(good) + "{}", strings.Replace(string(good), `"notice":1`, `"notice":2`, 1),
		strings.Replace(string(good), `"act"`, `"act":"destroy","act"`, 1), strings.Replace(string(good), `"why"`, `"iin":"1","why"`, 1)} {
		if _, err := Parse([]byte(bad)); record.CodeOf(err) != "notice.malformed" {
			t.Errorf("accepted: %s", bad)
		}
	}
}

func TestActsStandOverOneAnother(t *testing.T) {
	for _, c := range []struct {
		act, before Act
		want        bool
	}{
		{Correct, "", true}, {Correct, Correct, true}, {Correct, Withdraw, false}, {Correct, Destroy, false},
		{Withdraw, "", true}, {Withdraw, Correct, true}, {Withdraw, Withdraw, false}, {Withdraw, Destroy, false},
		{Destroy, "", true}, {Destroy, Correct, true}, {Destroy, Withdraw, true}, {Destroy, Destroy, false},
	} {
		if c.act.Over(c.before) != c.want {
			t.Errorf("%s after %q: want %v", c.act, c.before, c.want)
		}
	}
	if Act("").Valid() {
		t.Error("the zero Act is an act")
	}
}

func TestApply(t *testing.T) {
	one := json.RawMessage(`{"iin":"x","contact":{"phone":"1","email":"e"},"n":12345678901234567890}`)
	for _, c := range []struct {
		places []Place
		want   string
	}{
		{[]Place{{At: "contact/phone", Value: json.RawMessage(`"2"`)}}, `{"contact":{"email":"e","phone":"2"},"iin":"x","n":12345678901234567890}`},
		{[]Place{{At: "contact/phone", Value: json.RawMessage("null")}, {At: "iin"}}, `{"contact":{"email":"e"},"n":12345678901234567890}`},
		{[]Place{{At: "place/region", Value: json.RawMessage(`"<r>"`)}}, `{"contact":{"email":"e","phone":"1"},"iin":"x","n":12345678901234567890,"place":{"region":"<r>"}}`},
		{[]Place{{At: "iin/deep", Value: json.RawMessage(`"v"`)}}, ""},
	} {
		got, err := Apply(one, c.places)
		if c.want == "" {
			if record.CodeOf(err) != "notice.places" {
				t.Errorf("%v: %v", c.places, err)
			}
			continue
		}
		if err != nil || string(got) != c.want {
			t.Errorf("%v: %s", err, got)
		}
	}
	if v, ok := Value(one, "contact/email"); !ok || string(v) != `"e"` {
		t.Errorf("%s", v)
	}
	if _, ok := Value(one, "contact/fax"); ok {
		t.Error("a value that is not there")
	}
}

// TestWhatIsWrittenIsRead: a value written at a place is found there, whatever the place.
func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := strings.Join(rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,3}`), 1, 4).Draw(t, "path"), "/")
		text := rapid.String().Draw(t, "value")
		value, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		out, err := Apply(json.RawMessage(`{"zz_other":1}`), []Place{{At: path, Value: value}})
		if err != nil {
			t.Fatal(err)
		}
		got, ok := Value(out, path)
		var back string
		if !ok || json.Unmarshal(got, &back) != nil {
			t.Fatalf("%s", out)
		}
		var want string
		if err := json.Unmarshal(value, &want); err != nil || back != want {
			t.Fatalf("%q, not %q", back, want)
		}
		if struck, err := Apply(out, []Place{{At: path}}); err != nil {
			t.Fatal(err)
		} else if _, ok := Value(struck, path); ok {
			t.Fatal("what was struck out is still there")
		}
	})
}

func FuzzParse(f *testing.F) {
	b, err := Encode(document())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"notice":1,"transfer":"","message":"","records":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Encode(d)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := Parse(again); err != nil {
			t.Fatal(err)
		}
	})
}
