package parcel

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/pkg/sftp"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/parcel"
)

// maxRetryAfter caps the recipient's wish to wait.
const maxRetryAfter = time.Hour

// failure says what the engine does about an answer that brings no receipt. See the package comment for the table.
func failure(a *parcel.Answer) *connectors.Failure {
	f := &connectors.Failure{Kind: connectors.Transient, Remote: a.Code, Err: errors.New("the recipient answers without a receipt")}
	family, _, _ := strings.Cut(a.Code, ".")
	switch {
	case a.Code == "":
		f.Kind, f.Code, f.Hint = connectors.Disputed, "delivery.unexpected_answer", "the recipient answers neither with a receipt nor with a code: ask what writes these files"
	case a.Code == "log.inconsistent":
		f.Kind, f.Code = connectors.Halt, "log.inconsistent"
		f.Hint = "the recipient says that our log is not the one whose checkpoint it holds: send nothing, compare the logs with almasu-verify"
	case connectors.Contradicted(a.Code):
		f.Kind, f.Code = connectors.Halt, "delivery.sequence_reused"
		f.Hint = "this number or this message id was used for another message: was an older copy of the store restored?"
	case family == "signing" || a.Code == "envelope.bad_signature":
		f.Kind, f.Code, f.Hint = connectors.Halt, "delivery.keys", "the recipient does not accept our key: compare fingerprints and periods on both sides"
	case family == "parcel":
		f.Kind, f.Code, f.Hint = connectors.Halt, "delivery.parcel_unreadable", "the recipient cannot read the parcel: compare encrypt_to with its identity, and look at its disk"
	case a.Code == "sequence.too_far":
		f.Code = "delivery.window"
	case strings.HasPrefix(a.Code, "log.checkpoint"):
		f.Code = "delivery.checkpoint_refused"
	case family == "limit" || family == "service":
		f.Code, f.RetryAfter = "delivery.busy", min(time.Duration(a.RetryAfter)*time.Second, maxRetryAfter)
	default:
		f.Kind, f.Code = connectors.Refused, "delivery.refused"
	}
	return f
}

// unanswered is the failure of a message that is put and waits.
func unanswered(a *parcel.Answer) *connectors.Failure {
	if a != nil && a.Code != "log.checkpoint_unknown" {
		return failure(a)
	}
	return &connectors.Failure{
		Code: "delivery.no_receipt_yet", Placed: true, Hint: "the parcel lies in the recipient's folder; a later run picks up the receipt. If it stays so, ask the recipient whether it takes its parcels",
		Err: errors.New("the parcel is put, and there is no receipt yet"),
	}
}

// asFailure leaves a failure as it is, and classifies any other error as broken does.
func asFailure(ctx context.Context, err error) error {
	var f *connectors.Failure
	if err == nil || errors.As(err, &f) {
		return err
	}
	return broken(ctx, err)
}

// broken classifies an attempt that ended in the middle. A parcel is there or not, and never in part.
func broken(ctx context.Context, err error) *connectors.Failure {
	f := &connectors.Failure{Code: "delivery.connection", Hint: "the server cannot be reached, or has broken off: look at the address, and ask the recipient whether it runs", Err: err}
	var timeout net.Error
	var status *sftp.StatusError
	switch {
	case errors.Is(err, errHostKey):
		f.Code, f.Hint = "delivery.host_key", "the server is not the one whose host key is configured: ask the recipient by another way before you change the key"
	case errors.Is(ctx.Err(), context.Canceled):
		f.Code, f.Hint = "delivery.cancelled", ""
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		f.Code, f.Hint = "delivery.timeout", "the server is slow or silent"
	case errors.Is(err, errLogin):
		f.Code, f.Hint = "delivery.sftp_login", "the server does not accept our key: give the recipient its public half, and compare the account's name"
	case errors.Is(err, fs.ErrPermission):
		f.Code, f.Hint = "delivery.permission", "our account must be able to write in the folder in, and to read the folder out"
	case errors.Is(err, fs.ErrNotExist):
		f.Code, f.Hint = "delivery.no_folder", "the folders in and out must be there: the recipient makes them"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, errShort), errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxFailure:
		f.Code, f.Hint = "delivery.not_stored", "the recipient's disk takes no file, and is mostly full: ask the recipient; nothing was put in part"
	case errors.Is(err, errNotFile):
		f.Code, f.Hint = "delivery.not_a_file", "under the name of a file in the recipient's folder stands something else: ask the recipient who has put it there"
	case errors.Is(err, errNoSync):
		f.Code, f.Hint = "delivery.no_fsync", "use a server that can sync files, such as OpenSSH: without it a parcel may vanish after a power cut"
	}
	return f
}
