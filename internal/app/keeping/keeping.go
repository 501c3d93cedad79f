// Package keeping holds the commands that keep the service's store: back it up, restore it, compare it with the recipients, and destroy what is kept
// no longer.
//
// # Commands
//
//	backup FILE|FOLDER   one sealed file of the whole store, checked after it was written (package backup)
//	restore FILE         into an empty store; then every recipient is compared
//	reconcile            compares with every recipient, and ends the store's doubt where none is ahead (package standing)
//	log begin            begins a new log, where a recipient proves that the old one is lost, with the blocks and holds of the old store
//	retention            destroys the keys of periods that are over (package retention)
//
// # Before each run
//
// [Admit] is called when the service starts and before each run, so that an older copy of the store that somebody has put back without these commands
// is noticed before anything is logged or sent. A recipient that does not answer hinders nothing unless the store is in doubt.
//
// Exit codes and errors are those of package lawtool.
package keeping

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/backup"
	"birgeoqy.kz/almasu/internal/store/standing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// patience is how long a recipient has to say what it holds.
const patience = 10 * time.Second

// Recipient is somebody to compare with.
type Recipient struct {
	BIN string
	// Ask returns what the recipient holds, with its messages from a number on; nil where there is no way to ask.
	Ask func(ctx context.Context, from uint64) (*signing.Standing, error)
}

// Service is an opened deployment.
type Service struct {
	Store      *store.Store
	Recipients []Recipient
	// Roster makes a roster for one goroutine.
	Roster func() (*roster.Roster, error)
	// Retention says how long what is kept.
	Retention config.Retention
	// Verify checks the whole log.
	Verify func(ctx context.Context) (*evidence.Report, error)
	Close  func()
}

// Env is what the commands need of the program around them.
type Env struct {
	lawtool.Env
	// OpenStore opens the deployment with its store; unmigrated says that the store's schema need not be there.
	OpenStore func(ctx context.Context, unmigrated bool) (*Service, error)
	// OpenOther opens the deployment of another configuration with its store.
	OpenOther func(ctx context.Context, config string) (*Service, error)
}

// Commands returns the commands.
func Commands(env Env) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.backupCommand(), t.restoreCommand(), t.reconcileCommand(), t.retentionCommand()}
}

// tool is one invocation.
type tool struct{ Env }

func (t *tool) backupCommand() *cobra.Command {
	var actor string
	cmd := &cobra.Command{
		Use: "backup FILE|FOLDER", Short: "Write the whole store into one sealed file, and check it", Args: lawtool.Exactly(1, "a file or a folder"),
		Long: `Writes everything that the store holds at one moment into one file, also while the service runs: compressed, and sealed with the vault's key. The
file is read again and checked before it gets its name: every row, and the log against its signed checkpoint. In a folder the name is made of the time.

Keep it away from the keys: without vault.key nobody can read it, and nobody can restore it.`,
		Example: "  almasu backup /var/backups/almasu",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			v, err := t.OpenStore(ctx, false)
			if err != nil {
				return err
			}
			defer v.Close()
			path := args[0]
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				path = filepath.Join(path, "almasu-"+t.Now().UTC().Format("20060102T150405Z")+".backup")
			}
			act := &transferlog.Act{Actor: actor, Act: "backup", Object: filepath.Base(path)}
			if _, err := v.Store.Append(ctx, t.Now(), act); err != nil && record.CodeOf(err) != "restore.not_compared" { // a store in doubt is worth a copy
				return t.failure(err)
			}
			sum, err := backup.Write(ctx, v.Store, path, t.Now())
			if err != nil {
				return t.failure(err)
			}
			t.Result(map[string]any{"file": path, "backup": sum})
			t.saySummary(path, sum)
			return nil
		},
	}
	cmd.Flags().StringVar(&actor, "as", t.User, "who makes it, for the log")
	return cmd
}

// failure marks an error of the environment; problems stay what they are.
func (t *tool) failure(err error) error {
	if record.CodeOf(err) != "" {
		return err
	}
	return t.Environment(err)
}

func (t *tool) saySummary(path string, sum *backup.Summary) {
	var rows int64
	for _, n := range sum.Rows {
		rows += n
	}
	m := sum.Manifest
	t.Say("%s: %d bytes, %d rows in %d tables, made %s", path, sum.Bytes, rows, len(sum.Rows), m.Made)
	t.Say("  log %s: %d entries, agree with their signed checkpoint", m.Origin, m.Size)
	for _, recipient := range slices.Sorted(mapKeys(m.Sequences)) {
		t.Say("  recipient %s: last number %d", recipient, m.Sequences[recipient]-1)
	}
	t.Say("  %s", sum.SHA256)
}

