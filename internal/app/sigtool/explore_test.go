package sigtool_test
import ("testing";"time";"os";"fmt";"path/filepath";"birgeoqy.kz/almasu/internal/signing/keystore")
func TestExplore(t *testing.T) {
	S := "/work/shared/data/kz-signatures"
	ps, _ := filepath.Glob(S+"/p12/*.p12")
	os_, _ := filepath.Glob(S+"/ocsp/*.bin")
	for _, p := range ps {
		b, _ := os.ReadFile(p)
		k, err := keystore.Parse(b, "Qwerty12")
		if err != nil { fmt.Println(err); continue }
		c := put(t, "c.cer", k.Certificate.Raw)
		fmt.Println(filepath.Base(p), k.Certificate.Serial(), k.Certificate.Issuer, k.Certificate.NotBefore, k.Certificate.NotAfter, k.Certificate.OCSPServers, len(k.Others))
		for _, o := range os_ {
			for _, r := range []string{"nca_gost2022_test.cer","nca_gost_test.crt","nca_rsa_test.crt"} {
			got := invoke(t, time.Date(2022,9,19,0,0,0,0,time.UTC), nil, "cert","verify","--at", k.Certificate.NotAfter.Add(-time.Hour).Format(time.RFC3339), "--roots", S+"/ca/"+r, "--ocsp-response", o, c)
			if got.code != "cert.ocsp_other" && got.code != "cert.unknown_issuer" { fmt.Println("  ", filepath.Base(o), r, got.exit, got.code) } }
		}
		for _, r := range []string{"nca_gost2022_test.cer"} {
			got := invoke(t, time.Date(2026,9,1,0,0,0,0,time.UTC), nil, "cert","verify", "--roots", S+"/ca/"+r, "--crl", S+"/crl/nca_gost2022_test_2026-08.crl", c)
			fmt.Println("  crl", r, got.exit, got.code)
		}
	}
	for _, o := range os_ { fmt.Println(o) }
}
