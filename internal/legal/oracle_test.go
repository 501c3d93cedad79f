package legal_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

var oracleSeed = flag.Uint64("oracle.seed", 0, "the seed of the oracle test; 0 takes another one each time")

var profile = []string{"family_name", "given_name", "email", "iin", "phone", "region", "district", "settlement", "parent_phone"}

// world is a register and a case as the oracle sees them: plain values, from which the files are written.
type world struct {
	now                  time.Time
	split                time.Time // v2 of the policy begins here; zero if there is one version
	first, second        []string  // catalogues
	path                 string
	local                bool
	named                bool // the purpose is the person's permission, not one of section 4
	fields, withheld     []string
	names                []string // of the norm
	actFrom, actUntil    time.Time
	agreedFrom, agreedTo time.Time
	ask                  *ask
}

// ask is a request.
type ask struct {
	fields   []string
	everyone bool
	people   map[string]bool
	from, to time.Time
}

func some(r *rand.Rand, list []string, share float64) []string {
	var out []string
	for _, x := range list {
		if r.Float64() < share {
			out = append(out, x)
		}
	}
	return out
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, register.Zone) }

func newWorld(r *rand.Rand, numbers []string) *world {
	w := &world{
		now: date(2025, 1, 1).AddDate(0, 0, r.IntN(1500)).Add(time.Duration(r.IntN(86400)) * time.Second), path: "consent", local: r.IntN(2) == 0, named: r.IntN(2) == 0,
		first: some(r, profile, 0.9), second: some(r, profile, 0.9), withheld: nil, names: some(r, profile, 0.8),
		actFrom: date(2024, 1, 1).AddDate(0, r.IntN(14), 0), agreedFrom: date(2024, 6, 1).AddDate(0, r.IntN(8), 0), agreedTo: date(2027, 1, 1).AddDate(0, r.IntN(60), 0),
	}
	if r.IntN(3) == 0 {
		w.names = nil
	}
	if r.IntN(2) == 0 {
		w.split = date(2025, 6, 1).AddDate(0, r.IntN(24), 0)
	}
	if r.IntN(4) == 0 {
		w.actUntil = date(2027, 1, 1).AddDate(0, r.IntN(24), 0)
	}
	for len(w.fields) == 0 {
		both := slices.Concat(w.first, w.second)
		w.fields = some(r, slices.DeleteFunc(slices.Clone(profile), func(f string) bool {
			return !slices.Contains(w.first, f) && (w.split.IsZero() || !slices.Contains(both, f))
		}), 0.7)
		w.first = append(w.first, profile[r.IntN(len(profile))])
		slices.Sort(w.first)
		w.first = slices.Compact(w.first)
	}
	if r.IntN(3) == 0 {
		w.withheld = some(r, w.fields, 0.2)
	}
	if r.IntN(3) > 0 {
		w.path = "statute"
		if r.IntN(2) == 0 {
			w.ask = &ask{fields: append(some(r, profile, 0.7), "birth_date"), everyone: r.IntN(3) == 0, people: map[string]bool{}, from: w.now.AddDate(0, 0, 3-r.IntN(20)), to: w.now.AddDate(0, 0, 30-r.IntN(33))}
			for _, n := range some(r, numbers, 0.5) {
				w.ask.people[n] = true
			}
			w.ask.people[numbers[0]] = true
			if !w.ask.to.After(w.ask.from) {
				w.ask.to = w.ask.from.AddDate(0, 0, 1)
			}
		}
	}
	return w
}

func list(items []string) string { return "[" + strings.Join(items, ", ") + "]" }

func day(t time.Time) string { return t.Format(time.DateOnly) }