func mapKeys(m map[string]int64) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (t *tool) restoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Fill an empty store from a backup; nothing is sent before each recipient was compared", Args: lawtool.Exactly(1, "a file"),
		Long: `Checks the whole file, and only then writes it into the configured store, which must be empty: PostgreSQL or SQLite, whatever the backup is of. The
schema is made if it is missing; on PostgreSQL that needs the owner's rights, as almasu migrate does. Then the log is verified.

The restored store may be older than what the recipients know. It logs and sends nothing until almasu reconcile has compared it with each of them.`,
		Example: "  almasu restore almasu-20261122T190000Z.backup && almasu reconcile",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			f, err := os.Open(args[0])
			if err != nil {
				return t.Environment(err)
			}
			defer f.Close()
			v, err := t.OpenStore(ctx, true)
			if err != nil {
				return err
			}
			defer v.Close()
			if err := v.Store.Check(ctx); errors.Is(err, store.ErrSchema) {
				if _, err := backup.Check(f, v.Store.Vault(), v.Store.PublicKey()); err != nil { // before anything is made
					return t.failure(err)
				}
				if _, err := f.Seek(0, 0); err != nil {
					return t.Environment(err)
				}
				if _, err := v.Store.Migrate(ctx); err != nil {
					return t.Environment(err)
				}
			} else if err != nil {
				return t.Environment(err)
			}
			sum, err := backup.Restore(ctx, v.Store, f)
			if err != nil {
				return t.failure(err)
			}
			report, err := v.Verify(ctx)
			if err != nil {
				return err
			}
			t.Result(map[string]any{"file": args[0], "backup": sum, "log": report})
			t.saySummary(args[0], sum)
			if !report.OK() {
				t.Code(1)
				t.Say("Restored, and the log does not verify: %d findings. See: almasu log verify", report.Total)
				return nil
			}
			t.Say("Restored, and the log verifies. Nothing is sent before each recipient was compared: almasu reconcile")
			return nil
		},
	}
	return cmd
}

func (t *tool) reconcileCommand() *cobra.Command {
	var stated []string
	var actor, reason string
	cmd := &cobra.Command{
		Use: "reconcile", Short: "Compare the store with what each recipient holds, and let it go on if none is ahead", Args: lawtool.Exactly(0, "no arguments"),
		Long: `Asks each recipient for its last number and for the checkpoint of our log that it holds, and compares. If the store holds all that each of them
knows, a store in doubt goes on, and the log says so. If one is ahead, the store is an older copy: it stays as it is, and what the recipient has and the store has
not is listed with message and receipt. Restore a newer copy then.

A recipient that cannot be asked is asked by another way (authority status, on its side). If it is not ahead, say so: --stated BIN, with a reason.`,
		Example: "  almasu reconcile --stated 351240000040 --reason \"their letter no. 5: last number 12, log of 80 entries\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(stated) > 0 && strings.TrimSpace(reason) == "" {
				return lawtool.Usage(cmd, "reason", "say how the recipient was asked, and what it answered: --reason TEXT")
			}
			ctx := cmd.Context()
			v, err := t.OpenStore(ctx, false)
			if err != nil {
				return err
			}
			defer v.Close()
			results, settled, err := v.reconcile(ctx, t.Now(), actor, reason, stated)
			if err != nil {
				return t.failure(err)
			}
			t.Result(map[string]any{"recipients": results, "may_send": settled})
			t.sayResults(results, settled)
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&stated, "stated", nil, "BIN of a recipient that was asked by another way, and is not ahead; may be repeated")
	cmd.Flags().StringVar(&actor, "as", t.User, "who compares, for the log")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the log")
	return cmd
}

func (t *tool) sayResults(results []*standing.Result, settled bool) {
	for _, r := range results {
		switch {
		case r.Stated:
			t.Say("%s: not ahead, by your statement", r.Recipient)
		case r.OK():
			t.Say("%s: has number %d of %d, log of %d of %d entries: all of it is in this store", r.Recipient, r.Last, r.Next-1, r.HeldSize, r.Size)
		case r.Ahead():
			t.Say("%s: AHEAD: has number %d of %d, log of %d of %d entries [%s]", r.Recipient, r.Last, r.Next-1, r.HeldSize, r.Size, r.Code)
			for _, m := range r.Unknown {
				t.Say("  has number %d, which this store has not: message %s, envelope %s, receipt %s", m.Sequence, m.Message, m.Envelope, record.DigestOf(m.Receipt))
			}
		default:
			t.Say("%s: not compared [%s]", r.Recipient, r.Code)
		}
	}
	switch {
	case settled && slices.ContainsFunc(results, func(r *standing.Result) bool { return !r.OK() }):
		t.Code(1)
		t.Say("The store is not in doubt and may log and send; not everybody was compared.")
	case settled:
		t.Say("The store holds all that its recipients know: it may log and send.")
	case slices.ContainsFunc(results, (*standing.Result).Ahead):
		t.Code(1)
		t.Say("This store is an older copy: nothing is logged or sent. Restore a newer one (a replica, the write-ahead log, a later backup).")
	default:
		t.Code(1)
		t.Say("Nothing is logged or sent before every recipient was compared. Ask those that do not answer by another way, then use --stated.")
	}
}

