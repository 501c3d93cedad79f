package xsd_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes random schemas, and documents for them, that are mostly valid.
type generator struct {
	*rand.Rand
	types     []string // declarations of named simple types
	names     []string
	values    map[string][]string // of each type, texts to try
	qualified bool
	depth     int
	marks     int
}

func (g *generator) one(list ...string) string { return list[g.IntN(len(list))] }

func (g *generator) chance(n int) bool { return g.IntN(n) == 0 }

// builtins are built-in types with texts that are and are not theirs.
var builtins = map[string][]string{
	"string":             {"", "a", "Қазақ", " a  b ", "x\ty", "long long long", "🙂"},
	"normalizedString":   {"", "a b", "x\ty", " x "},
	"token":              {"", "a  b", "token"},
	"language":           {"kk", "ru-KZ", "toolonglang", "en-", "1a"},
	"NMTOKEN":            {"a:b", "-x", "٣", "🙂", "1", "a b", ""},
	"NMTOKENS":           {"a b", " x ", "a,b"},
	"Name":               {"a", "1a", "🙂", "_x.y", "a:b", "ә"},
	"NCName":             {"a", "a\u0301", "🙂", "a:b", "-a", "ғ1"},
	"boolean":            {"true", "false", "1", "0", " true ", "TRUE", "yes", ""},
	"decimal":            {"0", "-1.50", "+.5", "5.", ".", "1e3", "00012.3400", "123456789012345678901.5", ""},
	"integer":            {"0", "-0", "+12", "007", "1.0", "abc", " 5 ", ""},
	"nonNegativeInteger": {"0", "-0", "-1", "99"},
	"positiveInteger":    {"0", "1", "+1"},
	"nonPositiveInteger": {"0", "1", "-5"},
	"negativeInteger":    {"0", "-1"},
	"long":               {"9223372036854775807", "9223372036854775808", "-9223372036854775808"},
	"int":                {"2147483647", "2147483648", "-2147483649", "12"},
	"short":              {"32767", "32768", "-1"},
	"byte":               {"127", "128", "-128", "-129"},
	"unsignedLong":       {"18446744073709551615", "+1", "-0", "007", "18446744073709551616", "-1"},
	"unsignedInt":        {"4294967295", "4294967296"},
	"unsignedShort":      {"65535", "65536"},
	"unsignedByte":       {"255", "256", "0", "+0", "1."},
	"float":              {"1", "-1.5E10", "INF", "-INF", "NaN", "+INF", ".5", "e5", "inf"},
	"double":             {"1e308", "0", "-0", "NaN", "1.e5", "x"},
	"duration":           {"P1Y", "PT0.5S", "-P1DT2H", "P", "PT", "P1M2D", "P1YT", "P1S", "1Y"},
	"dateTime":           {"2026-11-22T10:00:00", "2026-11-22T10:00:00Z", "2026-02-29T00:00:00", "2024-02-29T24:00:00", "2026-11-22T25:00:00", "2026-11-22T10:00:00.123+05:00", "2026-11-22", "2026-11-22T10:00", "0000-01-01T00:00:00", "-0001-01-01T00:00:00Z", "12026-01-01T00:00:00", "2026-11-22T10:00:00+14:01", "2026-11-22T10:00:60"},
	"date":               {"2026-11-22", "2026-11-22Z", "2026-11-31", "26-11-22", "2026-1-2", "2000-02-29", "1900-02-29", "2026-11-22+05:00", "+2026-01-01", "2026-13-01"},
	"time":               {"10:00:00", "24:00:00", "24:00:01", "10:00:00.5Z", "10:00", "23:59:59-14:00", "10:60:00"},
	"gYear":              {"2026", "26", "-0044", "2026Z", "02026"},
	"gYearMonth":         {"2026-11", "2026-13", "2026-1"},
	"gMonthDay":          {"--02-29", "--02-30", "--11-22Z", "-02-29"},
	"gDay":               {"---31", "---32", "---01Z", "31"},
	"gMonth":             {"--11", "--13", "--1"},
	"hexBinary":          {"", "0aFF", "0a0", "xx"},
	"base64Binary":       {"", "QUJD", "QUI=", "QQ==", "QR==", "Q", "QUJ D", "====", "QUJD QUJD"},
	"anyURI":             {"http://example.kz/a?b#c", "", "a b", "%zz", "urn:x:y", "қала", ":x", "a/b:c", "%41", "#a", "a##b"},
	"QName":              {"a", "t:a", "u:a", "a:", "1"},
}

