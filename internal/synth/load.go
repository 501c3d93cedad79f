package synth

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"birgeoqy.kz/almasu/internal/record"
)

const tables = `
CREATE TABLE profiles (
	id {id} PRIMARY KEY, iin text, family_name text, given_name text, middle_name text, birth_date {date}, email text, phone text,
	parent_phone text, region text, district text, settlement text, kato text, school text, grade {id}, password_hash text,
	last_ip text, user_agent text, created_at {time}, updated_at {time});
CREATE TABLE accounts (user_id {id} PRIMARY KEY, login text, state text NOT NULL, state_since {time}, last_login_ip text);
CREATE TABLE consent_forms (
	id {id} PRIMARY KEY, title text NOT NULL, policy_version text, operator_bin text, subject_named {bool}, until_purpose {bool},
	third_parties {bool}, cross_border {bool}, publication {bool}, fields {list}, purposes {list}, recipients {list},
	given_by text, for_parent {bool}, method text);
CREATE TABLE consents (
	id {id} PRIMARY KEY, user_id {id} NOT NULL, form_id {id} NOT NULL, given_at {time}, valid_until {time}, withdrawn_at {time},
	evidence_sha256 text, evidence_ip text);
CREATE TABLE blocks (
	id {id} PRIMARY KEY, user_id {id} NOT NULL, requested_by text NOT NULL, reason text, received_at {time} NOT NULL, lifted_at {time});
CREATE TABLE parent_blocks (id {id} PRIMARY KEY, user_id {id} NOT NULL, received_at {time}, lifted_at {time});
`

const indexes = `
CREATE INDEX consents_user ON consents (user_id);
CREATE INDEX profiles_iin ON profiles (iin);
`

// Tables returns the statements that make the platform's relations, and those that make the indexes, for the driver "postgres" or "sqlite".
// Times are timestamptz, or RFC 3339 text on SQLite; lists are text[], or JSON.
func Tables(driver string) (relations, extra string) {
	types := strings.NewReplacer("{id}", "bigint", "{time}", "timestamptz", "{date}", "date", "{bool}", "boolean", "{list}", "text[]")
	if driver == "sqlite" {
		types = strings.NewReplacer("{id}", "INTEGER", "{time}", "TEXT", "{date}", "TEXT", "{bool}", "INTEGER", "{list}", "TEXT")
	}
	return types.Replace(tables), indexes
}

// Load makes the relations in an empty database of the driver "postgres" (lib/pq) or "sqlite" and fills them, in one transaction.
func Load(ctx context.Context, db *sqlx.DB, o Options) error {
	g, err := New(o)
	if err != nil {
		return err
	}
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("synth: beginning: %w", err)
	}
	l := &loader{ctx: ctx, tx: tx, generator: g, sqlite: db.DriverName() == "sqlite"}
	if err := l.all(db.DriverName()); err != nil {
		_ = tx.Rollback() // the first error is the one that matters
		return fmt.Errorf("synth: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("synth: committing: %w", err)
	}
	if _, err := db.ExecContext(ctx, "ANALYZE"); err != nil {
		return fmt.Errorf("synth: analysing: %w", err)
	}
	return nil
}

type loader struct {
	ctx       context.Context
	tx        *sqlx.Tx
	generator *Generator
	sqlite    bool
	people    []Person // of the chunk
}

func (l *loader) all(driver string) error {
	relations, extra := Tables(driver)
	if _, err := l.tx.ExecContext(l.ctx, relations); err != nil {
		return fmt.Errorf("making the relations: %w", err)
	}
	if err := l.forms(); err != nil {
		return fmt.Errorf("loading the consent forms: %w", err)
	}
	for from := 0; from < l.generator.options.People; from += chunk {
		if err := l.chunk(from, min(from+chunk, l.generator.options.People)); err != nil {
			return err
		}
	}
	if _, err := l.tx.ExecContext(l.ctx, extra); err != nil {
		return fmt.Errorf("making the indexes: %w", err)
	}
	return nil
}

// chunk is how many people are made before they are written, table after table.
const chunk = 20_000

