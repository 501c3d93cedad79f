// Command almasu-verify checks exports of a transfer log, offline: it opens no network connection and no database,
// and needs nothing of the service whose log it checks. Package evidence says what is checked.
//
// Exit codes: 0 everything holds, 1 findings, 2 a file is no export or an argument is bad, 3 a file cannot be read.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"birgeoqy.kz/almasu/internal/evidence"
)

// The exit codes, the worst of all files winning.
const (
	exitOK = iota
	exitFinding
	exitInput
	exitEnvironment
)

const usage = `almasu-verify checks exports of a transfer log without network and without database.

  almasu-verify [flags] FILE...        a FILE of "-" is standard input

  --key KEYFILE                the log's public key, from elsewhere than the file (origin+hash+key)
  --held CHECKPOINT            a signed checkpoint that somebody else has kept; may be repeated
  --recipient-key BIN=KEYFILE  a recipient's public key in PEM, from elsewhere than the file; may be repeated
  --lang kk|ru|en              language of the report (default en)
  --json                       one JSON object a file instead: {"file":...,"report":{...}} or {"file":...,"code":...,"error":...}

Exit codes: 0 everything holds, 1 findings, 2 bad input, 3 a file cannot be read.
`

type repeated []string

func (r *repeated) String() string     { return strings.Join(*r, ",") }
func (r *repeated) Set(s string) error { *r = append(*r, s); return nil }

type invocation struct {
	key             string
	held, recipient repeated
	language        string
	json            bool
	stdin           io.Reader
	stdout, stderr  io.Writer
}

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	in := &invocation{stdin: stdin, stdout: stdout, stderr: stderr}
	flags := flag.NewFlagSet("almasu-verify", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&in.key, "key", "", "")
	flags.Var(&in.held, "held", "")
	flags.Var(&in.recipient, "recipient-key", "")
	flags.StringVar(&in.language, "lang", "en", "")
	flags.BoolVar(&in.json, "json", false, "")
	files, err := parse(flags, args)
	switch {
	case err == flag.ErrHelp:
		fmt.Fprint(stdout, usage)
		return exitOK
	case err != nil:
		return in.bad(err.Error())
	case len(files) == 0:
		return in.bad("no file is given")
	case !strings.Contains(" "+strings.Join(evidence.Languages, " ")+" ", " "+in.language+" "):
		return in.bad("the language is kk, ru or en")
	}
	options, code := in.options()
	if code != exitOK {
		return code
	}
	worst := exitOK
	for _, name := range files {
		worst = max(worst, in.check(name, options))
	}
	return worst
}

// parse lets flags stand before and after files.
func parse(flags *flag.FlagSet, args []string) (files []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return files, nil
		}
		files = append(files, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

func (in *invocation) bad(message string) int {
	fmt.Fprintf(in.stderr, "almasu-verify: %s (see almasu-verify --help)\n", message)
	return exitInput
}

func (in *invocation) unreadable(err error) int {
	fmt.Fprintf(in.stderr, "almasu-verify: %v\n", err)
	return exitEnvironment
}

// options reads the files that the flags name.
func (in *invocation) options() (evidence.Options, int) {
	m := evidence.Material{RecipientKeys: map[string][][]byte{}}
	var err error
	if in.key != "" {
		if m.LogKey, err = os.ReadFile(in.key); err != nil {
			return evidence.Options{}, in.unreadable(err)
		}
	}
	for _, name := range in.held {
		b, err := os.ReadFile(name)
		if err != nil {
			return evidence.Options{}, in.unreadable(err)
		}
		m.Held = append(m.Held, b)
	}
	for _, pair := range in.recipient {
		bin, name, ok := strings.Cut(pair, "=")
		if !ok {
			return evidence.Options{}, in.bad("--recipient-key is BIN=KEYFILE")
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return evidence.Options{}, in.unreadable(err)
		}
		m.RecipientKeys[bin] = append(m.RecipientKeys[bin], b)
	}
	o, err := m.Options()
	if err != nil {
		return o, in.bad(err.Error())
	}
	return o, exitOK
}

func (in *invocation) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(in.stdin), nil
	}
	return os.Open(name)
}

// check verifies one file and prints what it found.
func (in *invocation) check(name string, o evidence.Options) int {
	f, err := in.open(name)
	if err != nil {
		return in.unreadable(err)
	}
	defer f.Close()
	report, err := evidence.Verify(f, o)
	code := exitOK
	switch {
	case err != nil && evidence.Code(err) == "":
		return in.unreadable(err)
	case err != nil:
		code = exitInput
	case !report.OK():
		code = exitFinding
	}
	if err := in.print(name, report, err); err != nil {
		return in.unreadable(err)
	}
	return code
}

func (in *invocation) print(name string, report *evidence.Report, err error) error {
	if in.json {
		answer := struct {
			File   string           `json:"file"`
			Report *evidence.Report `json:"report,omitempty"`
			Code   string           `json:"code,omitempty"`
			Error  string           `json:"error,omitempty"`
		}{File: name, Report: report}
		if err != nil {
			answer.Code, answer.Error = evidence.Code(err), err.Error()
		}
		return json.NewEncoder(in.stdout).Encode(answer)
	}
	if err != nil {
		_, werr := fmt.Fprintf(in.stderr, "almasu-verify: %s: %v\n", name, err)
		return werr
	}
	if _, err := fmt.Fprintf(in.stdout, "%s: ", name); err != nil {
		return err
	}
	return report.Write(in.stdout, in.language)
}