var builtinNames = []string{"string", "string", "string", "token", "normalizedString", "integer", "decimal", "date", "dateTime", "boolean", "int", "language", "NMTOKEN",
	"Name", "NCName", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger", "negativeInteger", "long", "short", "byte", "unsignedLong", "unsignedInt",
	"unsignedShort", "unsignedByte", "float", "double", "duration", "time", "gYear", "gYearMonth", "gMonthDay", "gDay", "gMonth", "hexBinary", "base64Binary", "anyURI", "QName"}

// patterns with texts near them.
var patterns = []struct {
	pattern string
	texts   []string
}{
	{`[0-9]{12}`, []string{"123456789012", "12345678901", "1234567890123", "12345678901a"}},
	{`\p{L}+([ \-]\p{L}+)*`, []string{"Әлия", "Әлия-Гүл", "a b", "a  b", "-a", "a1"}},
	{`\+7\d{10}`, []string{"+77001234567", "77001234567", "+7700123456"}},
	{`[a-z-[aeiou]]+`, []string{"bcd", "bad", "", "BCD"}},
	{`\p{IsCyrillic}*`, []string{"Қаз", "Kaz", ""}},
	{`(a|b){2,3}c?`, []string{"ab", "abac", "a", "bbbb", "aac"}},
	{`\i\c*`, []string{"a:b-1", "-a", "ә", ":"}},
	{`[^\s]*`, []string{"abc", "a b", ""}},
	{`.{1,5}`, []string{"қалам", "qalamm", "", "a"}},
	{`\P{Lu}[\w_]+|X`, []string{"ab", "Ab", "x", "X", "a-"}},
	{`[A-ZА-ЯЁ][^\d]{0,3}`, []string{"Ab", "Я", "я", "A123", "Aabcd"}},
	{`\d{2}(-\d{2})?`, []string{"12", "12-34", "1-2", "١٢"}},
	{`^a$`, []string{"a", "^a$"}},
}

// simple declares a named simple type and returns its name.
func (g *generator) simple() string {
	base := "xs:" + builtinNames[g.IntN(len(builtinNames))]
	if len(g.names) > 0 && g.chance(3) {
		base = "t:" + g.names[g.IntN(len(g.names))]
	}
	name := fmt.Sprintf("S%d", len(g.types))
	values := append([]string(nil), g.valuesOf(base)...)
	var body string
	switch g.IntN(10) {
	case 0:
		item := "xs:" + g.one("integer", "token", "boolean", "date", "NMTOKEN", "decimal")
		body = fmt.Sprintf(`<xs:list itemType="%s"/>`, item)
		v := g.valuesOf(item)
		values = []string{"", v[0] + " " + v[1], v[0], "  " + v[0] + "\n" + v[g.IntN(len(v))], v[0] + "," + v[1]}
	case 1:
		other := "xs:" + builtinNames[g.IntN(len(builtinNames))]
		if base == "xs:QName" || other == "xs:QName" { // libxml2 asks no further member about a name whose prefix is not declared
			base, other = "xs:Name", "xs:date"
			values = append([]string(nil), g.valuesOf(base)...)
		}
		body = fmt.Sprintf(`<xs:union memberTypes="%s %s"/>`, base, other)
		values = append(values, g.valuesOf(other)...)
	default:
		facets := g.facets(base, &values)
		body = fmt.Sprintf(`<xs:restriction base="%s">%s</xs:restriction>`, base, facets)
	}
	g.types = append(g.types, fmt.Sprintf(`<xs:simpleType name="%s">%s</xs:simpleType>`, name, body))
	g.names = append(g.names, name)
	g.values["t:"+name] = values
	return "t:" + name
}

func (g *generator) valuesOf(name string) []string {
	if v, ok := g.values[name]; ok {
		return v
	}
	return builtins[strings.TrimPrefix(name, "xs:")]
}

