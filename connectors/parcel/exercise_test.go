package parcel

import (
	"context"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

func now() time.Time { return connectortest.At }

// looking is a connector whose recipient looks into its folder before each attempt, and once during it.
type looking struct {
	*Connector
	box *connectortest.Letterbox
}

func (l looking) Deliver(ctx context.Context, env *signing.Envelope, ticket *transferlog.Ticket) ([]byte, error) {
	l.box.Look()
	return l.Connector.Deliver(ctx, env, ticket)
}

func TestExercise(t *testing.T) {
	connectortest.Exercise(t, func(t testing.TB, s *connectortest.Sender) (connectors.Connector, connectortest.Receiver) {
		box := connectortest.NewLetterbox(t, connectortest.RecipientBIN, connectortest.RingOf(t, s.Key), s.Log.PublicKey(), now)
		return looking{connect(t, s, box, Config{Folder: box.Dir}), box}, box
	})
}

// connect makes a connector in whose pauses, one for each attempt, the recipient looks into its folder.
func connect(t testing.TB, s *connectortest.Sender, box *connectortest.Letterbox, conf Config) *Connector {
	t.Helper()
	conf.Recipient, conf.Peers, conf.LogKey, conf.Prover, conf.Now = connectortest.RecipientBIN, box.Keys(), s.Log.PublicKey(), s, now
	conf.Pause = func(ctx context.Context, _ time.Duration) error {
		box.Look()
		return ctx.Err()
	}
	conf.Wait = firstLook
	c, err := New(conf)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
