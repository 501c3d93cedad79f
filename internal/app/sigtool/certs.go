package sigtool

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/keystore"
)

func (t *tool) certCommand() *cobra.Command {
	return group("cert", "Show and verify certificates, index revocation lists, look into key containers",
		"Commands for certificates of the national certification authority and others.",
		`  almasu cert show person.cer
  almasu cert verify --roots nca.pem --crl nca.crl person.cer --explain
  almasu cert crl-index --issuer nca.cer --output nca.index nca_gost_2022.crl
  almasu cert keystore --password-file password sign.p12`,
		t.certShow(), t.certVerify(), t.certIndex(), t.certKeystore())
}

func (t *tool) certShow() *cobra.Command {
	return &cobra.Command{
		Use: "show FILE...", Short: "Show what certificates say",
		Example: `  almasu cert show root.pem person.cer --json`,
		Long:    "Shows the subject, the IIN and BIN, the validity, the usages and the fingerprint of every certificate in the files. Nothing is verified.",
		Args:    cobra.MinimumNArgs(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(cmd, "arguments", "expected at least one file")
			}
			all, err := t.certificates(args)
			if err != nil {
				return err
			}
			pool := cert.NewPool(all...)
			var shown []*Certificate
			for i, c := range all {
				d := describe(c)
				d.Chain = subjects(chainAmong(c, pool))
				shown = append(shown, d)
				if i > 0 {
					t.say("")
				}
				t.say("%s", strings.Join(d.rows(), "\n"))
			}
			t.Result(map[string]any{"certificates": shown})
			return nil
		},
	}
}

// chainAmong returns c and those above it, as far as they are in the pool and their keys
// made the signatures.
func chainAmong(c *cert.Certificate, pool *cert.Pool) []*cert.Certificate {
	chain := []*cert.Certificate{c}
	for last := c; !last.SelfIssued() && len(chain) < 8; {
		up := slices.IndexFunc(pool.Issuers(last), func(parent *cert.Certificate) bool { return last.CheckSignatureFrom(parent) == nil })
		if up < 0 {
			break
		}
		last = pool.Issuers(last)[up]
		chain = append(chain, last)
	}
	return chain
}

// usages are the values of --for.
var usages = map[string]cert.Usage{
	"any":          {},
	"signing":      cert.ForSigning,
	"timestamping": {ExtAnyOf: []string{cert.UsageTimeStamping}, ExtOnly: true},
}

func (t *tool) certVerify() *cobra.Command {
	f := &trustFlags{}
	var explain bool
	var purpose string
	cmd := &cobra.Command{
		Use: "verify --roots FILE CERTIFICATE", Short: "Verify a certificate: chain, validity, usage, revocation",
		Example: `  almasu cert verify --roots root.cer --intermediates nca.cer --ocsp on --leaf-only person.cer --explain`,
		Long:    "Verifies the first certificate in the file; the others in it may be used to find a chain.",
		Args:    exactly(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			want, known := usages[purpose]
			if !known {
				return usage(cmd, "for", "--for is any, signing or timestamping")
			}
			tr, err := t.trust(cmd, f)
			if err != nil {
				return err
			}
			defer tr.Close()
			all, err := t.certificates(args)
			if err != nil {
				return err
			}
			r := tr.report("certificate")
			s := &Signer{Certificate: describe(all[0])}
			r.Signers = []*Signer{s}
			r.conclude(nil, tr.judge(cmd.Context(), all[0], all[1:], want, s, r))
			t.finish(r, explain)
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&explain, "explain", false, "list every check, passed or not")
	cmd.Flags().StringVar(&purpose, "for", "any", "what the certificate must be allowed to do: `any, signing or timestamping`")
	return cmd
}

func (t *tool) certIndex() *cobra.Command {
	var issuers []string
	var output string
	cmd := &cobra.Command{
		Use: "crl-index --issuer FILE --output INDEX LIST", Short: "Index a revocation list for fast look-ups",
		Example: `  almasu cert crl-index --issuer nca.cer --output nca.index nca_gost_2022.crl
  almasu cert verify --roots nca.cer --crl nca.index person.cer`,
		Long: `Verifies the signature of a revocation list, full or delta, and writes an index that "--crl" takes in the list's place: a look-up among
hundreds of thousands of entries then reads a few octets. An index that is there already is replaced at once.`,
		Args: exactly(1, "one list"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(issuers) == 0 || output == "" {
				return usage(cmd, "flags", "--issuer and --output are needed")
			}
			all, err := t.certificates(issuers)
			if err != nil {
				return err
			}
			b, err := t.read(args[0])
			if err != nil {
				return err
			}
			info, err := t.buildIndex(b, args[0], all, output)
			if err != nil {
				return err
			}
			result := map[string]any{"file": output, "issuer": info.Issuer.String(), "entries": info.Entries,
				"this_update": stamp(info.ThisUpdate), "next_update": stamp(info.NextUpdate), "delta": info.Base != nil}
			if info.Number != nil {
				result["number"] = info.Number.String()
			}
			t.Result(result)
			t.say("index %s: %d entries, of %s, counts until %s", output, info.Entries, stamp(info.ThisUpdate), stamp(info.NextUpdate))
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&issuers, "issuer", nil, "a file of the `certificate` of the authority that signed the list; may be repeated")
	cmd.Flags().StringVar(&output, "output", "", "the `file` of the index")
	return cmd
}

// Keystore is the contents of a key file, without secrets.
type Keystore struct {
	Key         string         `json:"key"` // algorithms
	Certificate *Certificate   `json:"certificate,omitempty"`
	Others      []*Certificate `json:"others,omitempty"`
}

func (t *tool) certKeystore() *cobra.Command {
	var password string
	cmd := &cobra.Command{
		Use: "keystore --password-file FILE KEYFILE", Short: "Show what a key container holds, without secrets",
		Example: `  almasu cert keystore --password-file password sign.p12`,
		Long:    "Opens a PKCS#12 container or PEM file, makes sure that the key belongs to the certificate, and shows the certificates.",
		Args:    exactly(1, "one key file"),
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := keystore.Open(args[0], password)
			if err != nil {
				return t.sorted(err)
			}
			s, err := k.Suite()
			if err != nil {
				return record.NewProblem("keystore.unsupported_key", args[0], "", "%s", err)
			}
			result := &Keystore{Key: s.Name, Certificate: describe(k.Certificate)}
			t.say("private key: %s", s.Name)
			if k.Certificate == nil {
				t.say("no certificate")
			} else {
				t.say("its certificate:\n%s", strings.Join(result.Certificate.rows(), "\n"))
			}
			for _, c := range k.Others {
				d := describe(c)
				result.Others = append(result.Others, d)
				t.say("further certificate:\n%s", strings.Join(d.rows(), "\n"))
			}
			t.Result(result)
			return nil
		},
	}
	cmd.Flags().StringVar(&password, "password-file", "", "the `file` whose first line is the password")
	return cmd
}