func (g *generator) facets(base string, values *[]string) string {
	var b strings.Builder
	switch local := strings.TrimPrefix(base, "xs:"); {
	case local == "string" || local == "token" || local == "normalizedString" || local == "NMTOKENS" || local == "anyURI" || local == "hexBinary" || local == "base64Binary":
		switch g.IntN(4) {
		case 0:
			fmt.Fprintf(&b, `<xs:length value="%d"/>`, 1+g.IntN(5))
		case 1:
			n := 1 + g.IntN(3)
			fmt.Fprintf(&b, `<xs:minLength value="%d"/><xs:maxLength value="%d"/>`, n, n+g.IntN(4))
		case 2:
			fmt.Fprintf(&b, `<xs:maxLength value="%d"/>`, g.IntN(6))
		}
		if (local == "string" || local == "token") && g.chance(2) {
			p := patterns[g.IntN(len(patterns))]
			fmt.Fprintf(&b, `<xs:pattern value="%s"/>`, p.pattern)
			*values = append(*values, p.texts...)
			if g.chance(4) {
				p = patterns[g.IntN(len(patterns))]
				fmt.Fprintf(&b, `<xs:pattern value="%s"/>`, p.pattern)
				*values = append(*values, p.texts...)
			}
		} else if g.chance(3) && local != "hexBinary" && local != "base64Binary" {
			b.Reset()
			b.WriteString(`<xs:enumeration value="a"/><xs:enumeration value="token"/>`)
			*values = append(*values, "token", " a ", "b")
		}
		if local == "string" && g.chance(4) {
			fmt.Fprintf(&b, `<xs:whiteSpace value="%s"/>`, g.one("collapse", "replace", "preserve"))
		}
	case local == "decimal" || local == "integer" || local == "int":
		switch g.IntN(4) {
		case 0:
			fmt.Fprintf(&b, `<xs:totalDigits value="%d"/>`, 1+g.IntN(5))
			if local == "decimal" {
				b.WriteString(`<xs:fractionDigits value="1"/>`)
			}
		case 1:
			b.WriteString(`<xs:minInclusive value="-3"/><xs:maxExclusive value="12"/>`)
			*values = append(*values, "-3", "-4", "11", "12", "-03", "+11")
		case 2:
			b.WriteString(`<xs:minExclusive value="0"/><xs:maxInclusive value="100"/>`)
			*values = append(*values, "100", "101", "0", "1")
		case 3:
			b.WriteString(`<xs:enumeration value="1"/><xs:enumeration value="-7"/>`)
			*values = append(*values, "01", "+1", "-7", "7", "-007")
		}
	case local == "date":
		b.WriteString(`<xs:minInclusive value="2000-01-01"/><xs:maxInclusive value="2026-11-22"/>`)
		*values = []string{"2000-01-01", "1999-12-31", "2026-11-22", "2026-11-23", "2010-05-05", "x"}
	case local == "dateTime":
		b.WriteString(`<xs:minExclusive value="2020-01-01T00:00:00Z"/>`)
		*values = []string{"2020-01-01T05:00:00+05:00", "2020-01-01T05:00:01+05:00", "2019-12-31T23:59:59Z", "2020-01-01T00:00:00.5Z"}
	case local == "double":
		b.WriteString(`<xs:maxInclusive value="1.5e1"/>`)
		*values = append(*values, "15", "15.01", "-INF", "INF")
	}
	return b.String()
}

// typeName is a simple type to use, built in or declared.
func (g *generator) typeName() string {
	if g.chance(2) {
		return g.simple()
	}
	return "xs:" + builtinNames[g.IntN(len(builtinNames))]
}

// term writes a particle and returns it with a maker of content.
type maker func(b *strings.Builder)

func (g *generator) occurs() (text string, low, high int) {
	switch g.IntN(8) {
	case 0:
		return ` minOccurs="0"`, 0, 1
	case 1:
		return ` maxOccurs="unbounded"`, 1, 3
	case 2:
		return ` minOccurs="0" maxOccurs="unbounded"`, 0, 3
	case 3:
		return ` minOccurs="2" maxOccurs="3"`, 2, 3
	case 4:
		if g.depth < 2 {
			return ` minOccurs="0" maxOccurs="40"`, 0, 4
		}
	}
	return "", 1, 1
}

func (g *generator) newName() string {
	g.marks++
	return fmt.Sprintf("e%d", g.marks)
}

func times(g *generator, low, high int, m maker) maker {
	return func(b *strings.Builder) {
		for range low + g.IntN(high-low+1) {
			m(b)
		}
	}
}

