package app

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

func (s *session) requestCommand() *cobra.Command {
	var scan string
	cmd := &cobra.Command{
		Use:   "request FILE [--scan SCAN]",
		Short: "Enter a state body's written request for data (an ad-hoc transfer)",
		Long: `Enters a written request: number, date, signatory, norm of competence, act and article, digest of the letter, fields, people (named, or all in a territory or at certain
places, or everyone), deadline. With --scan the digest of the scanned letter is taken from the file, which is not stored: keep it; almasu requests verify-scan compares it
later. The request is answered when two administrators other than the initiator have approved it with the plan of its answer (almasu plan --request, almasu approve).`,
		Example: "  almasu request request-2026-118.yaml --scan letter-12-3-118.pdf",
		Args:    lawtool.Exactly(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := os.ReadFile(args[0])
			if err != nil {
				return exit.Environment(err)
			}
			if scan != "" {
				if body, err = withScan(args[0], body, scan); err != nil {
					return err
				}
			}
			v, err := s.open(cmd.Context(), service.Parts{Store: true})
			if err != nil {
				return err
			}
			defer v.Close()
			q, err := v.EnterRequest(cmd.Context(), args[0], body)
			if err != nil {
				return err
			}
			s.result = map[string]any{"request": q.ID, "digest": q.Digest().String()}
			s.say("Request %s entered, digest %s.\nTwo administrators other than %s now look at the plan of its answer, and approve it: almasu plan --request %s --reason TEXT", q.ID, q.Digest(), q.Initiator, q.ID)
			s.code = exit.Waiting
			return nil
		},
	}
	cmd.Flags().StringVar(&scan, "scan", "", "the scanned letter; its digest is recorded")
	return cmd
}

// fileLine is the line of a request that holds the digest of the letter's scan.
var fileLine = regexp.MustCompile(`(?m)^file:\s*(\S*)`)

// withScan puts the digest of a scan into a request, or compares it with the one that stands there.
func withScan(name string, body []byte, scan string) ([]byte, error) {
	b, err := os.ReadFile(scan)
	if err != nil {
		return nil, exit.Environment(err)
	}
	digest := record.DigestOf(b).String()
	switch stands := fileLine.FindSubmatch(body); {
	case stands == nil:
		return append(append(bytes.TrimRight(body, "\n"), "\nfile: "...), digest+"\n"...), nil
	case strings.Trim(string(stands[1]), `"'`) != digest:
		return nil, exit.BadInput(record.NewProblem("request.scan_differs", name, "the scan is another file, or the request names the digest of another letter", "the scan has not the digest that the request names"))
	}
	return body, nil
}

func (s *session) approveCommand() *cobra.Command {
	var who, key, planned string
	var route bool
	cmd := &cobra.Command{
		Use:   "approve REQUEST --plan DIGEST --as ID --key FILE | approve --route ROUTE --as ID --key FILE",
		Short: "Approve a request with the plan of its answer, or a route of the register, by digest",
		Long: `Signs the digest of a request together with that of the plan of its answer (almasu plan --request ID), or with --route that of a route with everything it refers to. Two
different people approve, neither of them its initiator or author; what they approve is exactly these bytes. The second approval of a request lets it run at once: it is
sent if the answer is still what the plan says, and else both approve a new plan. A route's approval is printed as YAML for the register's approvals.yaml; so is that of a policy's
version that is back-dated, by its name. It needs the register and the administrator's key, and nothing else.`,
		Example: `  almasu plan --request request-2026-118 --reason "before I approve it"
  almasu approve request-2026-118 --plan DIGEST --as admin-second --key admin.pem
  almasu approve --route oblast-consent --as admin-second --key admin.pem`,
		Args: lawtool.Exactly(1, "one request or route"),
		RunE: func(cmd *cobra.Command, args []string) error {
			digest, err := record.ParseDigest("sha256:" + strings.TrimPrefix(strings.ToLower(planned), "sha256:"))
			if !route && (err != nil || digest.IsZero()) {
				return exit.BadInput(record.NewProblem("usage.plan", "", "look at it, and name its digest: almasu plan --request "+args[0], "--plan names the plan that is approved"))
			}
			private, err := readAdminKey(key)
			if err != nil {
				return err
			}
			if route {
				v, err := service.OpenRegister(s.env())
				if err != nil {
					return err
				}
				return s.approveRoute(v, args[0], who, private)
			}
			v, err := s.open(cmd.Context(), service.Parts{Platform: true, Store: true})
			if err != nil {
				return err
			}
			defer v.Close()
			ready, err := v.ApproveRequest(cmd.Context(), args[0], digest, who, private)
			if err != nil {
				return err
			}
			s.result = map[string]any{"request": args[0], "plan": digest.String(), "approver": who, "in_force": ready}
			if !ready {
				s.code = exit.Waiting
				s.say("Approved by %s. One more administrator must approve it.", who)
				return nil
			}
			s.say("Approved by %s. The request is due now: \"almasu serve\" sends it.", who)
			return nil
		},
	}
	cmd.Flags().StringVar(&who, "as", "", "the administrator's id")
	cmd.Flags().StringVar(&key, "key", "", "the file of the administrator's private key (PEM)")
	cmd.Flags().StringVar(&planned, "plan", "", "the digest of the plan of the answer")
	cmd.Flags().BoolVar(&route, "route", false, "approve a route of the register")
	return cmd
}

// readAdminKey reads an administrator's Ed25519 key.
func readAdminKey(path string) (ed25519.PrivateKey, error) {
	var problems record.Problems
	b := service.ReadSecret(path, &problems, "approve.key_missing")
	if err := problems.Err(); err != nil {
		return nil, exit.BadInput(err)
	}
	block, _ := pem.Decode(b)
	if block != nil {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if private, ok := key.(ed25519.PrivateKey); ok {
				return private, nil
			}
		}
	}
	return nil, exit.BadInput(record.NewProblem("approve.key", path, "make one with: almasu keys generate --administrator", "expected an Ed25519 private key in PEM (PKCS#8)"))
}

// approveRoute prints a route's approval for approvals.yaml.
func (s *session) approveRoute(v *service.Service, name, who string, key ed25519.PrivateKey) error {
	for _, one := range v.Register.Approvables() {
		if one.Name != name {
			continue
		}
		a, err := v.SignApproval(one.Kind, one.Name, one.Author, one.Digest, who, key)
		if err != nil {
			return err
		}
		text, err := register.MarshalApprovals([]register.Approval{a})
		if err != nil {
			return err
		}
		s.result = map[string]any{"kind": one.Kind, "name": one.Name, "digest": one.Digest.String(), "approval": string(text)}
		s.say("# add this to the register's approvals.yaml; where that has entries already, without the line \"approvals:\"\n%s", text)
		return nil
	}
	return exit.BadInput(record.NewProblem("approve.unknown_route", "", "routes stand in the register's folder routes/", "the register has no route or back-dated policy %q", name))
}
