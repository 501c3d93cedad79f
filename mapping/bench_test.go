package mapping

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"birgeoqy.kz/almasu/schemas"
)

// benchCrowd is n synthetic people with the oblast mapping's eight fields, in the order of Fields.
func benchCrowd(n int) crowd {
	families := []string{"Сейітқали", "Нұрғалиева", "Әбдірахманов", "Ivanov", "Қожахметова"}
	given := []string{"Ақнұр", "Ерасыл", "Жансая", "Пётр", "Өміржан"}
	c := make(crowd, n)
	for i := range c {
		c[i] = [][]byte{[]byte(families[i%5]), []byte(given[i%5]), fmt.Appendf(nil, "35123100%04d", i%10000), fmt.Appendf(nil, "+7700%07d", i),
			fmt.Appendf(nil, "+7701%07d", i), []byte("Түркістан облысы"), []byte("Сайрам ауданы"), []byte("Ақсу ауылы")}
	}
	return c
}

// noSink accepts everything.
type noSink struct{}

func (noSink) Begin()                          {}
func (noSink) Event(schemas.Kind, []byte)      {}
func (noSink) Mark()                           {}
func (noSink) Settle(func(string, string)) int { return 0 }

func BenchmarkEncode(b *testing.B) {
	table, schema := exampleTable(b, "oblast-consent")
	c := benchCrowd(1000)
	for _, bench := range []struct {
		name string
		sink Sink
	}{{"checked", schema.Checker()}, {"unchecked", noSink{}}} {
		b.Run(bench.name, func(b *testing.B) {
			e, err := table.Bind(table.Fields(), bench.sink)
			if err != nil {
				b.Fatal(err)
			}
			dst, _, err := e.encode(nil, c, &exampleHeader)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(int64(len(dst)))
			b.ResetTimer()
			began := processorTime(b)
			for range b.N {
				dst, _, _ = e.encode(dst[:0], c, &exampleHeader)
			}
			b.ReportMetric(float64(processorTime(b)-began)/float64(b.N)/1000, "cpu-ns/record")
		})
	}
}

// BenchmarkForms writes and judges the example's documents of other forms.
func BenchmarkForms(b *testing.B) {
	for name, folder := range map[string]string{"ministry-xml.v1": exampleFolder + "/ministry", "ministry-xml.v2": exampleFolder + "/ministry", "local-csv.v1": exampleFolder + "/local",
		"local-xlsx.v1": exampleFolder + "/local", "oblast-consent": "../internal/app/testdata/xml"} {
		set, err := schemas.LoadSet(os.DirFS(folder))
		if err != nil {
			b.Fatal(err)
		}
		raw, err := os.ReadFile(folder + "/" + name + ".yaml")
		if err != nil {
			b.Fatal(err)
		}
		table, err := Load(name+".yaml", raw, everyField)
		if err != nil {
			b.Fatal(err)
		}
		found, ok := set.Find(table.Schema().Digest)
		if !ok {
			b.Fatal("no schema")
		}
		sink, err := table.Checker(b.Context(), found.Schema, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			all := []string{"family_name", "given_name", "iin", "phone", "parent_phone", "region", "district", "settlement"}
			e, err := table.Bind(all, sink)
			if err != nil {
				b.Fatal(err)
			}
			c := benchCrowd(1000)
			dst, result, err := e.encode(nil, c, &exampleHeader)
			if err != nil || len(result.Withheld) > 0 {
				b.Fatal(err, result.Withheld)
			}
			b.ReportAllocs()
			b.SetBytes(int64(len(dst)))
			b.ResetTimer()
			began := processorTime(b)
			for range b.N {
				dst, _, _ = e.encode(dst[:0], c, &exampleHeader)
			}
			b.ReportMetric(float64(processorTime(b)-began)/float64(b.N)/1000, "cpu-ns/record")
			if found.Schema.XML() == nil {
				return
			}
			began = processorTime(b)
			for range b.N {
				if v, err := found.Schema.CheckDocument(dst); err != nil || len(v) > 0 {
					b.Fatal(v, err)
				}
			}
			b.ReportMetric(float64(processorTime(b)-began)/float64(b.N)/1000, "cpu-ns/record-read")
		})
	}
}

func BenchmarkCheckDocument(b *testing.B) {
	table, schema := exampleTable(b, "oblast-consent")
	e, err := table.Bind(table.Fields(), noSink{})
	if err != nil {
		b.Fatal(err)
	}
	doc, _, _ := e.encode(nil, benchCrowd(1000), &exampleHeader)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	began := processorTime(b)
	for range b.N {
		if v, err := schema.CheckDocument(doc); err != nil || len(v) > 0 {
			b.Fatal(v, err)
		}
	}
	b.ReportMetric(float64(len(doc))*float64(b.N)*1000/float64(processorTime(b)-began), "cpu-MB/s")
}

// processorTime is the time that the process has had a processor, in ns: it means something on a busy machine too.
func processorTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
