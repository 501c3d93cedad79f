package rest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors"
)

// secret stands for a value that a recipient may quote; it reaches no error.
const secret = "870101300000"

// misbehaviour is what a recipient does with a message, and what the engine is to be told of it.
type misbehaviour struct {
	do    func(http.ResponseWriter, *http.Request)
	kind  connectors.Kind
	code  string
	wait  time.Duration
	other string
}

func answerWith(status int, body string, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func code(c string) string {
	return `{"code":"` + c + `","message":"` + secret + `","hint":"` + secret + `"}`
}

func endless(status int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}
}

var misbehaviours = map[string]misbehaviour{
	"500":                    {answerWith(500, "oops "+secret), connectors.Transient, "delivery.server_error", 0, ""},
	"503":                    {answerWith(503, ""), connectors.Transient, "delivery.busy", 0, ""},
	"503 retry after":        {answerWith(503, "", "Retry-After", "7"), connectors.Transient, "delivery.busy", 7 * time.Second, ""},
	"429 retry after":        {answerWith(429, code("limit.rate"), "Retry-After", "120"), connectors.Transient, "delivery.busy", 2 * time.Minute, "limit.rate"},
	"429 retry after a year": {answerWith(429, "", "Retry-After", "31536000"), connectors.Transient, "delivery.busy", time.Hour, ""},
	"429 retry after a date": {answerWith(429, "", "Retry-After", testTime.Add(90*time.Second).Format(http.TimeFormat)), connectors.Transient, "delivery.busy", 90 * time.Second, ""},
	"429 retry in the past":  {answerWith(429, "", "Retry-After", testTime.Add(-time.Hour).Format(http.TimeFormat)), connectors.Transient, "delivery.busy", 0, ""},
	"429 retry nonsense":     {answerWith(429, "", "Retry-After", "-5 soon"), connectors.Transient, "delivery.busy", 0, ""},
	"408":                    {answerWith(408, ""), connectors.Transient, "delivery.server_error", 0, ""},
	"redirect":               {answerWith(307, "", "Location", "https://other.example/v1/messages"), connectors.Transient, "delivery.redirected", 0, ""},
	"not modified":           {answerWith(304, ""), connectors.Transient, "delivery.redirected", 0, ""},
	"204":                    {answerWith(204, ""), connectors.Disputed, "delivery.unexpected_answer", 0, ""},
	"202":                    {answerWith(202, code("later")), connectors.Disputed, "delivery.unexpected_answer", 0, "later"},
	"400":                    {answerWith(400, code("message.malformed")), connectors.Refused, "delivery.refused", 0, "message.malformed"},
	"403":                    {answerWith(403, code("recipient.other")), connectors.Refused, "delivery.refused", 0, "recipient.other"},
	"422":                    {answerWith(422, code("schema.document")), connectors.Refused, "delivery.refused", 0, "schema.document"},
	"404 of a proxy":         {answerWith(404, "<html>"+secret), connectors.Transient, "delivery.not_understood", 0, ""},
	"a code that is no code": {answerWith(400, `{"code":"Ivanov `+secret+`!"}`), connectors.Transient, "delivery.not_understood", 0, ""},
	"a negative size":        {answerWith(409, `{"code":"log.checkpoint_unknown","held_size":-1}`), connectors.Transient, "delivery.not_understood", 0, ""},
	"401 clock":              {answerWith(401, code("signature.created")), connectors.Transient, "delivery.clock", 0, "signature.created"},
	"401 replay":             {answerWith(401, code("signature.replay")), connectors.Transient, "delivery.replay", 0, "signature.replay"},
	"401 key":                {answerWith(401, code("signing.unknown_key")), connectors.Halt, "delivery.keys", 0, "signing.unknown_key"},
	"too far":                {answerWith(409, code("sequence.too_far")), connectors.Transient, "delivery.window", 0, "sequence.too_far"},
	"sequence reused":        {answerWith(409, code("sequence.duplicate_other_message")), connectors.Halt, "delivery.sequence_reused", 0, "sequence.duplicate_other_message"},
	"fork":                   {answerWith(409, code("log.inconsistent")), connectors.Halt, "log.inconsistent", 0, "log.inconsistent"},
	"fork by 421":            {answerWith(421, code("log.inconsistent")), connectors.Halt, "log.inconsistent", 0, "log.inconsistent"},
	"endless 200":            {endless(200), connectors.Disputed, "delivery.answer_too_large", 0, ""},
	"endless 400":            {endless(400), connectors.Transient, "delivery.not_understood", 0, ""},
	"endless 500":            {endless(500), connectors.Transient, "delivery.server_error", 0, ""},
	"stated size too large":  {answerWith(200, "", "Content-Length", "99999999"), connectors.Disputed, "delivery.answer_too_large", 0, ""},
	"cut before":             {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, connectors.Transient, "delivery.connection", 0, ""},
	"cut inside":             {answerWith(200, "half", "Content-Length", "100"), connectors.Transient, "delivery.connection", 0, ""},
	"silent":                 {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }, connectors.Transient, "delivery.timeout", 0, ""},
	"does not read":          {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, connectors.Transient, "delivery.timeout", 0, ""},
	"slow": {func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "h")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}, connectors.Transient, "delivery.timeout", 0, ""},
}

func TestMisbehaviour(t *testing.T) {
	for name, c := range misbehaviours {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t)
			rc := newReceiver(t, s, true)
			rc.server.Config.ErrorLog = quiet
			rc.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if r.URL.Path != messagesPath {
					return false
				}
				c.do(w, r)
				return true
			}
			conn := rc.connect(s, func(conf *Config) {
				conf.AnswerTimeout = 10 * time.Second
				if c.code == "delivery.timeout" {
					conf.AnswerTimeout, conf.AttemptTimeout = 300*time.Millisecond, 400*time.Millisecond
				}
			})
			env, ticket := s.message(payload(6 << 20))
			_, err := conn.Deliver(t.Context(), env, ticket)
			f := wantFailure(t, err, c.kind, c.code)
			if f.RetryAfter != c.wait || f.Remote != c.other {
				t.Fatalf("%+v", f)
			}
			if strings.Contains(f.Error()+f.Hint, secret) {
				t.Fatal("what the recipient said reached the error")
			}
			rc.mu.Lock()
			rc.before = nil
			rc.mu.Unlock()
			deliver(t, rc.connect(s), env, ticket) // the same envelope arrives when the receiver behaves again
		})
	}
}
