package connectors

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Halted is a failure of the kind Halt.
func Halted(code, hint string, err error) *Failure {
	return &Failure{Kind: Halt, Code: code, Hint: hint, Err: err}
}

// Admit is what every connector asks before the first byte leaves (I2): an envelope that carries its payload, a ticket whose durable intent is of this
// envelope, and the recipient that the connector delivers to, by its BIN. Anything else is a [Halt].
func Admit(env *signing.Envelope, ticket *transferlog.Ticket, recipient string) error {
	switch {
	case !env.Valid():
		return Halted("delivery.no_envelope", "", errors.New("there is no sealed envelope"))
	case !ticket.Admits(env.Digest()):
		return Halted("delivery.no_ticket", "", errors.New("the ticket is not for this envelope, or its intent is not durable"))
	case env.Header().Recipient != recipient:
		return Halted("delivery.wrong_recipient", "compare the route's recipient with the connector's", errors.New("the envelope is for another recipient"))
	}
	return nil
}

// Introduction is the JSON body by which a recipient that holds a log of size held learns of a signed checkpoint of another size: the checkpoint, held, and the
// consistency proof between the two, which is empty if either is 0 or they are equal. Errors are [*Failure].
func Introduction(ctx context.Context, p Prover, note []byte, held, size int64) ([]byte, error) {
	var proof tlog.TreeProof
	if held != 0 && size != 0 && held != size {
		var err error
		proof, err = p.Consistency(ctx, min(held, size), max(held, size))
		if errors.Is(err, ErrAhead) {
			return nil, Halted("log.recipient_ahead", "the recipient holds a longer log than ours: was an older copy of the store restored?", err)
		}
		if err != nil {
			return nil, &Failure{Code: "delivery.no_proof", Hint: "the log could not be read", Err: err}
		}
	}
	form := struct {
		Checkpoint []byte   `json:"checkpoint"`
		From       int64    `json:"from"`
		Proof      [][]byte `json:"proof"`
	}{note, held, make([][]byte, len(proof))}
	for i := range proof {
		form.Proof[i] = proof[i][:]
	}
	body, err := json.Marshal(form)
	if err != nil {
		return nil, &Failure{Code: "delivery.checkpoint", Err: err}
	}
	return body, nil
}

// codeTaken is the recipient's code for a number that another message has.
const codeTaken = "sequence.duplicate_other_message"

// ReadReceipt verifies a receipt against the envelope by the recipient's keys as of now. What is not a good receipt for this envelope is [Disputed].
func ReadReceipt(env *signing.Envelope, receipt []byte, peers *signing.Keyring, now time.Time) (*signing.Receipt, error) {
	r, err := signing.OpenReceipt(receipt, peers, now, env)
	if err != nil {
		return nil, &Failure{Kind: Disputed, Code: record.CodeOf(err), Err: err}
	}
	return r, nil
}

// CarriesReceipt reports whether a recipient's refusal, of that code, brings a receipt that is worth more than the refusal: a good one for this envelope, or, for a
// void notice whose number is taken, that of the message which has it.
func CarriesReceipt(env *signing.Envelope, code string, receipt []byte, peers *signing.Keyring, now time.Time) bool {
	if len(receipt) == 0 {
		return false
	}
	_, err := ReadReceipt(env, receipt, peers, now)
	return err == nil || code == codeTaken && env.Header().Operation == signing.OperationVoid
}

// Contradicted reports whether a recipient's code says that it has another message under this one's number or id.
func Contradicted(code string) bool { return code == codeTaken || code == "message.other_envelope" }