func (g *generator) element(inAll bool) (string, maker) {
	name := g.newName()
	occurs, low, high := g.occurs()
	if inAll && high != 1 {
		occurs, low, high = ` minOccurs="0"`, 0, 1
	}
	tag := name
	form := ""
	qualified := g.qualified
	if g.chance(10) {
		qualified = !qualified
		form = fmt.Sprintf(` form="%s"`, map[bool]string{true: "qualified", false: "unqualified"}[qualified])
	}
	if qualified {
		tag = "t:" + name
	}
	if g.depth < 3 && g.chance(3) {
		content, attrs, m := g.complexType()
		mixed := ""
		text := maker(func(*strings.Builder) {})
		if g.chance(8) {
			mixed = ` mixed="true"`
			text = func(b *strings.Builder) { b.WriteString("text") }
		}
		return fmt.Sprintf(`<xs:element name="%s"%s%s><xs:complexType%s>%s</xs:complexType></xs:element>`, name, occurs, form, mixed, content),
			times(g, low, high, func(b *strings.Builder) {
				b.WriteString("<" + tag)
				attrs(b)
				b.WriteString(">")
				text(b)
				m(b)
				b.WriteString("</" + tag + ">")
			})
	}
	typ := g.typeName()
	extra, nillable := "", g.chance(6)
	if nillable {
		extra = ` nillable="true"`
	}
	values := g.valuesOf(typ)
	if typ == "xs:string" && g.chance(8) {
		extra = fmt.Sprintf(` %s="abc"`, g.one("fixed", "default"))
		values = []string{"abc", "", "abd"}
		nillable = false
	}
	if g.chance(5) {
		content, attrs := g.simpleContent(typ)
		return fmt.Sprintf(`<xs:element name="%s"%s%s><xs:complexType>%s</xs:complexType></xs:element>`, name, occurs, form, content),
			times(g, low, high, func(b *strings.Builder) {
				b.WriteString("<" + tag)
				attrs(b)
				b.WriteString(">" + escape(g.value(g.valuesOf(typ))) + "</" + tag + ">")
			})
	}
	return fmt.Sprintf(`<xs:element name="%s" type="%s"%s%s%s/>`, name, typ, occurs, form, extra), times(g, low, high, func(b *strings.Builder) {
		if nillable && g.chance(3) {
			fmt.Fprintf(b, `<%s xsi:nil="%s"/>`, tag, g.one("true", "1"))
			return
		}
		fmt.Fprintf(b, "<%s>%s</%s>", tag, escape(g.value(values)), tag)
	})
}

// value is mostly one of the first texts, which are more often valid.
func (g *generator) value(values []string) string {
	if g.chance(12) {
		return values[g.IntN(len(values))]
	}
	return "\x01" + strings.Join(values, "\x02") + "\x01"
}

func (g *generator) simpleContent(typ string) (string, maker) {
	text, m := g.attributes()
	return fmt.Sprintf(`<xs:simpleContent><xs:extension base="%s">%s</xs:extension></xs:simpleContent>`, typ, text), m
}

func (g *generator) attributes() (string, maker) {
	var text strings.Builder
	var list []maker
	for range g.IntN(3) {
		name, typ := g.newName(), g.typeName()
		use, required := "", g.chance(2)
		values := g.valuesOf(typ)
		switch {
		case required:
			use = ` use="required"`
		case typ == "xs:int":
			use, values = ` fixed="12"`, []string{"12", "012", "13"}
		}
		fmt.Fprintf(&text, `<xs:attribute name="%s" type="%s"%s/>`, name, typ, use)
		list = append(list, func(b *strings.Builder) {
			if required && !g.chance(20) || g.chance(2) {
				fmt.Fprintf(b, ` %s="%s"`, name, escape(g.value(values)))
			}
		})
	}
	if g.chance(8) {
		text.WriteString(`<xs:anyAttribute namespace="##other" processContents="lax"/>`)
		list = append(list, func(b *strings.Builder) { b.WriteString(g.one(` u:x="1"`, ``, ` xx="1"`)) })
	}
	return text.String(), func(b *strings.Builder) {
		for _, m := range list {
			m(b)
		}
	}
}

// complexType is the inside of complexType.
func (g *generator) complexType() (string, maker, maker) {
	g.depth++
	defer func() { g.depth-- }()
	attrs, makeAttrs := g.attributes()
	if g.chance(6) {
		var list []maker
		var text strings.Builder
		for range 1 + g.IntN(4) {
			e, m := g.element(true)
			text.WriteString(e)
			list = append(list, m)
		}
		low := g.one("", ` minOccurs="0"`)
		return "<xs:all" + low + ">" + text.String() + "</xs:all>" + attrs, makeAttrs, func(b *strings.Builder) {
			for _, i := range g.Perm(len(list)) {
				list[i](b)
			}
		}
	}
	if g.chance(15) {
		return attrs, makeAttrs, func(*strings.Builder) {}
	}
	text, m := g.group(g.one("sequence", "sequence", "choice"))
	return text + attrs, makeAttrs, m
}

