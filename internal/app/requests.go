package app

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

// parseRequest restores a request from its file and its approvals.
func (v *service) parseRequest(r *store.Request) (*legal.Request, error) {
	q, err := legal.ParseRequest(r.ID, []byte(r.Body))
	if err != nil {
		return nil, err
	}
	q.Approvals = nil
	for _, a := range r.Approvals {
		var one register.Approval
		if err := json.Unmarshal([]byte(a.Body), &one); err != nil {
			return nil, fmt.Errorf("reading an approval: %w", err)
		}
		q.Approvals = append(q.Approvals, one)
	}
	if q.Digest() != r.Digest {
		return nil, record.NewProblem("request.changed", r.ID, "restore the store from a backup", "the stored request is not the one that was entered")
	}
	return q, nil
}

func (s *session) requestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "request FILE",
		Short: "Enter a state body's written request for data (an ad-hoc transfer)",
		Long: `Enters a written request: number, date, signatory, norm of competence, act and article, digest of the letter, fields, people. It is
sent when two administrators other than the initiator have approved it (almasu approve).`,
		Args: exactly(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := os.ReadFile(args[0])
			if err != nil {
				return environment(err)
			}
			v, err := s.open(cmd.Context(), parts{store: true})
			if err != nil {
				return err
			}
			defer v.Close()
			q, err := v.enterRequest(cmd.Context(), args[0], body)
			if err != nil {
				return err
			}
			s.result = map[string]any{"request": q.ID, "digest": q.Digest().String()}
			s.say("Request %s entered, digest %s.\nTwo administrators other than %s now approve it: almasu approve %s --as ID --key FILE", q.ID, q.Digest(), q.Initiator, q.ID)
			s.code = exitHeld
			return nil
		},
	}
}

// enterRequest checks a request and stores it.
func (v *service) enterRequest(ctx context.Context, name string, body []byte) (*legal.Request, error) {
	q, err := legal.ParseRequest(name, body)
	if err != nil {
		return nil, badInput(err)
	}
	var problems record.Problems
	route := v.register.Route(q.Route)
	if route == nil {
		problems.Add("request.route", name, "routes stand in the register's folder routes/", "the register has no route %q", q.Route)
	}
	if now := register.At(v.session.now()); now >= q.Expires {
		problems.Add("request.expired", name, "a new letter is a new request", "the request has expired and may not be answered (BAS-3)")
	}
	if v.register.Administrator(q.Initiator) == nil {
		problems.Add("request.initiator", name, "administrators stand in the register", "%q is not an administrator", q.Initiator)
	}
	if err := problems.Err(); err != nil {
		return nil, badInput(err)
	}
	err = v.store.PutRequest(ctx, v.session.now(), store.Request{ID: q.ID, Connector: route.Connector, Body: string(body), Digest: q.Digest(), Initiator: q.Initiator},
		&transferlog.Act{Actor: q.Initiator, Act: "request", Object: q.ID, Digest: q.Digest(), Reason: q.Number})
	if errors.Is(err, store.ErrEntered) {
		return nil, badInput(record.NewProblem("request.exists", name, "a request that was entered does not change; another one has another id", "request %q has been entered already", q.ID))
	}
	if err != nil {
		return nil, environment(err)
	}
	return q, nil
}

func (s *session) approveCommand() *cobra.Command {
	var who, key string
	var route bool
	cmd := &cobra.Command{
		Use:   "approve REQUEST --as ID --key FILE | approve --route ROUTE --as ID --key FILE",
		Short: "Approve a request, or a route of the register, by its digest",
		Long: `Signs the digest of a request (or with --route, of a route with everything it refers to). Two different people approve, neither of them its
initiator or author; what they approve is exactly these bytes. The second approval of a request lets it run at once. A route's approval is
printed as YAML for the register's approvals.yaml.`,
		Args: exactly(1, "one request or route"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := s.open(cmd.Context(), parts{store: true})
			if err != nil {
				return err
			}
			defer v.Close()
			private, err := readAdminKey(key)
			if err != nil {
				return err
			}
			if route {
				return s.approveRoute(v, args[0], who, private)
			}
			ready, err := v.approveRequest(cmd.Context(), args[0], who, private)
			if err != nil {
				return err
			}
			s.result = map[string]any{"request": args[0], "approver": who, "in_force": ready}
			if !ready {
				s.code = exitHeld
				s.say("Approved by %s. One more administrator must approve it.", who)
				return nil
			}
			s.say("Approved by %s. The request is due now: \"almasu serve\" sends it.", who)
			return nil
		},
	}
	cmd.Flags().StringVar(&who, "as", "", "the administrator's id")
	cmd.Flags().StringVar(&key, "key", "", "the file of the administrator's private key (PEM)")
	cmd.Flags().BoolVar(&route, "route", false, "approve a route of the register")
	return cmd
}

