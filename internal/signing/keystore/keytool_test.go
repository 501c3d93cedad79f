package keystore_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
	"birgeoqy.kz/almasu/internal/signing/keystore"
)

// Containers that the JDK writes, with its present and its former algorithms.
func TestOpensJDKContainers(t *testing.T) {
	needs.Tool(t, "keytool", "openjdk-17-jdk-headless")
	for name, legacy := range map[string]string{"present": "-J-Dx=x", "former": "-J-Dkeystore.pkcs12.legacy"} {
		path := filepath.Join(t.TempDir(), "key.p12")
		out, err := exec.Command("keytool", legacy, "-genkeypair", "-alias", "a", "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=probe",
			"-storetype", "PKCS12", "-keystore", path, "-storepass", testca.Password, "-validity", "2").CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		k, err := keystore.Parse(b, testca.Password)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		signs(t, "JDK "+name, k)
	}
}
