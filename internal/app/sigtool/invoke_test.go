package sigtool_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/sigtool"
	"birgeoqy.kz/almasu/internal/record"
)

// outcome is what one invocation did.
type outcome struct {
	report *sigtool.Report // of a verification
	result any
	out    string
	code   string // of the first problem, of the report or the error; "" if all is well
	exit   int
}

// invoke runs a command within the test's process.
func invoke(t *testing.T, now time.Time, transport http.RoundTripper, args ...string) outcome {
	t.Helper()
	var got outcome
	var out bytes.Buffer
	asJSON := false
	root := &cobra.Command{Use: "almasu", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(sigtool.Commands(sigtool.Env{Stdin: bytes.NewReader(nil), Stdout: &out, Stderr: io.Discard, JSON: &asJSON,
		Now: func() time.Time { return now }, Result: func(v any) { got.result = v }, Code: func(c int) { got.exit = c },
		Environment: func(err error) error { return offline{err} }, Transport: transport})...)
	root.SetArgs(args)
	root.SetOut(&out)
	err := root.ExecuteContext(context.Background())
	got.out = out.String()
	got.report, _ = got.result.(*sigtool.Report)
	var away offline
	switch {
	case errors.As(err, &away):
		got.code, got.exit = record.CodeOf(err), 3
	case err != nil:
		got.code, got.exit = record.CodeOf(err), 2
	case got.report != nil && len(got.report.Problems) > 0:
		got.code = got.report.Problems[0].Code
	}
	return got
}

// put writes a file that only its owner may read.
func put(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