// readAdminKey reads an administrator's Ed25519 key.
func readAdminKey(path string) (ed25519.PrivateKey, error) {
	var problems record.Problems
	b := readSecret(path, &problems, "approve.key_missing")
	if err := problems.Err(); err != nil {
		return nil, badInput(err)
	}
	block, _ := pem.Decode(b)
	if block != nil {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if private, ok := key.(ed25519.PrivateKey); ok {
				return private, nil
			}
		}
	}
	return nil, badInput(record.NewProblem("approve.key", path, "make one with: almasu keys generate --administrator", "expected an Ed25519 private key in PEM (PKCS#8)"))
}

// signApproval makes a person's approval, and refuses one that the register would not count.
func (v *service) signApproval(kind, name, author string, digest record.Digest, who string, key ed25519.PrivateKey) (register.Approval, error) {
	a := register.SignApproval(key, kind, name, digest, who, register.Instant(v.session.now().UnixMicro()))
	admin := v.register.Administrator(who)
	switch {
	case admin == nil:
		return a, badInput(record.NewProblem("approve.unknown", "", "administrators stand in the register", "%q is not an administrator", who))
	case who == author:
		return a, badInput(record.NewProblem("approve.own", "", "two others approve it (ADM-1)", "%s drew it up and cannot approve it", who))
	case !a.Verify(admin):
		return a, badInput(record.NewProblem("approve.other_key", "", "use the key whose public half stands in the register", "this is not %s's key", who))
	}
	return a, nil
}

// approveRequest stores an approval; with the second one the request falls due.
func (v *service) approveRequest(ctx context.Context, id, who string, key ed25519.PrivateKey) (ready bool, err error) {
	q, err := v.request(ctx, id)
	if err != nil {
		return false, err
	}
	if err := v.approvable(q); err != nil {
		return false, badInput(err)
	}
	a, err := v.signApproval(register.ApproveRequest, q.ID, q.Initiator, q.Digest(), who, key)
	if err != nil {
		return false, err
	}
	body, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	now := v.session.now()
	err = v.store.PutApproval(ctx, now, id, store.Approval{Approver: who, Body: string(body), At: now}, &transferlog.Act{
		Actor: who, Act: "approve_request", Object: id, Digest: q.Digest(), Signature: base64.StdEncoding.EncodeToString(a.Signature)})
	if errors.Is(err, store.ErrTwice) {
		return false, badInput(record.NewProblem("approve.twice", "", "another administrator approves it", "%s has approved this request already", who))
	}
	if err != nil {
		return false, environment(err)
	}
	if q, err = v.request(ctx, id); err != nil {
		return false, err
	}
	if v.approvers(q) < 2 {
		return false, nil
	}
	err = v.store.Enter(ctx, v.session.now(), scheduler.Due{Job: v.register.Route(q.Route).Connector, At: now, Cause: scheduler.CauseAdHoc, State: scheduler.StateWaiting,
		Actor: q.Initiator, Reason: q.Number, Request: q.ID})
	return err == nil, err
}

// approvers counts the approvals of a request that the register counts now.
func (v *service) approvers(q *legal.Request) int {
	return len(v.register.Approvers(q.Approvals, register.ApproveRequest, q.ID, q.Digest(), q.Initiator, register.At(v.session.now())))
}

// approvable refuses what needs no approval any more.
func (v *service) approvable(q *legal.Request) error {
	switch {
	case register.At(v.session.now()) >= q.Expires:
		return record.NewProblem("approve.expired", "", "a new letter is a new request", "request %s has expired and may not be answered (BAS-3)", q.ID)
	case v.approvers(q) >= 2:
		return record.NewProblem("approve.enough", "", "see: almasu transfers", "two administrators have approved request %s already", q.ID)
	}
	return nil
}

// approveRoute prints a route's approval for approvals.yaml.
func (s *session) approveRoute(v *service, name, who string, key ed25519.PrivateKey) error {
	for _, one := range v.register.Approvables() {
		if one.Name != name {
			continue
		}
		a, err := v.signApproval(one.Kind, one.Name, one.Author, one.Digest, who, key)
		if err != nil {
			return err
		}
		text, err := register.MarshalApprovals([]register.Approval{a})
		if err != nil {
			return err
		}
		s.result = map[string]any{"kind": one.Kind, "name": one.Name, "digest": one.Digest.String(), "approval": string(text)}
		s.say("# add this to the register's approvals.yaml\n%s", text)
		return nil
	}
	return badInput(record.NewProblem("approve.unknown_route", "", "routes stand in the register's folder routes/", "the register has no route or back-dated policy %q", name))
}
