package authority

import (
	"sync"
	"sync/atomic"
	"testing"

	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// BenchmarkReceive posts messages of 1,000 records of about 250 bytes over TLS by four senders at once. The sealing is not
// counted, the client's share of HTTP and TLS is.
func BenchmarkReceive(b *testing.B) {
	w := newWorld(b)
	w.configure("window: 4096\n")
	w.start()
	doc := wideDocument(1000)
	const perLog = 64
	messages := make([]sent, 0, b.N)
	for len(messages) < b.N {
		n := min(perLog, b.N-len(messages))
		envs := make([]*signing.Envelope, n)
		entries := make([]transferlog.Entry, n)
		for i := range envs {
			envs[i] = w.seal(doc, 1000, nil)
			entries[i] = intentOf(envs[i])
		}
		for i, k := range w.commit(entries...) {
			messages = append(messages, sent{envs[i], k})
		}
	}
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	b.ResetTimer()
	for at := 0; at < len(messages); at += perLog {
		group := messages[at:min(at+perLog, len(messages))]
		if r := w.advance(group[0], int64(at)); r.status != 200 {
			b.Fatalf("%s", r.body)
		}
		var next atomic.Int64
		var senders sync.WaitGroup
		for range 4 {
			senders.Go(func() {
				for i := next.Add(1) - 1; int(i) < len(group); i = next.Add(1) - 1 {
					if r := w.post(group[i]); r.status != 200 {
						b.Errorf("%d %s", r.status, r.body)
					}
				}
			})
		}
		senders.Wait()
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "records/s")
}

// wideDocument has records of about 250 bytes.
func wideDocument(n int) []byte {
	bad := map[int]string{}
	for i := range n {
		iin := []byte("000000000000")
		for k, v := 11, i; v > 0; k, v = k-1, v/10 {
			iin[k] = byte('0' + v%10)
		}
		bad[i] = `{"iin":"` + string(iin) + `","name":"Нұрсұлтанбек Әбдірахманов","phone":"+7701` + string(iin[5:]) + `","address":{"city":"Қарағанды қаласы, Бұқар жырау даңғылы"}}`
	}
	return document(n, bad)
}
