package rest_test

import (
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/connectors/rest"
)

func TestExercise(t *testing.T) {
	connectortest.Exercise(t, func(t testing.TB, s *connectortest.Sender) (connectors.Connector, connectortest.Receiver) {
		now := func() time.Time { return connectortest.At }
		peer := connectortest.NewPeer(t, connectortest.RecipientBIN, connectortest.RingOf(t, s.Key), s.Log.PublicKey(), now)
		c, err := rest.New(rest.Config{
			BaseURL: peer.URL(), CA: peer.CA(), Recipient: connectortest.RecipientBIN, Key: s.Key, Peers: peer.Keys(), LogKey: s.Log.PublicKey(),
			Prover: s, Now: now, AttemptTimeout: 2 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c, peer
	})
}
