package mapping

import (
	"maps"
	"slices"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// suggest returns a hint that names the known word nearest to a wrong one, or lists all words.
func suggest[V any](wrong string, known map[string]V) string {
	words := sortedKeys(known)
	best, near := "", 3
	for _, w := range words {
		if d := distance(wrong, w); d < near {
			best, near = w, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	hint := "known are"
	for i, w := range words {
		if i > 0 {
			hint += ","
		}
		hint += " " + w
	}
	return hint
}

// distance is the Levenshtein distance of two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
