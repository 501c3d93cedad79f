package app

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/record"
)

// envelope is the one JSON form of every answer.
type envelope struct {
	Command  string            `json:"command"`
	OK       bool              `json:"ok"`
	Result   any               `json:"result,omitempty"`
	Problems []*record.Problem `json:"problems,omitempty"`
}

// printError writes an error for people: a line each, with its hint.
func printError(w io.Writer, err error) {
	for _, p := range exit.Problems(err) {
		line := strings.TrimSuffix(p.Message, " ["+p.Code+"]")
		if p.Where != "" {
			line = p.Where + ": " + line
		}
		fmt.Fprintf(w, "error: %s [%s]\n", line, p.Code)
		if p.Hint != "" {
			fmt.Fprintf(w, "  hint: %s\n", p.Hint)
		}
	}
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// table prints rows in columns.
func table(w io.Writer, rows [][]string) {
	width := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-len([]rune(cell))+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}
