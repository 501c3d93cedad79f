package app

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/store/fault"
	"birgeoqy.kz/almasu/internal/transfer"
)

var statusWords = map[transfer.Status]string{
	transfer.Successful:      "Successful: everybody is accounted for",
	transfer.SentWithRejects: "Sent; some records were rejected by the recipient or withheld for their data",
	transfer.InProgress:      "In progress: messages wait for a receipt and will be tried again",
	transfer.NotPermitted:    "Not permitted: the law refused this run; nothing was read",
	transfer.Failed:          "Failed",
}

// printReport prints the whole account of a run for people.
func printReport(w io.Writer, r *transfer.Report) {
	fmt.Fprintf(w, "Transfer %s by %s, connector %s\n", r.ID, r.Actor, r.Connector)
	fmt.Fprintf(w, "  status        %s\n", statusWords[r.Status])
	if r.Message != "" {
		fmt.Fprintf(w, "  because       %s [%s]\n", strings.TrimSuffix(r.Message, " ["+r.Code+"]"), r.Code)
	}
	hint := fault.Hint(r.Code)
	if r.Code == "source.database" {
		hint = platform.Advice
	}
	if hint != "" {
		fmt.Fprintf(w, "  what to do    %s\n", hint)
	}
	fmt.Fprintf(w, "  recipient     BIN %s, route %s\n", r.Recipient, r.Route)
	if r.Basis.Path != "" {
		b := r.Basis
		fmt.Fprintf(w, "  legal basis   %s path, policy clause %s; %s\n", b.Path, b.Clause, b.Ground)
		fmt.Fprintf(w, "                act: %s / %s\n", b.TitleKK, b.TitleRU)
		fmt.Fprintf(w, "                procedure: %s\n", b.Procedure)
		if b.Competence != "" {
			fmt.Fprintf(w, "                recipient's competence: %s\n", b.Competence)
		}
		if b.Item != "" {
			fmt.Fprintf(w, "                consent not needed by: %s\n", b.Item)
		}
		if b.Example {
			fmt.Fprintln(w, "                (an EXAMPLE act: a service that is not a demonstration refuses it)")
		}
		fmt.Fprintf(w, "  purpose       %s\n", r.Purpose)
		fmt.Fprintf(w, "  fields sent   %s\n", strings.Join(r.Fields, ", "))
	}
	for i, d := range r.Denied {
		fmt.Fprintf(w, "  %-13s %s: %s, %s\n", heading(i, "not given"), d.Field, d.Rule, reasonText(d.Why))
	}
	notSent := 0
	for _, why := range r.Reasons {
		if why.Kind == "counted" {
			fmt.Fprintf(w, "  counted       %d people in a table of counts; nothing of anybody was sent (%s)\n", why.People, why.Rule)
			continue
		}
		notSent++
		fmt.Fprintf(w, "  %-13s %d people %s by %s: %s\n", heading(notSent-1, "not sent"), why.People, why.Kind, why.Rule, reasonText(why.Why))
	}
	if r.Status != transfer.NotPermitted {
		fmt.Fprintf(w, "  people        %s\n", r.Totals)
		fmt.Fprintf(w, "  receipts      %d of %d messages delivered and receipted, sequence %d to %d\n", r.Totals.Delivered, r.Totals.Messages, r.FirstSequence, r.LastSequence)
	}
	fmt.Fprintf(w, "  log index     %d\n", r.LogIndex)
}

func heading(i int, text string) string {
	if i == 0 {
		return text
	}
	return ""
}

// reasonText says a reason's code in English, or the code itself where the law has no words for it.
func reasonText(code string) string {
	if text := rules.Reason(code).Text().EN; text != "" {
		return text
	}
	return code
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
