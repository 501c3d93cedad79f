package register_test

import (
	"os"
	"path/filepath"
	"testing"

	"birgeoqy.kz/almasu/internal/legal/register"
)

func exampleDir(t testing.TB) string {
	t.Helper()
	return filepath.Join("..", "..", "..", "deploy", "birgeoqy", "register")
}

func TestExampleLoads(t *testing.T) {
	r, err := register.Load(os.DirFS(exampleDir(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Routes) != 4 || len(r.Recipients) != 6 || r.Digest().IsZero() {
		t.Errorf("%d routes, %d recipients", len(r.Routes), len(r.Recipients))
	}
}
