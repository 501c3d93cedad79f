package store

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/fault"
)

// InsistKey refuses a key that is not the one this store was first used with, with the code store.other_key: under another key of pseudonyms nobody who is
// blocked would be known. The store keeps the first 16 bytes of HMAC-SHA256 under the key over "almasu-key-check/v1" and the name. The first who may write
// into the store enters it.
func (s *Store) InsistKey(ctx context.Context, name string, key []byte) error {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("almasu-key-check/v1\x00" + name))
	value := mac.Sum(nil)[:16]
	const look = "SELECT value FROM key_check WHERE name = $1"
	var held []byte
	err := s.db.GetContext(ctx, &held, look, name)
	if errors.Is(err, sql.ErrNoRows) {
		if _, err = s.db.ExecContext(ctx, "INSERT INTO key_check (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, value); err == nil {
			err = s.db.GetContext(ctx, &held, look, name)
		} else if code := record.CodeOf(fault.Wrap(err)); code == fault.Rights || code == fault.ReadOnly { // who only reads is told when somebody has written
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("comparing the key %s with the store's: %w", name, err)
	}
	if !bytes.Equal(held, value) {
		return record.NewProblem("store.other_key", "", "put the file back from your copy of the keys; it cannot be made anew, and is not rotated",
			"the key %s is not the one that this store was made with: nobody who is blocked would be known under it", name)
	}
	return nil
}
