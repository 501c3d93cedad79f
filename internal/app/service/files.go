package service

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/app/peer"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
	"birgeoqy.kz/almasu/schemas"
)

// readKeyset reads the sealing keys: all that are listed verify in their periods, the one in force signs.
func (v *Service) readKeyset(path string, ps *record.Problems) {
	b := ReadSecret(path, ps, "config.key_missing")
	if b == nil {
		return
	}
	var err error
	if v.Keyset, err = signing.ParseKeyset(path, b); err != nil {
		ps.Merge(err, "config.key", path)
		return
	}
	v.Ring = signing.NewKeyring("self")
	now := v.Env.Now()
	current, err := v.Keyset.Current(now)
	if err != nil {
		ps.Merge(err, "config.key", path)
		return
	}
	for _, e := range v.Keyset.Entries {
		file := filepath.Join(filepath.Dir(path), e.Path)
		secret := ReadSecret(file, ps, "config.key_missing")
		if secret == nil {
			continue
		}
		key, err := e.Key(func(string) ([]byte, error) { return secret, nil })
		if err == nil {
			err = v.Ring.Add(key.Public(), e.NotBefore, e.NotAfter)
		}
		if err != nil {
			ps.Merge(peer.Located(err, file), "config.key", file)
			continue
		}
		if e.KeyID == current.KeyID {
			v.Seal = key
		}
	}
}

// private reports whether a file is private to this process.
func private(info os.FileInfo) bool {
	groups, err := os.Getgroups()
	return err == nil && privateTo(info, append(groups, os.Getegid()))
}

// privateTo reports whether nobody but its owner may read a file; or, if it is root's, nobody but one of the groups, which may read it and no more: so a
// cluster mounts secrets.
func privateTo(info os.FileInfo, groups []int) bool {
	mode := info.Mode().Perm()
	if mode&0o077 == 0 {
		return true
	}
	file, ok := info.Sys().(*syscall.Stat_t)
	return ok && mode&0o037 == 0 && file.Uid == 0 && file.Gid != 0 && slices.Contains(groups, int(file.Gid))
}

// ReadSecret is [ReadFile] for a file that must be private to the service.
func ReadSecret(path string, ps *record.Problems, code string) []byte {
	info, err := os.Stat(path)
	if err == nil && !private(info) {
		ps.Add("config.secret_readable", path, "run: chmod 600 "+path, "others than its owner may read this secret (mode %#o)", info.Mode().Perm())
		return nil
	}
	return ReadFile(path, ps, code)
}

// ReadFile reads a file, or adds to ps why it cannot be read, with a code.
func ReadFile(path string, ps *record.Problems, code string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		hint := "check the path"
		switch {
		case errors.Is(err, os.ErrPermission):
			hint = "let the service's user read it"
		case code == "config.key_missing":
			hint = "check the path in the configuration; the keys of a new deployment are made by: almasu keys generate FOLDER"
		}
		ps.Add(code, path, hint, "the file cannot be read: %v", record.WithoutPath(err))
		return nil
	}
	return b
}

func (v *Service) readKeys(ps *record.Problems) {
	k := &v.File.Keys
	at := v.File.Path
	if b := ReadSecret(at(k.Log), ps, "config.key_missing"); b != nil {
		var err error
		v.Log, err = transferlog.New(string(b))
		ps.Merge(err, "config.key", at(k.Log))
	}
	if b := ReadSecret(at(k.Vault), ps, "config.key_missing"); b != nil {
		var err error
		v.vault, err = vault.Parse(b)
		ps.Merge(peer.Located(err, at(k.Vault)), "config.key", at(k.Vault))
	}
	if b := ReadSecret(at(k.Pseudonym), ps, "config.key_missing"); b != nil {
		raw, err := hex.DecodeString(strings.TrimSpace(string(b)))
		if err != nil || len(raw) != 32 {
			ps.Add("config.key", at(k.Pseudonym), "make one with: almasu keys generate", "expected 64 hexadecimal digits")
		}
		v.Pseudonym = raw
	}
	v.readKeyset(at(k.Seal), ps)
}

// within makes the places of problems, which begin with a file's name in a folder, begin with the folder.
func within(err error, dir string) error {
	var ps record.Problems
	if !errors.As(err, &ps) {
		return err
	}
	for _, p := range ps {
		p.Where = filepath.Join(dir, p.Where)
	}
	return ps
}

func (v *Service) readRegister(ps *record.Problems) {
	dir := v.File.Path(v.File.Register)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		ps.Add("config.register_missing", dir, "check the path in the configuration", "the register's folder cannot be read")
		return
	}
	var err error
	v.Register, err = legal.Load(os.DirFS(dir))
	ps.Merge(within(err, dir), "register.unreadable", dir)
}

func (v *Service) readRelations(ps *record.Problems) {
	path := v.File.Path(v.File.Platform.Relations)
	if b := ReadFile(path, ps, "config.relations_missing"); b != nil {
		var err error
		v.Relations, err = platform.LoadConfig(path, b)
		ps.Merge(err, "source.config", path)
	}
}

func (v *Service) readSchemas(ps *record.Problems) {
	dir := v.File.Path(v.File.Schemas)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		ps.Add("config.schemas_missing", dir, "check the path in the configuration", "the schemas' folder cannot be read")
		return
	}
	var err error
	v.schemas, err = schemas.LoadSet(os.DirFS(dir), peer.Foreign(v.File)...)
	ps.Merge(within(err, dir), "schema.unreadable", dir)
}

// Read implements [peer.Files].
func (v *Service) Read(path string, ps *record.Problems, code string) []byte {
	return ReadFile(v.File.Path(path), ps, code)
}

// Secret implements [peer.Files].
func (v *Service) Secret(path string, ps *record.Problems, code string) []byte {
	return ReadSecret(v.File.Path(path), ps, code)
}

// Path implements [peer.Files].
func (v *Service) Path(path string) string { return v.File.Path(path) }
