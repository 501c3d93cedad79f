package register_test

import (
	"os"
	"testing"
	"testing/fstest"

	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

// FuzzLoad puts foreign bytes in the place of each file in turn. Either they load, and then load again to the same digest, or there are problems,
// each complete.
func FuzzLoad(f *testing.F) {
	example := copyOf(f, os.DirFS(exampleDir(f)))
	sign(f, example)
	names := []string{
		register.FileOperator, register.FileFields, register.FilePolicies, register.FileActs, register.FilePurposes, register.FileRecipients,
		register.FileAdministrators, register.FileApprovals, "routes/oblast-consent.yaml",
	}
	for i, name := range names {
		f.Add(uint8(i), example[name].Data)
	}
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		files := make(fstest.MapFS, len(example))
		for name, file := range example {
			files[name] = file
		}
		files[names[int(which)%len(names)]] = &fstest.MapFile{Data: b}
		r, err := register.Load(files)
		if err != nil {
			problems, ok := err.(record.Problems)
			if !ok {
				t.Fatalf("an error that is no list of problems: %v", err)
			}
			for _, p := range problems {
				if p.Code == "" || p.Where == "" || p.Message == "" {
					t.Errorf("incomplete problem %+v", p)
				}
			}
			return
		}
		if again, err := register.Load(files); err != nil || again.Digest() != r.Digest() {
			t.Errorf("the same files give another register: %v", err)
		}
		for _, a := range r.Approvables() {
			if a.Digest.IsZero() || a.Name == "" {
				t.Errorf("incomplete %+v", a)
			}
		}
	})
}
