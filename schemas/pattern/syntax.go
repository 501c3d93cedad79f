package pattern

import (
	"fmt"
	"strings"
)

// check refuses what ECMA-262 and Go read differently, so that every validator gives a pattern one meaning.
func check(p string) error {
	for i := 0; i < len(p); {
		n, err := item(p[i:])
		if err != nil {
			return fmt.Errorf("at character %d: %w", len([]rune(p[:i]))+1, err)
		}
		i += n
	}
	return nil
}

// item returns the size of the item at the start of p.
func item(p string) (int, error) {
	switch p[0] {
	case '\\':
		return escape(p)
	case '.':
		return 0, fmt.Errorf("%q means different characters in different engines: write a class", ".")
	case '[':
		return class(p)
	case '(':
		if strings.HasPrefix(p, "(?") && !strings.HasPrefix(p, "(?:") {
			return 0, fmt.Errorf("of the groups that begin with %q only %q is supported", "(?", "(?:")
		}
		if strings.HasPrefix(p, "(?:") {
			return 3, nil
		}
	case '{':
		n := quantifier(p)
		if n == 0 {
			return 0, fmt.Errorf("%q must begin a repetition like {2}, {2,} or {2,5}, or be escaped", "{")
		}
		return n, nil
	case '}', ']':
		return 0, fmt.Errorf("%q must be escaped", p[:1])
	}
	return 1, nil
}

// quantifier is the size of the repetition at the start of p, 0 if there is none.
func quantifier(p string) int {
	end := strings.IndexByte(p, '}')
	if end < 0 {
		return 0
	}
	low, high, ranged := strings.Cut(p[1:end], ",")
	if low == "" || strings.Trim(low+high, "0123456789") != "" || strings.Contains(high, ",") && ranged {
		return 0
	}
	return end + 1
}

const punctuation = `^$\.*+?()[]{}|/-`

// categories are the general categories of Unicode that \p may name.
var categories = map[string]bool{"L": true, "Lu": true, "Ll": true, "Lt": true, "Lm": true, "Lo": true, "M": true, "Mn": true, "Mc": true,
	"N": true, "Nd": true, "P": true, "Pd": true, "Ps": true, "Pe": true, "Po": true, "S": true, "Z": true, "Zs": true}

func escape(p string) (int, error) {
	if len(p) < 2 {
		return 0, fmt.Errorf("a backslash ends the pattern")
	}
	switch c := p[1]; {
	case strings.IndexByte("dDwWtnrfv", c) >= 0, strings.IndexByte(punctuation, c) >= 0:
		return 2, nil
	case c == 'p' || c == 'P':
		end := strings.IndexByte(p, '}')
		if len(p) < 4 || p[2] != '{' || end < 0 || !categories[p[3:end]] {
			return 0, fmt.Errorf(`\%c must name a general category, like \%c{Lu}`, c, c)
		}
		return end + 1, nil
	}
	return 0, fmt.Errorf("the escape %q is not supported", p[:2])
}

func class(p string) (int, error) {
	i := 1
	if strings.HasPrefix(p[i:], "^") {
		i++
	}
	for first := true; ; first = false {
		if i >= len(p) {
			return 0, fmt.Errorf("the class is not closed")
		}
		switch p[i] {
		case ']':
			if first {
				return 0, fmt.Errorf("the class is empty")
			}
			return i + 1, nil
		case '[':
			return 0, fmt.Errorf("%q in a class must be escaped", "[")
		case '\\':
			n, err := escape(p[i:])
			if err != nil {
				return 0, err
			}
			i += n
		default:
			i++
		}
	}
}
