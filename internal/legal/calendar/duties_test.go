package calendar_test

import (
	"testing"

	"birgeoqy.kz/almasu/internal/legal/calendar"
	"birgeoqy.kz/almasu/internal/record"
)

func TestDuties(t *testing.T) {
	c := calendar.Kazakhstan()
	now := on(t, "2026-09-10")
	list, err := c.Duties([]calendar.Event{
		{Term: "claim", Ref: "claim", Received: on(t, "2026-09-01")},
		{Term: "block", Ref: "late block", Received: on(t, "2026-09-01"), Done: on(t, "2026-09-04")},
		{Term: "block", Ref: "block in time", Received: on(t, "2026-09-01"), Done: on(t, "2026-09-02")},
		{Term: "information", Ref: "information", Received: on(t, "2026-09-04")},
		{Term: "information", Ref: "due today", Received: on(t, "2026-09-07")},
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		ref     string
		overdue bool
	}{{"late block", true}, {"information", true}, {"due today", false}, {"claim", false}}
	if len(list) != len(want) {
		t.Fatalf("duties %+v", list)
	}
	for i, w := range want {
		if list[i].Ref != w.ref || list[i].Overdue != w.overdue {
			t.Errorf("duty %d is %s, overdue %v; expected %s, %v", i, list[i].Ref, list[i].Overdue, w.ref, w.overdue)
		}
	}
	list, err = c.Duties([]calendar.Event{
		{Term: "tea", Ref: "a", Received: now}, {Term: "block", Ref: "b", Received: on(t, "2031-01-05")}, {Term: "block", Ref: "c", Received: now},
	}, now)
	problems, ok := err.(record.Problems)
	if !ok || len(problems) != 2 || problems[0].Code != "calendar.unknown_term" || problems[1].Code != "calendar.unknown_year" || len(list) != 1 {
		t.Errorf("duties %v, %v", list, err)
	}
}
