package grammar

import "testing"

func TestWildcardsOverlap(t *testing.T) {
	every, other, local, own := &Wildcard{every: true}, &Wildcard{other: true, except: "urn:t"}, &Wildcard{spaces: []string{""}}, &Wildcard{spaces: []string{"urn:t"}}
	for _, c := range []struct {
		a, b *Wildcard
		want bool
	}{{every, own, true}, {other, own, false}, {own, other, false}, {other, local, false}, {local, own, false}, {own, own, true}, {other, other, true}} {
		if got := c.a.overlaps(c.b); got != c.want {
			t.Errorf("%+v %+v: %v", c.a, c.b, got)
		}
	}
	if other.Allows("") || other.Allows("urn:t") || !other.Allows("urn:u") || !local.Allows("") {
		t.Error("namespaces")
	}
}

func TestLargeModels(t *testing.T) {
	budget := maxAllLinks
	e := &Particle{Element: &Element{Name: QName{Local: "e"}}, Min: 3, Max: 20000}
	m, bad := compileModel(&Particle{Kind: Sequence, Min: 1, Max: 1, Kids: []*Particle{e}}, &budget)
	if bad != nil || len(m.States) != 2 || !m.States[1].Counted || m.States[1].High != 20000 || m.States[1].Low != 3 {
		t.Errorf("%+v %v", m, bad)
	}
	inner := &Particle{Kind: Sequence, Min: 0, Max: 5000, Kids: []*Particle{{Element: &Element{Name: QName{Local: "f"}}, Min: 1, Max: 1}, {Element: &Element{Name: QName{Local: "g"}}, Min: 0, Max: 1}}}
	if _, bad := compileModel(inner, &budget); bad == nil || bad.code != "xsd.too_large" {
		t.Errorf("%v", bad)
	}
}
