package platform

import (
	"slices"
	"testing"
)

func TestLists(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, "{}": nil, "[]": nil, "a": {"a"}, "{a,b}": {"a", "b"}, `["a", "Kind:leb"]`: {"a", "Kind:leb"}, " a , b ": {"a", "b"}, `{"a"}`: {"a"},
	} {
		if got := list(text); !slices.Equal(got, want) {
			t.Errorf("list(%q) = %q, want %q", text, got, want)
		}
	}
}
