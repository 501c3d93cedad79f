package signing

import "unicode/utf8"

// maxOutcomeText bounds code and text of an outcome.
const maxOutcomeText = 500

// check reports what is wrong with a receipt whoever signed it: form first, then counts.
func (r *Receipt) check() error {
	switch {
	case r.V != 1:
		return malformedReceipt("the version of the receipt is not 1")
	case r.Message.IsZero() || r.Envelope.IsZero() || r.Sequence < 1 || r.Sequence > maxNumber || !isBIN(r.Recipient) || !plain(r.Receiver, maxText):
		return malformedReceipt("the receipt does not name message, envelope, sequence, recipient and receiver")
	case r.Received.Year() < 2000 || r.Received.Year() > maxTime:
		return malformedReceipt("the receipt does not say when the message was received")
	case r.CheckpointSize < 0 || r.CheckpointSize > maxNumber || r.LogIndex < 0 || r.LogIndex > maxNumber:
		return malformedReceipt("log size or index out of range")
	case r.Status == StatusAccepted && r.Code == "", r.Status == StatusRefused && plain(r.Code, maxOutcomeText):
		return r.checkCounts()
	}
	return malformedReceipt("expected the status accepted without a code or refused with one")
}

func (r *Receipt) checkCounts() error {
	for _, n := range [...]int{r.Records, r.Accepted, r.Updated, r.Rejected} {
		if n < 0 || n > maxRecords {
			return countProblem("a count is out of range")
		}
	}
	if r.Records != r.Accepted+r.Updated+r.Rejected {
		return countProblem("records are not the sum of accepted, updated and rejected")
	}
	if r.Status == StatusRefused {
		if r.Accepted != 0 || r.Updated != 0 || len(r.Outcomes) != 0 {
			return countProblem("a refused message has no accepted records and no outcomes")
		}
		return nil
	}
	updated, rejected, last := 0, 0, -1
	for _, o := range r.Outcomes {
		if o.Index <= last || o.Index >= r.Records {
			return countProblem("the outcomes are not in ascending order inside the message")
		}
		last = o.Index
		switch o.Status {
		case StatusUpdated:
			updated++
		case StatusRejected:
			rejected++
		default:
			return malformedReceipt("an outcome is neither updated nor rejected")
		}
		if len(o.Code) > maxOutcomeText || len(o.Text) > maxOutcomeText || !utf8.ValidString(o.Code) || !utf8.ValidString(o.Text) {
			return malformedReceipt("code or text of an outcome is too long or not UTF-8")
		}
	}
	if updated != r.Updated || rejected != r.Rejected {
		return countProblem("the outcomes do not agree with the counts")
	}
	return nil
}
