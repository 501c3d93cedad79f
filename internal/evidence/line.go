package evidence

import (
	"bytes"
	"encoding/json"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// timeForm is the form of times in an export.
const timeForm = "2006-01-02T15:04:05.000000Z"

// maxLine bounds a line: a receipt of 4 MiB is 5.6 MiB in base64.
const maxLine = 16 << 20

type headLine struct {
	Export int    `json:"export"`
	Origin string `json:"origin"`
	LogKey string `json:"log_key"`
	Made   string `json:"made"`
}

type keyLine struct {
	Key       string `json:"key"`
	Recipient string `json:"recipient"`
	NotBefore string `json:"not_before"`
	NotAfter  string `json:"not_after"`
}

type receiptLine struct {
	Receipt []byte `json:"receipt"`
}

type checkpointLine struct {
	Checkpoint string `json:"checkpoint"`
}

type endLine struct {
	End struct {
		Entries     int64         `json:"entries"`
		Checkpoints int64         `json:"checkpoints"`
		Receipts    int64         `json:"receipts"`
		SHA256      record.Digest `json:"sha256"`
	} `json:"end"`
}

const entryOpen, entryClose = `{"entry":`, "}\n"

// writeLine renders a line in its one spelling, with its line feed.
func writeLine(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// readLine reads a line into v if it is spelt as writeLine spells it.
func readLine(b []byte, v any) bool {
	if json.Unmarshal(b, v) != nil {
		return false
	}
	again, err := writeLine(v)
	return err == nil && bytes.Equal(again, b)
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeForm)
}

func parseTime(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, true
	}
	t, err := time.Parse(timeForm, s)
	return t, err == nil && formatTime(t) == s
}
