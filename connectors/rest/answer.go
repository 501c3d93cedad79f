package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
)

// answer is what came back, whole.
type answer struct {
	status     int
	retryAfter string
	body       []byte
}

// refusal is the body of an answer other than 200.
type refusal struct {
	Code     string `json:"code"`
	HeldSize int64  `json:"held_size"`
	Receipt  []byte `json:"receipt"`
}

// refusal reads the body; a code that does not look like one counts as none.
func (a *answer) refusal() refusal {
	var r refusal
	if json.Unmarshal(a.body, &r) != nil || r.HeldSize < 0 || len(r.Code) > 64 || strings.Trim(r.Code, "abcdefghijklmnopqrstuvwxyz0123456789_.") != "" {
		return refusal{}
	}
	return r
}

// failure says what the engine does about an answer that is not a receipt. See the package comment for the table.
func (c *Connector) failure(a *answer, r refusal) *connectors.Failure {
	f := &connectors.Failure{Kind: connectors.Transient, Remote: r.Code, Err: errors.New("the recipient answered with status " + strconv.Itoa(a.status))}
	switch s := a.status; {
	case r.Code == "log.inconsistent":
		f.Kind, f.Code = connectors.Halt, "log.inconsistent"
		f.Hint = "the recipient says that our log is not the one whose checkpoint it holds: send nothing, compare the logs with almasu-verify"
	case s == http.StatusTooManyRequests || s == http.StatusServiceUnavailable:
		f.Code, f.RetryAfter = "delivery.busy", c.wait(a.retryAfter)
	case s >= 500 || s == http.StatusRequestTimeout || s == http.StatusTooEarly:
		f.Code, f.RetryAfter = "delivery.server_error", c.wait(a.retryAfter)
	case s >= 200 && s < 300:
		f.Kind, f.Code, f.Hint = connectors.Disputed, "delivery.unexpected_answer", "the recipient took the message without a receipt: ask what answers under this address"
	case s < 400:
		f.Code, f.Hint = "delivery.redirected", "redirects are not followed: configure the final address"
	case r.Code == "":
		f.Code, f.Hint = "delivery.not_understood", "the answer is not the recipient's: look at what stands before it (proxy, firewall, wrong path)"
	case s == http.StatusUnauthorized:
		authFailure(f, r.Code)
	case r.Code == "sequence.too_far":
		f.Code = "delivery.window"
	case connectors.Contradicted(r.Code):
		f.Kind, f.Code = connectors.Halt, "delivery.sequence_reused"
		f.Hint = "this number or this message id was used for another message: was an older copy of the store restored?"
	default:
		f.Kind, f.Code = connectors.Refused, "delivery.refused"
	}
	return f
}

// authFailure tells a signature that the next attempt can mend from keys that do not match.
func authFailure(f *connectors.Failure, code string) {
	switch code {
	case "signature.created", "signature.expired":
		f.Code, f.Hint = "delivery.clock", "compare both clocks with a time server"
	case "signature.replay":
		f.Code = "delivery.replay"
	default:
		f.Kind, f.Code, f.Hint = connectors.Halt, "delivery.keys", "the recipient does not accept our key: compare fingerprints and periods on both sides"
	}
}

// wait reads Retry-After, RFC 9110 section 10.2.3: seconds or a date. It returns 0 for anything else.
func (c *Connector) wait(value string) time.Duration {
	d := time.Duration(0)
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(c.conf.Now())
	}
	return min(max(d, 0), c.conf.MaxRetryAfter)
}

// broken classifies an attempt that ended without a whole answer. Nothing is known about the message then.
func broken(ctx context.Context, err error) *connectors.Failure {
	f := &connectors.Failure{Code: "delivery.connection", Err: err}
	var timeout net.Error
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var verification *tls.CertificateVerificationError
	var alert *net.OpError
	var plain tls.RecordHeaderError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		f.Code = "delivery.cancelled"
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		f.Code, f.Hint = "delivery.timeout", "the recipient is slow or silent"
	case errors.Is(err, errPin):
		f.Code, f.Hint = "delivery.tls", "the server's key is not a pinned one: ask the recipient by another way before you change the pin"
	case errors.As(err, &unknown), errors.As(err, &invalid), errors.As(err, &host), errors.As(err, &verification), errors.As(err, &plain),
		errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error"): // how crypto/tls reports an alert
		f.Code, f.Hint = "delivery.tls", "look at the server's certificate, the configured authorities and the TLS version (1.3)"
	case record.CodeOf(err) != "":
		f.Code = record.CodeOf(err)
	}
	return f
}
