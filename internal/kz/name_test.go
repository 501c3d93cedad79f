package kz

import (
	"bytes"
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"   ":                 "",
		"Әлия":                "Әлия",
		"  Нұр \t Сұлтан ":    "Нұр Сұлтан",
		"Ким\u00a0Чен":        "Ким Чен",
		"И\u0306ван":          "Йван", // decomposed short i
		"Зе\u0308рна":         "Зёрна",
		"О’Нил":               "О’Нил",
		"Салтыков -  Щедрин ": "Салтыков - Щедрин",
	} {
		if got := CleanName(in); got != want {
			t.Errorf("CleanName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCleanNameIsIdempotentAndNormal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "name")
		once := CleanName(s)
		if CleanName(once) != once || !norm.NFC.IsNormalString(once) {
			t.Fatalf("CleanName(%q) = %q is not clean", s, once)
		}
		if got := AppendName([]byte("x"), []byte(s)); string(got) != "x"+once {
			t.Fatalf("AppendName gives %q, CleanName %q", got, once)
		}
	})
}

func TestPhone(t *testing.T) {
	for in, want := range map[string]string{
		"+77011234567":       "+77011234567",
		"87011234567":        "+77011234567",
		"7011234567":         "+77011234567",
		"+7 (701) 123-45-67": "+77011234567",
		"8 701 123 45 67":    "+77011234567",
		"7 7172 12.34.56":    "+77172123456",
		"+79161234567":       "+79161234567",
	} {
		if got, ok := Phone([]byte("x"), []byte(in)); !ok || string(got) != "x"+want {
			t.Errorf("Phone(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{
		"", "+", "+87011234567", "1234567", "+7701123456", "+770112345678", "+7 701 123 45 6x", "++77011234567",
		"7+7011234567", "+71011234567", "9161234567", "+17011234567", "٨٧٠١١٢٣٤٥٦٧", "+7011234567",
	} {
		if got, ok := Phone([]byte("x"), []byte(in)); ok || string(got) != "x" {
			t.Errorf("Phone(%q) = %q, %v", in, got, ok)
		}
	}
}

func FuzzPhone(f *testing.F) {
	f.Add([]byte("+7 (701) 123-45-67"))
	f.Fuzz(func(t *testing.T, in []byte) {
		out, ok := Phone(nil, in)
		if !ok {
			return
		}
		again, ok := Phone(nil, out)
		if len(out) != 12 || !ok || !bytes.Equal(again, out) {
			t.Fatalf("%q is not a fixed point", out)
		}
	})
}

func BenchmarkAppendName(b *testing.B) {
	name, dst := []byte("Нұрсұлтанова"), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendName(dst[:0], name)
	}
}
