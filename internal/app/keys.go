package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/peer"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

func (s *session) keysCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "Make, show and rotate the service's keys"}
	var alg, origin string
	var administrator bool
	generate := &cobra.Command{
		Use: "generate FOLDER", Short: "Make the service's four keys, or an administrator's key",
		Long: `Makes log.key (signs checkpoints), seal.keyset with its key (seals envelopes and requests), vault.key (seals data at rest) and pseudonym.key in a folder,
readable by their owner only. Existing files are never overwritten. With --administrator it makes one administrator's key, admin.pem.`,
		Args: lawtool.Exactly(1, "one folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			if administrator {
				return s.generateAdministrator(args[0])
			}
			return s.generateKeys(args[0], signing.Alg(alg), origin)
		},
	}
	generate.Flags().StringVar(&alg, "alg", string(signing.Ed25519), "the sealing key's algorithm: ed25519, ecdsa-p256-sha256, rsa-pss-sha512 or rsa-v1_5-sha256")
	generate.Flags().StringVar(&origin, "origin", "birgeoqy.kz/almasu/log", "the log's name in its checkpoints")
	generate.Flags().BoolVar(&administrator, "administrator", false, "make one administrator's key")
	show := &cobra.Command{
		Use: "show", Short: "Show public keys and fingerprints, never secrets", Args: lawtool.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := s.open(cmd.Context(), service.Parts{Alone: true})
			if err != nil {
				return err
			}
			defer v.Close()
			return s.showKeys(v)
		},
	}
	var ahead, overlap time.Duration
	rotate := &cobra.Command{
		Use: "rotate", Short: "Make the next sealing key; it begins ahead, and the former stays valid for a while", Args: lawtool.Exactly(0, "no arguments"),
		Long: `Makes a new sealing key that begins to sign after --ahead, so that every recipient can provision its public half before; the former key verifies for
--overlap more, so that what waits in the outbox still arrives. The rotation is logged.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := s.open(cmd.Context(), service.Parts{Store: true, Alone: true})
			if err != nil {
				return err
			}
			defer v.Close()
			return s.rotateKey(cmd, v, ahead, overlap)
		},
	}
	rotate.Flags().DurationVar(&ahead, "ahead", 7*24*time.Hour, "how long from now the new key begins to sign")
	rotate.Flags().DurationVar(&overlap, "overlap", 30*24*time.Hour, "how long the former key stays valid")
	cmd.AddCommand(generate, show, rotate)
	return cmd
}

func (s *session) generateKeys(dir string, alg signing.Alg, origin string) error {
	keys, err := setup.ServiceKeys(alg, origin)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return exit.Environment(err)
	}
	var made []string
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		path := filepath.Join(dir, name)
		if err := setup.WriteNew(path, keys[name], 0o600); err != nil {
			return err
		}
		made = append(made, path)
	}
	s.result = map[string]any{"files": made}
	for _, path := range made {
		s.say("made %s", path)
	}
	return nil
}

func (s *session) generateAdministrator(dir string) error {
	_, pemBytes, public, err := setup.Administrator()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return exit.Environment(err)
	}
	path := filepath.Join(dir, "admin.pem")
	if err := setup.WriteNew(path, pemBytes, 0o600); err != nil {
		return err
	}
	s.result = map[string]string{"file": path, "public_key": public}
	s.say("made %s\npublic_key for the register's administrators.yaml: %s", path, public)
	return nil
}

func (s *session) showKeys(v *service.Service) error {
	keys := append([]signing.Listed{{Use: "log", ID: v.Log.Origin(), Public: v.Log.PublicKey().String()}}, v.Ring.Listing("seal")...)
	var missing record.Problems
	for i := range v.File.Connectors {
		c := &v.File.Connectors[i]
		keys = append(keys, peer.Ring(c, v.Recipient(v.Connections[c.Name]), v, &missing).Listing("receipts of "+c.Name)...)
	}
	s.result = keys
	if !s.json {
		signing.WriteListing(s.stdout, keys, missing)
	}
	return nil
}

func (s *session) rotateKey(cmd *cobra.Command, v *service.Service, ahead, overlap time.Duration) error {
	begin := s.now().Add(ahead)
	if overlap <= 0 || ahead < 0 {
		return exit.BadInput(record.NewProblem("usage.overlap", "", "", "--overlap must be positive, and --ahead not negative"))
	}
	path := v.File.Path(v.File.Keys.Seal)
	fresh, err := signing.GenerateKey(v.Seal.Alg(), rand.Reader)
	if err != nil {
		return err
	}
	secret, err := fresh.PEM()
	if err != nil {
		return err
	}
	now, name := fresh.Public(), setup.KeyFileName(fresh.Public())
	next, err := v.Keyset.Rotate(now, name, begin, time.Time{}, overlap)
	if err != nil {
		return exit.BadInput(err)
	}
	if err := setup.WriteNew(filepath.Join(filepath.Dir(path), name), secret, 0o600); err != nil {
		return err
	}
	if err := replaceSecret(path, next.Format()); err != nil {
		return exit.Environment(err)
	}
	_, err = v.Store.Append(cmd.Context(), s.now(), &transferlog.Act{Actor: service.Login(), Act: "keys.rotate", Object: now.ID(), Digest: record.DigestOf(now.PEM())})
	if err != nil {
		return exit.Environment(err)
	}
	s.result = map[string]string{"id": now.ID(), "fingerprint": now.Fingerprint()}
	s.say("New sealing key %s, fingerprint %s. It signs from %s; the former verifies for %s more. Send the public key to the recipients:\n%s",
		now.ID(), now.Fingerprint(), begin.UTC().Format(time.RFC3339), overlap, now.PEM())
	return nil
}

// replaceSecret replaces a secret file: written aside, made durable, renamed over it.
func replaceSecret(path string, data []byte) error {
	aside := path + ".new"
	if err := os.Remove(aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := setup.WriteNew(aside, data, 0o600); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return fmt.Errorf("replacing the key: %w", err)
	}
	return nil
}
