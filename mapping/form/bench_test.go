package form

import (
	"fmt"
	"testing"
)

func BenchmarkRecord(b *testing.B) {
	var fields []Field
	var values [][]byte
	for i, v := range []string{"Сейітқали", "Ақнұр", "351231000009", "+77000000001", "+77010000001", "Түркістан облысы", "Сайрам ауданы", "Ақсу ауылы"} {
		f := Field{Path: []string{fmt.Sprintf("field_%d", i)}}
		if i > 4 {
			f.Path = []string{"address", f.Path[0]}
		}
		fields, values = append(fields, f), append(values, []byte(v))
	}
	layout := Layout{RecordsName: "rows", Records: NewTree(fields)}
	for _, c := range []struct {
		name string
		form Form
	}{{"json", NewJSON(layout)}, {"xml", NewXML(layout, XMLNames{Root: "doc", Record: "row"})}, {"csv", NewCSV(layout, CSVOptions{Delimiter: ';'})}} {
		if c.name == "csv" {
			values[3], values[4] = []byte("87000000001"), []byte("87010000001")
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for range b.N {
				if out, _, code := c.form.Record(dst[:0], 1, values); code != "" {
					b.Fatal(code)
				} else {
					dst = out
				}
			}
		})
	}
}
