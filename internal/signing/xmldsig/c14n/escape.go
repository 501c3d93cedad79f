package c14n

// escapes gives the replacement of each byte, or "" to keep it.
type escapes [256]string

var (
	textEscapes   = escapes{'&': "&amp;", '<': "&lt;", '>': "&gt;", '\r': "&#xD;"}
	valueEscapes  = escapes{'&': "&amp;", '<': "&lt;", '"': "&quot;", '\t': "&#x9;", '\n': "&#xA;", '\r': "&#xD;"}
	markupEscapes = escapes{'\r': "&#xD;"}
)

func appendText(out []byte, s string) []byte  { return appendEscaped(out, s, &textEscapes) }
func appendValue(out []byte, s string) []byte { return appendEscaped(out, s, &valueEscapes) }

func appendEscaped(out []byte, s string, table *escapes) []byte {
	from := 0
	for i := 0; i < len(s); i++ {
		if with := table[s[i]]; with != "" {
			out = append(out, s[from:i]...)
			out = append(out, with...)
			from = i + 1
		}
	}
	return append(out, s[from:]...)
}

// AppendText appends s to out as the text of an element in canonical form.
func AppendText(out []byte, s string) []byte { return appendText(out, s) }

// AppendValue appends s to out as an attribute value in canonical form, without the
// quotation marks.
func AppendValue(out []byte, s string) []byte { return appendValue(out, s) }
