package legal_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
)

// outsiders are data that recipients' forms ask for and that no catalogue has.
var outsiders = map[string]string{
	"middle_name": "FLD-1", "patronymic": "FLD-1", "father_name": "FLD-1", "birth_date": "FLD-3", "birth_year": "FLD-3", "sex": "FLD-3", "gender": "FLD-3",
	"age": "FLD-3", "age_group": "FLD-3", "school": "FLD-0", "grade": "FLD-0", "marks": "FLD-0", "olympiad_results": "FLD-0", "nationality": "FLD-0",
	"address": "FLD-0", "photo": "FLD-0", "health": "FLD-0", "mother_name": "FLD-0", "language": "FLD-0", "password": "FLD-0", "account_state": "FLD-0", "consents": "FLD-0",
}

// TestMatrixOfRecipientsAndFields puts each field alone on a route to each recipient. What may not leave does not load, with the rule; what
// loads is the gate's only column.
func TestMatrixOfRecipientsAndFields(t *testing.T) {
	technical := []string{"cookies", "user_agent", "access_time", "ip"}
	base := approved(t)
	var fields []string
	fields = append(fields, profile...)
	fields = append(fields, technical...)
	for f := range outsiders {
		fields = append(fields, f)
	}
	refused, opened := 0, 0
	for i := range base.Recipients {
		to := &base.Recipients[i]
		for _, path := range []string{"consent", "statute"} {
			w := &world{path: path, local: true, names: profile}
			for _, field := range fields {
				w.fields = []string{field}
				files := exampleFS(t)
				for name := range files {
					if strings.HasPrefix(name, "routes/") {
						delete(files, name)
					}
				}
				text := strings.Replace(w.routeText(), "recipient: turkistan-oblast", "recipient: "+to.ID, 1)
				text = strings.Replace(text, "channel: rest", "channel: "+to.Agreement.Channels[0].Channel, 1)
				files["routes/r.yaml"] = &fstest.MapFile{Data: []byte(text)}
				want := outsiders[field]
				switch {
				case to.Kind == "other_state_body" && path == "consent":
					want = "RCP-3"
				case slices.Contains(technical, field):
					want = "TECH-1"
				}
				_, err := legal.Load(files)
				if want != "" {
					refused++
					if problems, ok := err.(record.Problems); !ok || !strings.Contains(problems.Error(), "("+want+")") {
						t.Errorf("%s to %s by %s: %v, expected %s", field, to.ID, path, err, want)
					}
					continue
				}
				opened++
				approve(t, files)
				g, err := load(t, files).Gate(legal.Case{Route: "r", Now: now, Demo: true, Channel: to.Agreement.Channels[0].Channel})
				carries := path == "consent" || slices.Contains([]string{"family_name", "given_name", "iin", "region", "district", "settlement"}, field)
				switch {
				case carries && (err != nil || !slices.Equal(g.Fields(), []string{field})):
					t.Errorf("%s to %s by %s: %v", field, to.ID, path, err)
				case !carries && (err == nil || err.(*legal.Refusal).Rule != "PD-1"):
					t.Errorf("%s to %s by a norm that does not name it: %v", field, to.ID, err)
				}
			}
		}
	}
	t.Logf("%d cells refused at load, %d decided by the gate", refused, opened)
	if len(outsiders) < 20 || refused < 6*20 {
		t.Error("the matrix is not full")
	}
}