// files writes the register of the world.
func (w *world) files(t testing.TB, example fstest.MapFS) fstest.MapFS {
	files := make(fstest.MapFS)
	for _, name := range []string{"operator.yaml", "fields.yaml", "acts.yaml", "purposes.yaml", "recipients.yaml"} {
		files[name] = example[name]
	}
	until := ""
	if !w.split.IsZero() {
		until = "    until: " + day(w.split) + "\n"
	}
	policy := "policies:\n" + versionText("v1", "2022-10-17", until, w.first)
	if until != "" {
		policy += versionText("v2", day(w.split), "", w.second)
	}
	files["policies.yaml"] = &fstest.MapFile{Data: []byte(policy)}
	period := "    from: " + day(w.actFrom) + "\n"
	if !w.actUntil.IsZero() {
		period += "    until: " + day(w.actUntil) + "\n"
	}
	replace(t, files, "acts.yaml", "    edition: 2023-01-01\n    from: 2023-01-01\n", "    edition: 2023-01-01\n"+period)
	names := ""
	if len(w.names) > 0 {
		names = "names: " + list(w.names)
	}
	replace(t, files, "acts.yaml", "names: [family_name, given_name, iin, region, district, settlement]", names)
	replace(t, files, "recipients.yaml", "from: 2024-02-01\n      until: 2034-02-01", "from: "+day(w.agreedFrom)+"\n      until: "+day(w.agreedTo))
	files["routes/r.yaml"] = &fstest.MapFile{Data: []byte(w.routeText())}
	approveAt(t, files, date(2023, 1, 1))
	return files
}

func versionText(id, from, until string, catalogue []string) string {
	return "  - id: " + id + "\n    order: 1п\n    order_date: 2022-10-17\n    text_digest: sha256:00000000000000000000000000000000000000000000000000000000000000aa\n" +
		"    registered: 2022-10-17\n    from: " + from + "\n" + until + "    catalogue: " + list(catalogue) + "\n"
}

func (w *world) routeText() string {
	recipient, trigger := "enlightenment-ministry", "schedule"
	if w.local {
		recipient = "turkistan-oblast"
	}
	if w.ask != nil {
		trigger = "request"
	}
	text := "id: r\nauthor: admin-author\ntrigger: " + trigger + "\nconnector: c\nchannel: rest\nrecipient: " + recipient + "\npath: " + w.path + "\nmarking: ordinary\n" +
		"sale: false\npublication: false\nbarter: false\nnotify_subject: true\ncorrection_days: 1\nprocedure: {act: 395/НҚ, article: \"1\"}\n"
	switch {
	case w.path == "statute":
		text += "exception: \"5.3\"\npurpose: STATUTE\nground: {act: EXAMPLE-1, article: \"1\"}\nfree_item: {act: 94-V, article: 9(10)}\n"
	case w.named:
		text += "exception: written_permission\npurpose: rural_support\nground: {act: 94-V, article: 7(1)}\ncompetence: {act: 319-III, article: \"6\"}\n"
	default:
		text += "exception: \"5.2\"\npurpose: P415\nground: {act: 94-V, article: 7(1)}\ncompetence: {act: 319-III, article: \"6\"}\n"
	}
	if len(w.withheld) > 0 {
		text += "withheld: " + list(w.withheld) + "\n"
	}
	text += "fields:\n"
	for _, f := range w.fields {
		text += "  - {field: " + f + ", need: a note of necessity}\n"
	}
	return text
}

func (w *world) request(t testing.TB) *legal.Request {
	if w.ask == nil {
		return nil
	}
	q := letter(nil)
	q.Route, q.Fields, q.Everyone, q.Subjects = "r", w.ask.fields, w.ask.everyone, nil
	q.Date, q.Expires = register.At(w.ask.from), register.At(w.ask.to)
	if !q.Everyone {
		for n := range w.ask.people {
			q.Subjects = append(q.Subjects, legal.SubjectDigest(salt, []byte(n)))
		}
	}
	q.Approvals = nil
	for _, s := range signers[1:] {
		q.Approvals = append(q.Approvals, register.SignApproval(s.Key, register.ApproveRequest, q.ID, q.Digest(), s.ID, register.At(date(2023, 1, 1))))
	}
	return q
}

// catalogueAt is the catalogue of the version in force.
func (w *world) catalogueAt(now time.Time) []string {
	if !w.split.IsZero() && !now.Before(w.split) {
		return w.second
	}
	return w.first
}

