package lawtool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// decision is the answer of decide.
type decision struct {
	Connector string    `json:"connector"`
	Route     string    `json:"route"`
	Recipient string    `json:"recipient,omitempty"`
	At        time.Time `json:"at"`
	// Rehearsed says that approvals were invented and example acts admitted.
	Rehearsed bool `json:"rehearsed,omitempty"`
	Allowed   bool `json:"allowed"`
	// Refused says what was refused: run or person.
	Refused string         `json:"refused,omitempty"`
	Rule    string         `json:"rule,omitempty"`
	Why     string         `json:"why,omitempty"`
	Basis   *legal.Basis   `json:"basis,omitempty"`
	Fields  []string       `json:"fields"`
	Denied  []legal.Denied `json:"denied"`
	Checks  []said         `json:"checks"`
}

// said is a rule evaluated, in words.
type said struct {
	legal.Check
	Text string `json:"text"`
}

func (d *decision) check(list []legal.Check, lang Language) {
	for _, c := range list {
		d.Checks = append(d.Checks, said{c, lang.Of(c.Text())})
	}
}

type decideOptions struct {
	connector, iinFile, person, register, request, at, actor, reason string
	rehearse, explain                                                bool
	lang                                                             Language
}

func (t *tool) decideCommand() *cobra.Command {
	var o decideOptions
	cmd := &cobra.Command{
		Use:   "decide --connector NAME (--iin-file FILE | --person FILE)",
		Short: "Decide about one person as a run would now, and say why",
		Long: `Asks the law which fields of one person may leave over a connector, and prints every rule evaluated. Nothing is sent.

With --iin-file the person's decision data (account, consents, place, block) are read from the platform; no value of the profile is read, and the
look-up is an entry of the log. With --person a synthetic person is read from a YAML file, and no database is needed:

  iin: "850101100012"
  place: "610000000"
  account: active
  consents:
    - {given_by: self, given: 2025-09-01, method: one_time_code, policy_version: ..., fields: [family_name], recipients: [...], purposes: [...]}

Exit code 0: something may leave; 1: refused.`,
		Example: `  almasu decide --connector oblast-consent --iin-file person.txt --explain --lang kk
  almasu decide --connector oblast-consent --person pupil.yaml --register deploy/birgeoqy/register --rehearse`,
		Args: Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return t.decide(cmd, &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.connector, "connector", "", "the connector")
	f.StringVar(&o.iinFile, "iin-file", "", "a file with the person's IIN")
	f.StringVar(&o.person, "person", "", "a YAML file with a synthetic person")
	f.StringVar(&o.register, "register", "", "the register's folder, with --person (default: the configuration's)")
	f.BoolVar(&o.rehearse, "rehearse", false, "with --person: as if two administrators had approved everything, example acts admitted")
	f.StringVar(&o.request, "request", "", "the id of the request that is answered, on an ad-hoc route")
	f.StringVar(&o.at, "at", "", "decide as of this moment, on what register and platform say today (default now)")
	f.BoolVar(&o.explain, "explain", false, "print every rule evaluated, not only what refused")
	f.StringVar(&o.actor, "as", t.User, "who asks")
	f.StringVar(&o.reason, "reason", "", "why; for the log")
	o.lang.Flag(cmd)
	return cmd
}

func (t *tool) decide(cmd *cobra.Command, o *decideOptions) error {
	at, err := t.Moment(cmd, "at", o.at)
	switch {
	case err != nil:
		return err
	case o.connector == "":
		return Usage(cmd, "connector", "name the connector: --connector NAME")
	case (o.iinFile == "") == (o.person == ""):
		return Usage(cmd, "person", "name one of --iin-file and --person")
	case o.person == "" && (o.rehearse || o.register != ""):
		return Usage(cmd, "rehearse", "--rehearse and --register go with --person: a real person is judged by the register in force")
	}
	if err := o.lang.Check(cmd); err != nil {
		return err
	}
	decide := t.decideReal
	if o.person != "" {
		decide = t.decideSynthetic
	}
	list, err := decide(cmd, o, at)
	if err != nil {
		return err
	}
	t.Result(list)
	for _, d := range list {
		if !d.Allowed {
			t.Code(1)
		}
	}
	return nil
}

// gate opens the gate of a case; a refused run is an answer.
func (t *tool) gate(reg *legal.Register, rt *register.Route, c legal.Case, o *decideOptions) (*legal.Gate, *decision, error) {
	d := &decision{Connector: o.connector, Route: rt.ID, At: c.Now, Rehearsed: reg.Rehearsed(), Fields: []string{}, Denied: []legal.Denied{}, Checks: []said{}}
	if to := reg.Recipient(rt.Recipient); to != nil {
		d.Recipient = to.ID
	}
	g, err := reg.Gate(c)
	var refusal *legal.Refusal
	if errors.As(err, &refusal) {
		d.Refused, d.Rule, d.Why = "run", refusal.Rule, refusal.Why
		d.check(refusal.Checks, o.lang)
		return nil, d, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var kept struct {
		Checks []legal.Check `json:"checks"`
	}
	if err := json.Unmarshal(g.Record(), &kept); err != nil {
		return nil, nil, fmt.Errorf("reading the decision: %w", err)
	}
	basis := g.Basis()
	d.Basis = &basis
	d.Denied = append(d.Denied, g.Denied()...)
	d.check(kept.Checks, o.lang)
	return g, d, nil
}

// person completes a decision with that about a person of a projected batch.
func (d *decision) person(g *legal.Gate, situation uint16, lang Language) {
	x := g.Explain(situation)
	d.Allowed, d.Rule, d.Why = x.Allowed, x.Rule, x.Why
	if !x.Allowed {
		d.Refused = "person"
	}
	d.Fields = append(d.Fields, x.Fields...)
	d.Denied = append(d.Denied, x.Withheld...)
	d.check(x.Checks, lang)
}

// judge decides about everybody in a batch without values; each decision is a copy of the run's with the person's.
func judge(g *legal.Gate, run *decision, b *record.Batch, lang Language) []*decision {
	var out legal.Cleared
	g.Project(b, &out)
	situations := make([]uint16, b.Len())
	for i := range out.Len() {
		situations[out.Row(i)] = out.Situation(i)
	}
	for _, r := range out.Refused() {
		situations[r.Row] = r.Situation
	}
	list := make([]*decision, b.Len())
	for i, s := range situations {
		d := *run
		d.Denied, d.Checks = append([]legal.Denied{}, run.Denied...), append([]said{}, run.Checks...)
		d.person(g, s, lang)
		list[i] = &d
	}
	return list
}

// routeOf finds the route of a connector.
func routeOf(reg *legal.Register, connector string) (*register.Route, error) {
	var known []string
	for i := range reg.Routes {
		if reg.Routes[i].Connector == connector {
			return &reg.Routes[i], nil
		}
		known = append(known, reg.Routes[i].Connector)
	}
	return nil, record.NewProblem("usage.connector", "", fmt.Sprintf("the register's routes name: %v", known), "no route names the connector %q", connector)
}

// decideSynthetic judges a person from a file; no database is opened.
func (t *tool) decideSynthetic(_ *cobra.Command, o *decideOptions, at time.Time) ([]*decision, error) {
	dir, err := t.registerFolder(o.register)
	if err != nil {
		return nil, err
	}
	reg, err := loadRegister(dir, o.rehearse, at)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(o.person)
	if err != nil {
		return nil, t.Environment(err)
	}
	who, err := parsePerson(o.person, text)
	if err != nil {
		return nil, err
	}
	rt, err := routeOf(reg, o.connector)
	if err != nil {
		return nil, err
	}
	g, run, err := t.gate(reg, rt, legal.Case{Route: rt.ID, Now: at, Demo: o.rehearse, Channel: rt.Channel}, o)
	if err != nil {
		return nil, err
	}
	list := []*decision{run}
	if g != nil {
		b := record.NewBatch(g.Fields(), 1)
		who.add(b)
		list = judge(g, run, b, o.lang)
	}
	t.sayDecisions(reg, list, o)
	return list, nil
}

// registerFolder is the folder named, or the configuration's.
func (t *tool) registerFolder(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	text, err := os.ReadFile(*t.Config)
	if err != nil {
		return "", t.Environment(fmt.Errorf("reading the configuration, for the register (or name it with --register): %w", err))
	}
	file, err := config.Parse(*t.Config, text)
	if err != nil {
		return "", err
	}
	return file.Path(file.Register), nil
}

// loadRegister reads a register, or rehearses it.
func loadRegister(dir string, rehearse bool, at time.Time) (*legal.Register, error) {
	if !isFolder(dir) {
		return nil, record.NewProblem("usage.register", dir, "the folder that holds operator.yaml, acts.yaml and routes", "the register's folder cannot be read")
	}
	if !rehearse {
		reg, err := legal.Load(os.DirFS(dir))
		return reg, within(err, dir)
	}
	r, err := register.Rehearse(os.DirFS(dir), register.At(at.AddDate(-1, 0, 0)))
	if err != nil {
		return nil, within(err, dir)
	}
	return &legal.Register{Register: r}, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(filepath.Clean(path))
	return err == nil && info.IsDir()
}

// decideReal judges a person of the platform, by what the platform and the register of blocks say now.
func (t *tool) decideReal(cmd *cobra.Command, o *decideOptions, at time.Time) ([]*decision, error) {
	iin, err := t.ReadIIN(cmd, o.iinFile)
	if err != nil {
		return nil, err
	}
	ctx := cmd.Context()
	v, err := t.Open(ctx, true)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	rt, err := routeOf(v.Register, o.connector)
	if err != nil {
		return nil, err
	}
	c := legal.Case{Route: rt.ID, Now: at, Demo: v.Demo, Channel: v.Channel(o.connector)}
	if o.request != "" {
		if c.Request, err = v.Request(ctx, o.request); err != nil {
			return nil, err
		}
	}
	if c.PublishedText, err = v.Published(); err != nil {
		return nil, err
	}
	g, run, err := t.gate(v.Register, rt, c, o)
	if err != nil {
		return nil, err
	}
	list := []*decision{run}
	if g != nil {
		b, err := t.fetch(ctx, v, g, iin, o)
		if err != nil {
			return nil, err
		}
		list = judge(g, run, b, o.lang)
	}
	t.sayDecisions(v.Register, list, o)
	return list, nil
}

// fetch logs the look-up and finds the decision data of one person. A source reads people in the order of their keys, so the others pass
// by and are dropped; the columns of fields are not read, and stay empty.
func (t *tool) fetch(ctx context.Context, v *Service, g *legal.Gate, iin []byte, o *decideOptions) (*record.Batch, error) {
	ros, err := v.Roster()
	if err != nil {
		return nil, err
	}
	ordinals, err := ros.Find(ctx, iin)
	if err != nil {
		return nil, t.Environment(err)
	}
	_, err = v.Store.Append(ctx, t.Now(), &transferlog.Act{Actor: o.actor, Act: "person.decide", Object: "connector " + o.connector + " ordinals " + Joined(ordinals), Reason: o.reason})
	if err != nil {
		return nil, t.Environment(err)
	}
	_, blocked, err := v.Store.Blocked(ctx)
	if err != nil {
		return nil, t.Environment(err)
	}
	_, stopped := blocked[ros.TagOf(iin)]
	stream, err := v.Source.Open(ctx, connectors.Query{Fields: []string{}})
	if err != nil {
		return nil, t.Environment(err)
	}
	defer stream.Close()
	b, read := record.NewBatch(g.Fields(), 1), record.NewBatch([]string{}, 1000)
	for {
		err := stream.Next(ctx, read, 1000)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, t.Environment(err)
		}
		for i := range read.Len() {
			p := *read.Person(i)
			if !bytes.Equal(p.IIN, iin) {
				continue
			}
			p.Blocked = p.Blocked || stopped
			b.Add(p, make([][]byte, len(g.Fields())))
			for _, c := range read.Consents(i) {
				b.AddConsent(c)
			}
		}
	}
	if b.Len() == 0 {
		return nil, record.NewProblem("decide.nobody", o.iinFile, "the platform is asked for exactly this number", "the platform has no account with this number")
	}
	return b, nil
}

// sayDecisions prints the answer for people.
func (t *tool) sayDecisions(reg *legal.Register, list []*decision, o *decideOptions) {
	for i, d := range list {
		if len(list) > 1 {
			t.Say("-- account %d of %d", i+1, len(list))
		}
		t.sayDecision(reg, d, o)
	}
}

var decideWords = map[string]rules.Text{
	"run":      {KK: "Бүкіл жіберілім қабылданбады", RU: "Отказано всей передаче", EN: "The whole run is refused"},
	"person":   {KK: "Бұл адам бойынша бас тартылды", RU: "Отказано по этому лицу", EN: "This person is refused"},
	"allowed":  {KK: "Берілуі мүмкін", RU: "Может быть передано", EN: "May leave"},
	"denied":   {KK: "Берілмейді", RU: "Не передаётся", EN: "Does not leave"},
	"basis":    {KK: "Негізі", RU: "Основание", EN: "Basis"},
	"rules":    {KK: "Қаралған ережелер", RU: "Рассмотренные правила", EN: "Rules evaluated"},
	"rehearse": {KK: "Жаттығу: бекітулер ойдан шығарылған", RU: "Репетиция: одобрения вымышлены", EN: "A rehearsal: the approvals are invented"},
}

func (t *tool) sayDecision(reg *legal.Register, d *decision, o *decideOptions) {
	word := func(key string) string { return o.lang.Of(decideWords[key]) }
	if d.Rehearsed {
		t.Say("(%s)", word("rehearse"))
	}
	t.Say("%s, %s -> %s, %s", d.Connector, d.Route, d.Recipient, d.At.In(zone).Format(time.RFC3339))
	if d.Basis != nil {
		title := d.Basis.TitleRU
		if o.lang == "kk" {
			title = d.Basis.TitleKK
		}
		t.Say("%s: %s %s, %s (%s)", word("basis"), d.Basis.Path, d.Basis.Clause, d.Basis.Ground, title)
	}
	if d.Refused != "" {
		t.Say("%s: %s, %s", word(d.Refused), d.Rule, o.lang.Of(rules.Reason(d.Why).Text()))
	}
	for _, f := range d.Fields {
		t.Say("  + %s: %s", word("allowed"), o.lang.Field(reg, f))
	}
	for _, x := range d.Denied {
		t.Say("  - %s: %s: %s, %s", word("denied"), o.lang.Field(reg, x.Field), x.Rule, o.lang.Of(rules.Reason(x.Why).Text()))
	}
	if !o.explain {
		return
	}
	t.Say("%s:", word("rules"))
	for _, c := range d.Checks {
		mark := map[string]string{legal.Passed: "+", legal.Failed: "!", legal.NotApplicable: "."}[c.Outcome]
		of := ""
		if c.Of != "" {
			of = "[" + c.Of + "] "
		}
		t.Say("  %s %s%s", mark, of, c.Text)
	}
}
