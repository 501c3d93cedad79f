package authority

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// refusal is an answer that is not a receipt.
type refusal struct {
	*record.Problem
	// held, if not nil, tells the sender where its log stands.
	held *transferlog.Checkpoint
	// receipt is the signed refusal of a message that has taken its number.
	receipt []byte
}

func (r *refusal) Unwrap() error { return r.Problem }

func refuse(code, hint, format string, args ...any) *refusal {
	return &refusal{Problem: record.NewProblem(code, "", hint, format, args...)}
}

// statuses are the HTTP statuses of refusals by code; of the longest matching prefix where a code ends in a full stop.
var statuses = map[string]int{
	"request.":                         http.StatusBadRequest,
	"request.too_large":                http.StatusRequestEntityTooLarge,
	"request.length":                   http.StatusLengthRequired,
	"request.method":                   http.StatusMethodNotAllowed,
	"request.not_found":                http.StatusNotFound,
	"signature.":                       http.StatusUnauthorized,
	"signing.":                         http.StatusUnauthorized,
	"envelope.":                        http.StatusBadRequest,
	"envelope.bad_signature":           http.StatusUnauthorized,
	"message.":                         http.StatusUnprocessableEntity,
	"message.wrong_sender":             http.StatusForbidden,
	"message.wrong_recipient":          http.StatusForbidden,
	"message.media_type":               http.StatusUnsupportedMediaType,
	"message.other_envelope":           http.StatusConflict,
	"sequence.":                        http.StatusConflict,
	"log.":                             http.StatusBadRequest,
	"log.checkpoint_unknown":           http.StatusConflict,
	"log.checkpoint_base":              http.StatusConflict,
	"log.inconsistent":                 http.StatusConflict,
	"schema.":                          http.StatusUnprocessableEntity,
	"notice.":                          http.StatusUnprocessableEntity,
	"service.":                         http.StatusServiceUnavailable,
	"log.checkpoint_signature":         http.StatusUnauthorized,
	"log.ticket_not_in_log":            http.StatusUnprocessableEntity,
	"log.ticket_other_message":         http.StatusUnprocessableEntity,
	"sequence.duplicate_other_message": http.StatusConflict,
}

func statusOf(code string) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	if family, _, ok := strings.Cut(code, "."); ok && statuses[family+"."] != 0 {
		return statuses[family+"."]
	}
	return http.StatusInternalServerError
}

// refusalBody is the JSON of a refusal.
type refusalBody struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
	HeldSize *int64 `json:"held_size,omitempty"`
	HeldRoot string `json:"held_root,omitempty"`
	Receipt  []byte `json:"receipt,omitempty"`
}

// writeRefusal is the one place where an error becomes an HTTP answer.
func (s *Server) writeRefusal(w http.ResponseWriter, r *http.Request, err error) {
	var p *record.Problem
	body := refusalBody{Code: "service.failed", Message: "the service cannot answer at present"}
	if errors.As(err, &p) {
		body = refusalBody{Code: p.Code, Message: p.Message, Hint: p.Hint}
	}
	var full *refusal
	if errors.As(err, &full) {
		if full.held != nil {
			body.HeldSize, body.HeldRoot = &full.held.Size, full.held.Root.String()
		}
		body.Receipt = full.receipt
	}
	status := statusOf(body.Code)
	s.refusals.WithLabelValues(s.codes.Label(body.Code)).Inc()
	if status >= 500 {
		w.Header().Set("Retry-After", "1")
		s.log.Error("cannot answer", "path", r.URL.Path, "code", body.Code, "error", err)
	} else {
		s.log.Warn("refused", "path", r.URL.Path, "code", body.Code, "status", status)
	}
	b, merr := json.Marshal(body)
	if merr != nil {
		b = []byte(`{"code":"service.failed"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	w.Write(b)
}

func writeReceipt(w http.ResponseWriter, receipt []byte) {
	w.Header().Set("Content-Type", signing.ReceiptMediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(receipt)))
	pause.Half("authority.half", w).Write(receipt)
}

func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.Write(b)
}
