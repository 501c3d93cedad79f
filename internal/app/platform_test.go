package app

import (
	"github.com/jmoiron/sqlx"
)

// anIIN returns the IIN of the demonstration's first pupil who was sent to the ministry, lastIIN that of the last.
func anIIN(platform string) (string, error)   { return oneIIN(platform, "ASC") }
func lastIIN(platform string) (string, error) { return oneIIN(platform, "DESC") }

func oneIIN(platform, order string) (string, error) {
	db, err := sqlx.Open("sqlite", "file:"+platform+"?mode=ro")
	if err != nil {
		return "", err
	}
	defer db.Close()
	var iin string
	err = db.Get(&iin, `SELECT p.iin FROM profiles p JOIN accounts a ON a.user_id = p.id WHERE length(p.iin) = 12 AND a.state = 'active'
		AND p.id NOT IN (SELECT user_id FROM blocks) AND p.family_name <> '' ORDER BY p.id `+order+` LIMIT 1`)
	return iin, err
}