// chunk loads the people with the indexes from (inclusive) to (exclusive).
func (l *loader) chunk(from, to int) error {
	l.people = l.people[:0]
	for i := from; i < to; i++ {
		l.people = append(l.people, l.generator.Person(i))
	}
	for _, t := range []struct {
		table, columns string
		rows           func(p *Person, add func(...any) error) error
	}{
		{"profiles", "id, iin, family_name, given_name, middle_name, birth_date, email, phone, parent_phone, region, district, settlement, " +
			"kato, school, grade, password_hash, last_ip, user_agent, created_at, updated_at", l.profile},
		{"accounts", "user_id, login, state, state_since, last_login_ip", l.account},
		{"consents", "id, user_id, form_id, given_at, valid_until, withdrawn_at, evidence_sha256, evidence_ip", l.consents},
		{"blocks", "id, user_id, requested_by, reason, received_at, lifted_at", l.block},
	} {
		if err := l.fill(t.table, t.columns, t.rows); err != nil {
			return fmt.Errorf("loading the %s: %w", t.table, err)
		}
	}
	return nil
}

// fill loads the chunk's rows of one table: by COPY, or by a prepared INSERT on SQLite.
func (l *loader) fill(table, columns string, rows func(*Person, func(...any) error) error) error {
	text := fmt.Sprintf("COPY %s (%s) FROM STDIN", table, columns)
	if l.sqlite {
		text = fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", table, columns, strings.Repeat(", ?", strings.Count(columns, ",")))
	}
	insert, err := l.tx.PrepareContext(l.ctx, text)
	if err != nil {
		return err
	}
	defer insert.Close()
	add := func(values ...any) error {
		_, err := insert.ExecContext(l.ctx, values...)
		return err
	}
	for i := range l.people {
		if err := rows(&l.people[i], add); err != nil {
			return err
		}
	}
	if l.sqlite {
		return nil
	}
	_, err = insert.ExecContext(l.ctx) // ends the COPY
	return err
}

// text is NULL for an empty text.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// time is NULL for the zero time.
func (l *loader) time(t time.Time) any {
	switch {
	case t.IsZero():
		return nil
	case l.sqlite:
		return t.Format(time.RFC3339)
	}
	return t
}

func (l *loader) profile(p *Person, add func(...any) error) error {
	return add(p.ID, text(p.IIN), text(p.Family), text(p.Given), text(p.Middle), p.Birth.Format(time.DateOnly), text(p.Email), text(p.Phone),
		text(p.ParentPhone), text(p.Region), text(p.District), text(p.Settlement), text(p.KATO), text(p.School), p.Grade, text(p.Password),
		text(p.Address), text(p.UserAgent), l.time(p.Created), l.time(p.Updated))
}

func (l *loader) account(p *Person, add func(...any) error) error {
	if p.Account == "" {
		return nil
	}
	return add(p.ID, fmt.Sprintf("%suser%d", l.generator.options.Canary, p.ID), p.Account, l.time(p.Since), p.Address)
}

func (l *loader) consents(p *Person, add func(...any) error) error {
	for i, c := range p.Consents {
		err := add(p.ID*4+int64(i), p.ID, c.Form, l.time(c.Given), l.time(c.Until), l.time(c.Withdrawn), text(c.Evidence), p.Address)
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) block(p *Person, add func(...any) error) error {
	if p.Block.By == "" {
		return nil
	}
	return add(p.ID, p.ID, p.Block.By, l.generator.options.Canary+"data are wrong", l.time(p.Block.Received), l.time(p.Block.Lifted))
}

func (l *loader) forms() error {
	for _, f := range Forms(l.generator.options) {
		t := &f.Terms
		_, err := l.tx.ExecContext(l.ctx, `INSERT INTO consent_forms VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
			f.ID, l.generator.options.Canary+f.Name, text(t.PolicyVersion), text(t.OperatorBIN), t.SubjectNamed, t.UntilPurpose,
			stated(t.ThirdParties), stated(t.CrossBorder), stated(t.Publication), l.list(t.Fields), l.list(t.Purposes), l.list(t.Recipients),
			text(t.GivenBy), t.ForParent, text(t.Method))
		if err != nil {
			return err
		}
	}
	return nil
}

func stated(s record.Stated) any {
	if s == record.Unstated {
		return nil
	}
	return s == record.Yes
}

func (l *loader) list(elements []string) any {
	switch {
	case elements == nil:
		return nil
	case !l.sqlite:
		return pq.Array(elements)
	}
	b, err := json.Marshal(elements)
	if err != nil {
		panic("synth: a list of texts cannot be JSON: " + err.Error())
	}
	return string(b)
}