func (g *generator) group(kind string) (string, maker) {
	g.depth++
	defer func() { g.depth-- }()
	var list []maker
	var text strings.Builder
	n := 1 + g.IntN(4)
	for i := range n {
		if g.depth < 5 && g.chance(5) {
			t, m := g.group(g.one("sequence", "choice"))
			text.WriteString(t)
			list = append(list, m)
			continue
		}
		if kind == "sequence" && i == n-1 && g.depth < 3 && g.chance(6) {
			fmt.Fprintf(&text, `<xs:any namespace="##other" processContents="%s" minOccurs="0" maxOccurs="2"/>`, g.one("lax", "skip"))
			list = append(list, func(b *strings.Builder) { b.WriteString(g.one("", `<u:any>1</u:any>`, `<u:a><u:b c="1"/>x</u:a>`)) })
			continue
		}
		t, m := g.element(false)
		text.WriteString(t)
		list = append(list, m)
	}
	occurs, low, high := g.occurs()
	if strings.Contains(text.String(), "<xs:any ") && high > 1 { // libxml2 forgets what is required inside such a group, or takes the wildcard for ambiguous with itself
		occurs, low, high = "", 1, 1
	}
	return fmt.Sprintf("<xs:%s%s>%s</xs:%s>", kind, occurs, text.String(), kind), times(g, low, high, func(b *strings.Builder) {
		if kind == "choice" {
			list[g.IntN(len(list))](b)
			return
		}
		for _, m := range list {
			m(b)
		}
	})
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\t", "&#9;", "\n", "&#10;").Replace(s)
}