// reconcile compares with every recipient; settled says that the store may log and send.
func (v *Service) reconcile(ctx context.Context, now time.Time, actor, reason string, stated []string) (results []*standing.Result, settled bool, err error) {
	settled = true
	for _, to := range v.Recipients {
		r, err := v.compare(ctx, to, slices.Contains(stated, to.BIN))
		if err != nil {
			return nil, false, err
		}
		results, settled = append(results, r), settled && r.OK()
	}
	doubt, err := standing.InDoubt(ctx, v.Store, standing.Recipients(results)...)
	if err != nil {
		return nil, false, err
	}
	switch {
	case slices.ContainsFunc(results, (*standing.Result).Ahead):
		if !doubt {
			err = standing.Doubt(ctx, v.Store)
		}
		return results, false, err
	case !settled:
		return results, !doubt, nil
	case !doubt && reason == "":
		return results, true, nil
	}
	return results, true, standing.Settle(ctx, v.Store, now, actor, reason, results)
}

// compare compares with one recipient. One that does not answer is a result; an error is our own.
func (v *Service) compare(ctx context.Context, to Recipient, stated bool) (*standing.Result, error) {
	if to.Ask == nil {
		if stated {
			return &standing.Result{Recipient: to.BIN, Stated: true}, nil
		}
		return &standing.Result{Recipient: to.BIN, Code: "standing.no_way_to_ask"}, nil
	}
	from, err := standing.From(ctx, v.Store, to.BIN)
	if err != nil {
		return nil, err
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	held, err := to.Ask(asking, from)
	if err != nil {
		if stated {
			return &standing.Result{Recipient: to.BIN, Stated: true}, nil
		}
		var failure *connectors.Failure
		if errors.As(err, &failure) {
			return &standing.Result{Recipient: to.BIN, Code: failure.Code}, nil
		}
		return nil, err
	}
	r, err := standing.Compare(ctx, v.Store, held)
	if err == nil && stated && r.Code == "standing.unproven" {
		r.Code, r.Stated = "", true
	}
	return r, err
}

// Admit compares with one recipient, or with all for the BIN "", before anything is logged for it. In a store in doubt all are compared, and the doubt ends
// if none is ahead. Codes: restore.not_compared, restore.recipient_ahead, log.inconsistent, standing.unproven.
func (v *Service) Admit(ctx context.Context, now time.Time, bin string) error {
	named := []string{}
	if bin != "" {
		named = append(named, bin)
	}
	doubt, err := standing.InDoubt(ctx, v.Store, named...)
	if err != nil {
		return err
	}
	if doubt {
		results, settled, err := v.reconcile(ctx, now, "service", "compared before the first message", nil)
		if err != nil || settled {
			return err
		}
		return problem(results)
	}
	for _, to := range v.Recipients {
		if to.Ask == nil || bin != "" && to.BIN != bin {
			continue
		}
		r, err := v.compare(ctx, to, false)
		if err != nil {
			return err
		}
		if r.Ahead() {
			if err := standing.Doubt(ctx, v.Store); err != nil {
				return err
			}
			return problem([]*standing.Result{r})
		}
		if r.Code == "standing.unproven" && bin != "" {
			return problem([]*standing.Result{r})
		}
	}
	return nil
}

// problem says what the comparison found.
func problem(results []*standing.Result) error {
	for _, r := range results {
		if r.Ahead() {
			return record.NewProblem(r.Code, "recipient "+r.Recipient, "this store is an older copy: see almasu reconcile, and restore a newer one",
				"the recipient holds what this store does not: number %d (here %d), a log of %d entries (here %d); nothing is logged or sent", r.Last, r.Next-1, r.HeldSize, r.Size)
		}
	}
	for _, r := range results {
		if r.Code == "standing.unproven" {
			return record.NewProblem(r.Code, "recipient "+r.Recipient, "compare with authority status on its side; see almasu reconcile --stated",
				"the recipient claims more than it proves: number %d (here %d)", r.Last, r.Next-1)
		}
	}
	var silent []string
	for _, r := range results {
		if !r.OK() {
			silent = append(silent, r.Recipient+" ["+r.Code+"]")
		}
	}
	return record.NewProblem("restore.not_compared", "", "see that they answer, or ask them by another way and state it: almasu reconcile --stated",
		"this store may be older than what its recipients know of it: nothing is sent or logged before they were compared; not compared: %s", strings.Join(silent, ", "))
}
