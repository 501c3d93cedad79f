package authority

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/schemas"
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

// BenchmarkJudge reads a document of 2,000 records in XML, judges it by its schema and looks for repeated numbers.
func BenchmarkJudge(b *testing.B) {
	schema, err := schemas.CompileXSD("birgeoqy-oblast-pupils-xml.v1.xsd", func(file string) ([]byte, error) {
		return os.ReadFile("../app/testdata/xml/" + file)
	})
	if err != nil {
		b.Fatal(err)
	}
	doc := pupilsInXML(2000)
	j := newJudge(schema, nil, []string{"iin"})
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if v := j.judge(doc, 2000); v.refused != nil || len(v.outcomes) > 0 {
			b.Fatal(v.refused, v.outcomes)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "ns/record")
}

// pupilsInXML is a document of the benchmark's form with n records.
func pupilsInXML(n int) []byte {
	families := []string{"Сейітқали", "Нұрғалиева", "Әбдірахманов", "Ivanov", "Қожахметова"}
	given := []string{"Ақнұр", "Ерасыл", "Жансая", "Пётр", "Өміржан"}
	const id = "0123456789abcdef0123456789abcdef"
	doc := []byte(`<package xmlns="https://birgeoqy.kz/example/oblast-pupils"><header version="1"><format>birgeoqy-oblast-pupils</format><message>` + id +
		`</message><transfer>` + id + `</transfer><package>1</package><sender_bin>000000000001</sender_bin><recipient_bin>000000000002</recipient_bin>` +
		`<route>r</route><legal_basis>b</legal_basis><purpose>p</purpose><created>2026-11-23T00:00:00Z</created></header><pupils>`)
	for i := range n {
		doc = fmt.Appendf(doc, `<pupil><iin>%012d</iin><name family="%s" given="%s"></name><phone of="pupil">+7700%07d</phone><phone of="parent">+7701%07d</phone>`+
			`<address><region>Түркістан облысы</region><district>Сайрам ауданы</district><settlement>Ақсу ауылы</settlement></address></pupil>`, i, families[i%5], given[i%5], i, i)
	}
	return append(doc, "</pupils></package>"...)
}
