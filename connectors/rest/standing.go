package rest

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

const statusPath = "/v1/status"

// Standing asks the recipient what it holds of us; from, if it is not 0, asks for the messages from that number on too. The sender is our BIN.
// Errors are [*connectors.Failure]; its kind is Halt where the answer is not the recipient's, or not about us.
func (c *Connector) Standing(ctx context.Context, sender string, from uint64) (*signing.Standing, error) {
	ctx, cancel := context.WithTimeout(ctx, c.conf.AttemptTimeout)
	defer cancel()
	path := statusPath
	if from > 0 {
		path += "?from=" + strconv.FormatUint(from, 10)
	}
	a, err := c.exchange(ctx, http.MethodGet, path, signing.MaxStandingBytes, request{payload: signing.NewPayload(nil, "")})
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, c.failure(a, a.refusal())
	}
	s, err := signing.OpenStanding(a.body, c.conf.Peers, c.conf.Now(), c.conf.Recipient, sender)
	if err != nil {
		return nil, &connectors.Failure{Kind: connectors.Halt, Code: record.CodeOf(err), Hint: "ask the recipient by another way what answers under this address", Err: errors.Join(errors.New("the recipient's statement of what it holds"), err)}
	}
	return s, nil
}
