package legal_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
)

func lint(r *legal.Register, o legal.LintOptions) []string {
	var list []string
	for _, p := range legal.Lint(r, o) {
		list = append(list, p.Code+" "+p.Where)
	}
	slices.Sort(list)
	return list
}

func TestLintOfTheExample(t *testing.T) {
	got := lint(approved(t), legal.LintOptions{Now: now, Demo: true})
	if want := []string{"lint.posting_date_unproven policies.yaml:9:28"}; !slices.Equal(got, want) {
		t.Errorf("found %v, expected %v", got, want)
	}
}

func TestLintFinds(t *testing.T) {
	for _, c := range []struct {
		code, where string
		edit        func(fstest.MapFS)
		change      func(*legal.LintOptions)
	}{
		{"lint.example_act", "routes/ministry-statute.yaml:11:10", nil, func(o *legal.LintOptions) { o.Demo = false }},
		{"lint.citation_out_of_force", "routes/ministry-statute.yaml:12:13", edit(t, "acts.yaml", "from: 2022-08-30", "from: 2022-08-30\n    until: 2026-10-01"), nil},
		{"lint.agreement_out_of_force", "recipients.yaml:66:14", nil, func(o *legal.LintOptions) {
			o.Runs = map[string][]time.Time{"oblast-consent": {now, now.AddDate(10, 0, 0)}}
		}},
		{"lint.channel_not_named", "routes/ministry-statute.yaml:6:10", edit(t, "routes/ministry-statute.yaml", "channel: rest", "channel: epvo"), nil},
		{"lint.suspended", "routes/ministry-statute.yaml:14:12", edit(t, "routes/ministry-statute.yaml", "marking:", "suspended: true\nmarking:"), nil},
		{"lint.no_notices", "routes/oblast-consent.yaml:38:18", edit(t, "recipients.yaml", "          notices: \"clause 5.4", "          # notices: \"clause 5.4"), nil},
		{"lint.field_without_ground", "routes/ministry-statute.yaml:16:12", edit(t, "acts.yaml", "names: [family_name, ", "names: ["), nil},
		{"lint.unused_field", "routes/ministry-statute.yaml:18:12", nil, func(o *legal.LintOptions) {
			o.Mapped = map[string][]string{"ministry-statute": {"family_name", "iin", "region", "district", "settlement"}}
		}},
		{"lint.unpermitted_field", "routes/ministry-statute.yaml:16:3", nil, func(o *legal.LintOptions) {
			o.Mapped = map[string][]string{"ministry-statute": {"family_name", "given_name", "iin", "region", "district", "settlement", "phone"}}
		}},
		{"lint.foreign", "recipients.yaml:9:22", edit(t, "recipients.yaml", "hosting_country: KZ", "hosting_country: DE"), nil},
		{"lint.not_in_catalogue", "routes/oblast-consent.yaml:22:12", edit(t, "policies.yaml", "    posting_date_unproven: true\n", "    until: 2026-05-01\n    posting_date_unproven: true\n"), nil},
	} {
		t.Run(c.code, func(t *testing.T) {
			var edits []func(fstest.MapFS)
			if c.edit != nil {
				edits = append(edits, c.edit)
			}
			if c.code == "lint.not_in_catalogue" {
				edits = append(edits, func(files fstest.MapFS) {
					files["policies.yaml"] = &fstest.MapFile{Data: append(files["policies.yaml"].Data, []byte("  - id: v2\n    order: 12п\n    order_date: 2026-04-01\n"+
						"    text_digest: sha256:00000000000000000000000000000000000000000000000000000000000000aa\n    registered: 2026-04-20\n    from: 2026-05-01\n"+
						"    catalogue: [family_name, given_name, email, iin, region, district, settlement, parent_phone]\n")...)}
				})
			}
			o := legal.LintOptions{Now: now.AddDate(0, 2, 0), Demo: true}
			if c.change != nil {
				c.change(&o)
			}
			got := lint(approved(t, edits...), o)
			if !slices.Contains(got, c.code+" "+c.where) {
				t.Errorf("found\n%s\nexpected %s %s", strings.Join(got, "\n"), c.code, c.where)
			}
		})
	}
	files := exampleFS(t)
	got := strings.Join(lint(load(t, files), legal.LintOptions{Now: now, Demo: true}), "\n")
	for _, code := range []string{"lint.not_approved", "lint.policy_not_approved"} {
		if !strings.Contains(got, code) {
			t.Errorf("%s is not found in\n%s", code, got)
		}
	}
	text := string(files["recipients.yaml"].Data)
	cut := strings.LastIndex(text, "    agreement:")
	files["recipients.yaml"] = &fstest.MapFile{Data: []byte(text[:cut])}
	if got := strings.Join(lint(load(t, files), legal.LintOptions{Now: now, Demo: true}), "\n"); !strings.Contains(got, "lint.no_agreement recipients.yaml:121:5") {
		t.Errorf("found\n%s", got)
	}
}
