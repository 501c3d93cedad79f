package tell

import (
	"time"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal/calendar"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transfer/telling"
)

// grouping gathers deliveries into notices: one for each recipient, connector and reason, of at most notice.Most records.
type grouping struct {
	p    *planner
	list []*owed
}

// of finds or makes the notice that a delivery belongs to, and adds its record.
func (g *grouping) of(d *delivery, act notice.Act, rule, why string) *owed {
	clause := g.p.clause(d)
	way := "notice"
	if clause == "" || d.Index < 0 {
		way = "letter"
	}
	var o *owed
	for _, x := range g.list {
		if x.Connector == d.connector && x.Route == d.route && x.BIN == d.recipient && x.Act == act && x.Rule == rule && x.Why == why && x.Way == way && len(x.records) < notice.Most {
			o = x
		}
	}
	if o == nil {
		o = &owed{Connector: d.connector, Route: d.route, BIN: d.recipient, Recipient: recipientName(g.p.v, d.recipient, g.p.lang), Act: act, Rule: rule, Why: why, Way: way, Clause: clause}
		g.list = append(g.list, o)
	}
	o.records = append(o.records, d.Record)
	o.Records = append(o.Records, owedRecord{Message: d.Message.String(), Sequence: d.sequence, At: d.at, Index: d.Index})
	return o
}

// clause is that of the agreement by which the recipient of a delivery takes notices over its connector, "" if it is told by letter.
func (p *planner) clause(d *delivery) string {
	rt := p.v.Register.Route(d.route)
	if rt == nil || rt.Connector != d.connector || p.v.Channel(d.connector) == "" || p.v.Register.Recipient(rt.Recipient).BIN != d.recipient {
		return ""
	}
	return p.v.Register.TakesNotices(rt)
}

func recipientName(v *lawtool.Service, bin string, lang lawtool.Language) string {
	for i := range v.Register.Recipients {
		if to := &v.Register.Recipients[i]; to.BIN == bin {
			return lang.Of(rules.Text{KK: to.NameKK, RU: to.NameRU, EN: to.NameRU})
		}
	}
	return bin
}

// date puts the day on each by which it is due, counted from when the event was received.
func date(list []*owed, received time.Time) error {
	for _, o := range list {
		term, _ := calendar.TermOf(notices.Term(o.Act))
		var err error
		if o.due, err = calendar.Kazakhstan().Due(term, received); err != nil {
			return err
		}
		o.Due = o.due.In(register.Zone).Format(time.DateOnly)
	}
	return nil
}

// entered makes what is entered of a plan.
func entered(list []*owed, subject, actor, reason string, received, now time.Time) []notices.Notice {
	out := make([]notices.Notice, len(list))
	for i, o := range list {
		id := record.NewID()
		o.ID = id.String()
		out[i] = notices.Notice{Letter: o.Way == "letter", Subject: subject, Opened: received, Due: o.due,
			Notice: telling.Notice{Act: o.Act, Rule: o.Rule, Why: o.Why, Records: o.records},
			Transfer: transfer.Transfer{ID: id, Connector: o.Connector, Route: o.Route, Recipient: o.BIN, Trigger: transfer.RunNow, Due: now, Started: now,
				Actor: actor, Reason: reason}}
	}
	return out
}
