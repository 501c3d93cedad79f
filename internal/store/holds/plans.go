package holds

import (
	"context"
	"encoding/json"
	"fmt"

	"birgeoqy.kz/almasu/internal/plan"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
)

// What a plan was made for.
const (
	ToLook    = "look"
	ToJudge   = "judge"
	ToSend    = "send"
	ToApprove = "approve"
)

// Made is a plan that was made.
type Made struct {
	ID string `json:"id"`
	// Purpose is what for, Actor by whom.
	Purpose string     `json:"purpose"`
	Actor   string     `json:"actor"`
	Plan    *plan.Plan `json:"plan"`
}

// Keep keeps a plan, without its sample.
func Keep(ctx context.Context, s *store.Store, p *plan.Plan, purpose, actor string) error {
	bare := *p
	bare.Sample = nil
	body, err := json.Marshal(&bare)
	if err != nil {
		return err
	}
	_, err = s.DB().ExecContext(ctx, "INSERT INTO plan (id, connector, made, purpose, actor, digest, body) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		record.NewID().String(), p.Connector, record.Micros(p.At), purpose, actor, p.Digest, string(body))
	if err != nil {
		return fmt.Errorf("keeping a plan: %w", err)
	}
	return nil
}

// Plans lists the plans of a connector ("" for all), newest first.
func Plans(ctx context.Context, s *store.Store, connector string, limit int) (out []Made, err error) {
	rows, err := s.Reader().QueryxContext(ctx, "SELECT id, purpose, actor, body FROM plan WHERE connector = $1 OR $1 = '' ORDER BY made DESC, id LIMIT $2", connector, limit)
	if err != nil {
		return nil, fmt.Errorf("listing plans: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		m := Made{Plan: &plan.Plan{}}
		var body string
		if err := rows.Scan(&m.ID, &m.Purpose, &m.Actor, &body); err != nil {
			return nil, fmt.Errorf("listing plans: %w", err)
		}
		if err := json.Unmarshal([]byte(body), m.Plan); err != nil {
			return nil, fmt.Errorf("reading a plan: %w", err)
		}
		out = append(out, m)
	}
	return out, rows.Err()
}