func inside(now, from, to time.Time) bool {
	return !now.Before(from) && (to.IsZero() || now.Before(to))
}

// opens says whether the run may start, and which fields it may send at most: the oracle for the whole run.
func (w *world) opens(now time.Time) ([]string, bool) {
	if !inside(now, w.agreedFrom, w.agreedTo) || w.path == "statute" && !inside(now, w.actFrom, w.actUntil) {
		return nil, false
	}
	if w.ask != nil && (now.Before(w.ask.from) || !now.Before(w.ask.to)) {
		return nil, false
	}
	var most []string
	for _, f := range w.fields {
		byLaw := w.path == "consent" || slices.Contains(w.names, f) || len(w.names) == 0 && f != "parent_phone"
		asked := w.ask == nil || slices.Contains(w.ask.fields, f)
		if slices.Contains(w.catalogueAt(now), f) && !slices.Contains(w.withheld, f) && byLaw && asked {
			most = append(most, f)
		}
	}
	return most, len(most) > 0
}

// human is a person as the oracle sees them.
type human struct {
	p        record.Person
	age      int // -1 if the number does not tell
	inOblast bool
	consents []record.Consent
}

// allowed is the oracle for one person: what may be sent of them.
func (w *world) allowed(h *human, now time.Time, most []string) []string {
	if h.p.Blocked || w.local && !h.inOblast || w.ask != nil && !w.ask.everyone && !w.ask.people[string(h.p.IIN)] {
		return nil
	}
	if w.path == "statute" {
		if h.p.Account == record.AccountUnknown || h.p.Account == record.AccountErased {
			return nil
		}
		return slices.DeleteFunc(slices.Clone(most), func(f string) bool { return f == "parent_phone" && h.p.ParentBlocked })
	}
	if h.p.Account != record.AccountActive || h.age < 0 {
		return nil
	}
	self, selfOK := w.lists(h.consents, "self", now)
	parents, parentsOK := w.lists(h.consents, "representative", now)
	if h.age >= 14 && !selfOK || h.age < 18 && !parentsOK {
		return nil
	}
	var out []string
	for _, f := range most {
		fits := (h.age < 14 || slices.Contains(self.fields, f)) && (h.age >= 18 || slices.Contains(parents.fields, f))
		if f == "parent_phone" {
			fits = fits && !h.p.ParentBlocked && parentsOK && parents.own && slices.Contains(parents.fields, f)
		}
		if fits {
			out = append(out, f)
		}
	}
	return out
}

type said struct {
	fields []string
	own    bool
}

