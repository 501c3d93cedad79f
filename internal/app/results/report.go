package results

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/store/fault"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transfer/candidates"
)

// page prints lines with a label, in columns.
type page struct {
	w    io.Writer
	lang lawtool.Language
	last string
}

// line prints one line; under the same label as the line before, the label is left out.
func (p *page) line(label, key string, args ...any) {
	width := 14
	if p.lang != "en" {
		width = 22
	}
	text := say(p.lang, label)
	if label == p.last {
		text = ""
	}
	p.last = label
	format := "%s"
	if key != "" {
		format = say(p.lang, key)
	}
	line := strings.TrimSuffix(fmt.Sprintf(format, args...), ": ")
	fmt.Fprintf(p.w, "  %s%s%s\n", text, strings.Repeat(" ", max(width-utf8.RuneCountInString(text), 1)), line)
}

// Print prints the whole account of a run for people, in a language.
func Print(w io.Writer, r *transfer.Report, lang lawtool.Language) {
	p := &page{w: w, lang: lang}
	fmt.Fprintf(w, say(lang, "title")+"\n", r.ID, r.Actor, r.Connector)
	status := string(r.Status)
	if status == "" {
		status = "unknown"
	}
	if r.Status == transfer.SentWithRejects && r.Totals.Messages == 0 {
		status = "nothing sent"
	}
	p.line("status", "", say(lang, status))
	p.why(r)
	p.line("recipient", "bin", r.Recipient, r.Route)
	if r.Basis.Path != "" {
		p.basis(r)
	}
	for _, d := range r.Denied {
		p.line("not given", "", fmt.Sprintf("%s: %s, %s", d.Field, d.Rule, reasonText(d.Why, lang)))
	}
	p.reasons(r)
	if r.Status != transfer.NotPermitted {
		p.counts(r)
	}
	p.line("log index", "", fmt.Sprint(r.LogIndex))
}

// why says why a run was not permitted or has failed, and what to do.
func (p *page) why(r *transfer.Report) {
	if r.Message != "" {
		text := strings.TrimSuffix(r.Message, " ["+r.Code+"]")
		if why := rules.Reason(strings.TrimPrefix(r.Code, "legal.")); p.lang != "en" && r.Status == transfer.NotPermitted && why.Text().KK != "" {
			text = p.lang.Of(why.Text())
		}
		p.line("because", "", fmt.Sprintf("%s [%s]", text, r.Code))
	}
	disputed := false
	for _, why := range r.Reasons {
		if why.Kind != string(transfer.Disputed) && why.Kind != string(transfer.Abandoned) {
			continue
		}
		key := why.Kind
		if _, own := words[why.Rule]; own {
			key = why.Rule
		}
		disputed = disputed || why.Kind == string(transfer.Disputed)
		p.line("because", key, why.People, why.Rule)
	}
	if r.Status == transfer.Failed && !r.Totals.Balanced() {
		p.line("because", "unbalanced")
	}
	hint := fault.Hint(r.Code)
	switch {
	case r.Code == "source.database":
		hint = platform.Advice
	case hint == "" && disputed:
		hint = say(p.lang, "dispute advice")
	}
	if hint != "" {
		p.line("what to do", "", hint)
	}
}

func (p *page) basis(r *transfer.Report) {
	b := r.Basis
	p.line("basis", "path", say(p.lang, b.Path), b.Clause, b.Ground)
	p.line("basis", "act", b.TitleKK, b.TitleRU)
	p.line("basis", "procedure", b.Procedure)
	if b.Competence != "" {
		p.line("basis", "competence", b.Competence)
	}
	if b.Item != "" {
		p.line("basis", "item", b.Item)
	}
	if b.Example {
		p.line("basis", "example")
	}
	p.line("purpose", "", r.Purpose)
	p.line("fields sent", "", strings.Join(r.Fields, ", "))
}

// mostRejected is how many of a recipient's codes the account of a run shows.
const mostRejected = 20

func (p *page) reasons(r *transfer.Report) {
	rejected := 0
	for _, why := range r.Reasons {
		switch why.Kind {
		case "counted":
			p.line("counted", "in a table", why.People, why.Rule)
		case "rejected":
			if rejected++; rejected <= mostRejected {
				p.line("not sent", "rejected", why.People, Code(why.Rule), reasonText(why.Why, p.lang))
			}
		case "refused":
			p.line("not sent", why.Kind, why.People, why.Rule, reasonText(why.Why, p.lang))
		case "withheld":
			p.line("not sent", why.Kind, why.People, meaning(why.Rule, p.lang), reasonText(why.Why, p.lang))
		}
	}
	if rejected > mostRejected {
		p.line("not sent", "more", rejected-mostRejected, r.ID)
	}
}

// counts prints I8, in words and as figures.
func (p *page) counts(r *transfer.Report) {
	t := r.Totals
	parts := []string{fmt.Sprintf(say(p.lang, "read"), t.Read)}
	pending := "n pending"
	if r.Status == transfer.Failed {
		pending = "n open"
	}
	for _, c := range []struct {
		key string
		n   int
	}{{"n accepted", t.Accepted}, {"n unchanged", t.Unchanged}, {"n refused", t.Refused}, {"n withheld", t.Withheld}, {"n rejected", t.Rejected}, {pending, t.Pending}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf(say(p.lang, c.key), c.n))
		}
	}
	p.line("in words", "", strings.Join(parts, "; "))
	sign := "="
	if !t.Balanced() {
		sign = "≠"
	}
	if r.Compared != "" {
		why := strings.TrimPrefix(r.ComparedFully, candidates.Under)
		if why != r.ComparedFully {
			p.line("compared", candidates.Under, why)
		} else {
			p.line("compared", "", say(p.lang, cmp.Or(why, "compare.candidates")))
		}
	}
	p.line("people", "identity", t.Read, sign, t.Accepted, t.Unchanged, t.Refused, t.Withheld, t.Rejected, t.Pending, t.Received)
	if t.Messages == 0 {
		p.line("receipts", "no message")
		return
	}
	p.line("receipts", "delivered", t.Delivered, t.Messages, r.FirstSequence, r.LastSequence)
}

// reasonText says a reason's code in a language, or the code itself where the law has no words for it.
func reasonText(code string, lang lawtool.Language) string {
	if text := lang.Of(rules.Reason(code).Text()); text != "" {
		return text
	}
	return code
}
