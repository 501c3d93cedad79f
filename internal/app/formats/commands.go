package formats

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas"
)

// Env is what the commands need of the program around them.
type Env struct {
	Stdout io.Writer
	// JSON says that the answer is one JSON object, which the program around writes; Config is the path of the configuration.
	JSON   *bool
	Config *string
	// Result takes the result for --json; Code sets an exit code other than 0 without an error.
	Result func(any)
	Code   func(int)
	// Environment marks an error as one of files or programs.
	Environment func(error) error
}

// Commands returns the commands for the root of the program.
func Commands(env Env) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.validateCommand(), t.mappingCommand()}
}

// tool is one invocation.
type tool struct{ Env }

// say prints for people; nothing with --json.
func (t *tool) say(format string, args ...any) {
	if !*t.JSON {
		fmt.Fprintf(t.Stdout, format+"\n", args...)
	}
}

// usage is a problem of the arguments.
func usage(cmd *cobra.Command, code, format string, args ...any) error {
	return record.NewProblem("usage."+code, "", "see: "+cmd.CommandPath()+" --help", format, args...)
}

// maxFile is the largest document that is read, in bytes.
const maxFile = 1 << 30

func (t *tool) read(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, t.unreadable(name, err)
	}
	if info.IsDir() || info.Size() > maxFile {
		return nil, record.NewProblem("input.size", name, "split it", "%s is a folder, or larger than %d bytes", name, maxFile)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, t.unreadable(name, err)
	}
	return b, nil
}

func (t *tool) unreadable(name string, err error) error {
	hint := "look at the rights of the file and its folders"
	if errors.Is(err, fs.ErrNotExist) {
		hint = "there is no such file"
	}
	return t.Environment(record.NewProblem("input.unreadable", name, hint, "the file cannot be read"))
}

// schema compiles a schema file by its content.
func (t *tool) schema(name string) (*schemas.Schema, error) {
	raw, err := t.read(name)
	if err != nil {
		return nil, err
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(raw, []byte("\ufeff")), " \t\r\n")
	var s *schemas.Schema
	if bytes.HasPrefix(text, []byte("<")) {
		s, err = schemas.CompileXSD(filepath.Base(name), func(file string) ([]byte, error) {
			return os.ReadFile(filepath.Join(filepath.Dir(name), filepath.FromSlash(file)))
		})
	} else {
		s, err = schemas.Compile(raw)
	}
	if err == nil {
		return s, nil
	}
	var found record.Problems
	found.Merge(err, "schema.unreadable", "")
	for _, p := range found {
		if bytes.HasPrefix(text, []byte("<")) {
			p.Where = filepath.Join(filepath.Dir(name), p.Where)
		} else {
			p.Where = name + ":" + p.Where
		}
	}
	return nil, found
}