// lists finds what the giver's governing consent allows: consent list intersected with the accepted catalogue.
func (w *world) lists(consents []record.Consent, giver string, now time.Time) (said, bool) {
	micros := record.Micros(now)
	type candidate struct {
		c         record.Consent
		addressed bool
	}
	var of []candidate
	for _, c := range consents {
		if c.Terms.GivenBy != giver || c.Given == 0 || c.Given > micros {
			continue
		}
		t := c.Terms
		recipient := slices.Contains(t.Recipients, "turkistan-oblast") && w.local || slices.Contains(t.Recipients, "kind:edu_authority") && !w.local || len(t.Recipients) == 0 && !w.named
		purpose := slices.Contains(t.Purposes, "rural_support") && w.named || slices.Contains(t.Purposes, "P415") && !w.named || len(t.Purposes) == 0 && !w.named
		of = append(of, candidate{c, recipient && purpose && t.Method != "page_visit"})
	}
	sort.SliceStable(of, func(i, j int) bool {
		if of[i].addressed != of[j].addressed {
			return of[i].addressed
		}
		return of[i].c.Given > of[j].c.Given
	})
	if len(of) == 0 || !of[0].addressed {
		return said{}, false
	}
	c, t := of[0].c, of[0].c.Terms
	accepted, since := w.first, date(2022, 10, 17)
	switch {
	case t.PolicyVersion == "v2" && !w.split.IsZero():
		accepted, since = w.second, w.split
	case t.PolicyVersion != "v1":
		return said{}, false
	}
	whole := t.OperatorBIN == "351240000010" && t.SubjectNamed && t.ThirdParties == record.Yes && t.CrossBorder != record.Unstated && t.Publication != record.Unstated
	timely := (c.Withdrawn == 0 || c.Withdrawn > micros) && (c.Until > micros || c.Until == 0 && t.UntilPurpose) && c.Given >= record.Micros(since)
	if !whole || !timely || !c.Evidence || len(t.Fields) == 0 {
		return said{}, false
	}
	var fields []string
	for _, f := range t.Fields {
		if slices.Contains(accepted, f) {
			fields = append(fields, f)
		}
	}
	return said{fields, t.ForParent}, true
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func randomTerms(r *rand.Rand) *record.Terms {
	t := everything()
	t.Fields = some(r, append(slices.Clone(profile), "birth_date"), 0.8)
	t.PolicyVersion = pick(r, "v1", "v1", "v1", "v2", "v2", "v7")
	t.Recipients = pick(r, nil, []string{"turkistan-oblast"}, []string{"kind:edu_authority", "turkistan-oblast"}, []string{"kentau-city"})
	t.Purposes = pick(r, nil, []string{"rural_support"}, []string{"P415", "rural_support"})
	t.GivenBy, t.ForParent = pick(r, "self", "representative"), r.IntN(2) == 0
	t.Method = pick(r, "one_time_code", "signature", "one_time_code", "page_visit")
	t.UntilPurpose = r.IntN(2) == 0
	switch r.IntN(20) {
	case 0:
		t.OperatorBIN = "351240000020"
	case 1:
		t.SubjectNamed = false
	case 2:
		t.ThirdParties = record.No
	case 3:
		t.CrossBorder = record.Unstated
	case 4:
		t.Publication = record.Unstated
	}
	return t
}

// number is an IIN with the age that it tells on a day.
type number struct {
	text string
	born time.Time
}

func ageOn(born, now time.Time) int {
	now = now.In(register.Zone)
	age := -1 // nobody who is not born has an age
	for !born.AddDate(age+1, 0, 0).After(now) {
		age++
	}
	return age
}

func randomHuman(r *rand.Rand, i int, numbers []number, terms []*record.Terms, now time.Time) *human {
	h := &human{age: -1}
	n := pick(r, numbers...)
	place := pick(r, "615230100", "610000000", "612010000", "750000000", "")
	h.p = record.Person{
		Key: fmt.Appendf(nil, "%06d", i), IIN: []byte(n.text), Place: []byte(place), Blocked: r.IntN(15) == 0, ParentBlocked: r.IntN(12) == 0,
		Account: record.AccountState(pick(r, 1, 1, 1, 1, 1, 1, 0, 2, 3, 4, 5)), Updated: record.Micros(now) - 1,
	}
	h.inOblast = strings.HasPrefix(place, "61")
	if !n.born.IsZero() {
		h.age = ageOn(n.born, now)
	}
	for range r.IntN(4) {
		c := record.Consent{Terms: pick(r, terms...), Evidence: r.IntN(12) > 0, Given: record.Micros(now.Add(-time.Duration(r.IntN(900*24)-24) * time.Hour))}
		c.Given += int64(r.IntN(1e6)) // no two at once
		if r.IntN(2) == 0 {
			c.Until = record.Micros(now.Add(time.Duration(r.IntN(400*24)-24*24) * time.Hour))
		}
		if r.IntN(8) == 0 {
			c.Withdrawn = record.Micros(now.Add(time.Duration(r.IntN(20*24)-15*24) * time.Hour))
		}
		h.consents = append(h.consents, c)
	}
	return h
}

// TestFieldFormulaAgreesWithTheOracle compares more than 200,000 generated decisions with an oracle that is written from the
// field formula and the clauses, on plain values, without the package's tables: what is sent is exactly what the oracle allows. Every refusal
// names a rule, every table of situations replays to the same bytes, and a moment outside an effective period opens no gate.
func TestFieldFormulaAgreesWithTheOracle(t *testing.T) {
	const worlds, people = 230, 1000
	seed := *oracleSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("run again with -oracle.seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	example := exampleFS(t)
	var numbers []number
	var texts []string
	for age := range 40 {
		born := date(2026, 6, 15).AddDate(-age, r.IntN(12), r.IntN(28))
		numbers = append(numbers, number{string(iinOf(t, born)), born})
	}
	numbers = append(numbers, number{text: "123"}, number{text: "990231399999"})
	for _, n := range numbers {
		texts = append(texts, n.text)
	}
	cases, sent, closed := 0, 0, 0
	for cases < worlds*people {
		w := newWorld(r, texts)
		reg := load(t, w.files(t, example))
		c := legal.Case{Route: "r", Now: w.now, Demo: true, Channel: "rest", Request: w.request(t)}
		most, opens := w.opens(w.now)
		g, err := reg.Gate(c)
		if (err == nil) != opens {
			t.Fatalf("the gate opens: %v, the oracle says %v (%v)\n%+v", err == nil, opens, err, w)
		}
		if !opens {
			closed++
			cases++
			continue
		}
		w.outside(t, reg, c)
		cases += people
		sent += w.compare(t, r, g, numbers, people, most)
		if _, err := reg.Replay(c, g.Situations()); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d decisions, %d people with fields, %d runs refused", cases, sent, closed)
	if sent < cases/10 || closed == 0 {
		t.Errorf("the generator is one-sided: %d of %d send, %d runs are refused", sent, cases, closed)
	}
}

func (w *world) compare(t *testing.T, r *rand.Rand, g *legal.Gate, numbers []number, people int, most []string) int {
	var terms []*record.Terms
	for range 14 {
		terms = append(terms, randomTerms(r))
	}
	b := record.NewBatch(g.Fields(), people)
	values := make([][]byte, len(g.Fields()))
	for f := range values {
		values[f] = []byte("v")
	}
	var humans []*human
	for i := range people {
		h := randomHuman(r, i, numbers, terms, w.now)
		humans = append(humans, h)
		b.Add(h.p, values)
		for _, c := range h.consents {
			b.AddConsent(c)
		}
	}
	out := new(legal.Cleared)
	g.Project(b, out)
	got := make(map[int][]string)
	for i := range out.Len() {
		for f, name := range g.Fields() {
			if _, ok := out.Value(i, f); ok {
				got[out.Row(i)] = append(got[out.Row(i)], name)
			}
		}
	}
	for _, x := range out.Refused() {
		if e := g.Explain(x.Situation); e.Rule == "" || e.Why == "" {
			t.Fatalf("row %d is refused without a rule", x.Row)
		}
	}
	for i, h := range humans {
		want := w.allowed(h, w.now, most)
		if have := got[i]; strings.Join(sorted(have), " ") != strings.Join(sorted(want), " ") {
			t.Fatalf("row %d: sent %v, the oracle allows %v\nworld %+v\naccount %v, age %d, consents %+v", i, have, want, w, h.p.Account, h.age, h.consents)
		}
	}
	return len(got)
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// outside moves the moment out of each effective period.
func (w *world) outside(t *testing.T, reg *legal.Register, c legal.Case) {
	moments := []time.Time{w.agreedFrom.Add(-time.Microsecond), w.agreedTo}
	if w.path == "statute" {
		moments = append(moments, w.actFrom.Add(-time.Microsecond))
		if !w.actUntil.IsZero() {
			moments = append(moments, w.actUntil)
		}
	}
	if w.ask != nil {
		moments = append(moments, w.ask.from.Add(-time.Microsecond), w.ask.to)
	}
	for _, at := range moments {
		c.Now = at
		if _, err := reg.Gate(c); err == nil {
			t.Fatalf("the gate opens outside a period, at %v\n%+v", at, w)
		}
	}
}