// schema writes a schema and a maker of documents.
func (g *generator) schema() (string, func() string) {
	g.values, g.types, g.names, g.marks = map[string][]string{}, nil, nil, 0
	g.qualified = g.chance(2)
	content, attrs, m := g.complexType()
	limit, rows := g.limits()
	typed, derived := g.derived()
	form := ""
	if g.qualified {
		form = ` elementFormDefault="qualified"`
	}
	text := fmt.Sprintf(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t"%s>
<xs:element name="root"><xs:complexType>%s</xs:complexType></xs:element>
%s
%s
%s
</xs:schema>
`, form, content, limit, typed, strings.Join(g.types, "\n"))
	return text, func() string {
		var b strings.Builder
		if other, is := map[int]maker{0: rows, 1: derived}[g.IntN(6)]; is && other != nil {
			other(&b)
			return b.String()
		}
		b.WriteString(`<t:root xmlns:t="urn:t" xmlns:u="urn:u" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`)
		attrs(&b)
		b.WriteString(">")
		m(&b)
		b.WriteString("</t:root>")
		return b.String()
	}
}

const openRoot = ` xmlns:t="urn:t" xmlns:u="urn:u" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`

// limits declares an element rows with unique, key or keyref, and makes documents with keys that are near to each other.
func (g *generator) limits() (string, maker) {
	if !g.chance(2) {
		return "", nil
	}
	some := func(n int, text string) string {
		if g.chance(n) {
			return text
		}
		return ""
	}
	kind, selector := g.one("unique", "key"), g.one("row", "row", ".//row", "row|grp/row", "grp/row", "*")
	fields := g.one(`<xs:field xpath="k"/>`, `<xs:field xpath="@a"/>`, `<xs:field xpath="@a"/><xs:field xpath="k"/>`, `<xs:field xpath="k|l"/>`)
	constraint := fmt.Sprintf(`<xs:%s name="u"><xs:selector xpath="%s"/>%s</xs:%s>`, kind, selector, fields, kind)
	if !strings.Contains(fields, "/><") && g.chance(2) {
		constraint += fmt.Sprintf(`<xs:keyref name="v" refer="t:u"><xs:selector xpath="%s"/><xs:field xpath="@r"/></xs:keyref>`, g.one("row", ".//row"))
	}
	text := fmt.Sprintf(`<xs:complexType name="Row"><xs:sequence><xs:element name="k" form="unqualified" type="xs:%s" minOccurs="0"%s/><xs:element name="l" form="unqualified" type="xs:int" minOccurs="0"/></xs:sequence>
<xs:attribute name="a" type="xs:%s"%s/><xs:attribute name="r" type="xs:integer"/></xs:complexType>
<xs:element name="rows"><xs:complexType><xs:choice maxOccurs="unbounded"><xs:element name="row" form="unqualified" type="t:Row"/>
<xs:element name="grp" form="unqualified"><xs:complexType><xs:sequence><xs:element name="row" form="unqualified" type="t:Row" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element></xs:choice></xs:complexType>%s</xs:element>`,
		g.one("integer", "decimal"), some(3, ` default="3"`), g.one("integer", "string", "token"), some(2, ` default="1"`), constraint)
	row := func(b *strings.Builder) {
		b.WriteString("<row")
		if !g.chance(4) {
			fmt.Fprintf(b, ` a="%s%d"`, g.one("", "", "0", "+", " "), g.IntN(9))
		}
		if g.chance(2) {
			fmt.Fprintf(b, ` r="%d"`, g.IntN(9))
		}
		b.WriteString(">")
		if !g.chance(6) {
			fmt.Fprintf(b, "<k>%s</k>", g.one("", "1", "01", "2", "+2", "3", "4", "5", "6", "7", "8"))
		}
		if g.chance(6) {
			fmt.Fprintf(b, "<l>%d</l>", g.IntN(5))
		}
		b.WriteString("</row>")
	}
	return text, func(b *strings.Builder) {
		b.WriteString("<t:rows" + openRoot + ">")
		for range 1 + g.IntN(4) {
			if g.chance(3) {
				b.WriteString("<grp>")
				row(b)
				row(b)
				b.WriteString("</grp>")
				continue
			}
			row(b)
		}
		b.WriteString("</t:rows>")
	}
}

// derived declares an element typed whose type has an extension and a restriction, and makes documents that say which one they are of.
func (g *generator) derived() (string, maker) {
	if !g.chance(2) {
		return "", nil
	}
	one, typ, values := g.newName(), g.typeName(), []string(nil)
	values = g.valuesOf(typ)
	element := func(name, occurs string) string {
		return fmt.Sprintf(`<xs:element name="%s" form="unqualified" type="%s"%s/>`, name, typ, occurs)
	}
	text := `<xs:complexType name="Base"><xs:sequence>` + element(one, ` minOccurs="0"`) + `</xs:sequence><xs:attribute name="x" type="xs:int"/></xs:complexType>
<xs:complexType name="More"><xs:complexContent><xs:extension base="t:Base"><xs:sequence>` + element("more", "") + `</xs:sequence><xs:attribute name="y" type="xs:int" use="required"/></xs:extension></xs:complexContent></xs:complexType>
<xs:complexType name="Less"><xs:complexContent><xs:restriction base="t:Base"><xs:sequence>` + element(one, "") + `</xs:sequence><xs:attribute name="x" use="prohibited"/></xs:restriction></xs:complexContent></xs:complexType>
<xs:complexType name="Least"><xs:complexContent><xs:restriction base="t:Less"><xs:sequence>` + element(one, "") + `</xs:sequence></xs:restriction></xs:complexContent></xs:complexType>
<xs:complexType name="Other"><xs:sequence>` + element(one, "") + `</xs:sequence></xs:complexType>
<xs:element name="typed" type="t:` + g.one("Base", "Less") + `" nillable="` + g.one("true", "false") + `"/>`
	return text, func(b *strings.Builder) {
		b.WriteString("<t:typed" + openRoot)
		kind := g.one("", "Base", "More", "More", "Less", "Least", "Other", "None")
		if kind != "" {
			fmt.Fprintf(b, ` xsi:type="t:%s"`, kind)
		}
		if g.chance(6) {
			b.WriteString(g.one(` xsi:nil="true"`, ` xsi:nil="0"`))
		}
		if g.chance(4) {
			b.WriteString(` x="7"`)
		}
		if kind == "More" && !g.chance(5) || g.chance(12) {
			b.WriteString(` y="7"`)
		}
		b.WriteString(">")
		if !g.chance(4) {
			fmt.Fprintf(b, "<%s>%s</%s>", one, escape(g.value(values)), one)
		}
		if kind == "More" && !g.chance(6) {
			fmt.Fprintf(b, "<more>%s</more>", escape(g.value(values)))
		}
		b.WriteString("</t:typed>")
	}
}
