// Package pgtest starts a private PostgreSQL cluster for tests and benchmarks, from the programs that are installed on the machine.
//
// # Guarantees
//
//   - The cluster lives in a new directory of its own and listens on a Unix socket in it, on no network port. Its superuser
//     is "postgres", without a password; nobody else can reach the socket, because the directory is private.
//   - The server never runs as root: under root it runs as "postgres" or "nobody", who then own the directory.
//   - A cluster can have a streaming replica ([Cluster.Standby]), be halted and resumed ([Cluster.Halt]), be ended without a word ([Cluster.Crash]), and a replica promoted.
//   - fsync is on, so that what is measured and killed behaves as in production.
//   - Nothing is left behind: the server is the child of a small shell that waits for the end of a pipe which this process holds. When
//     the process ends, in whatever way, the shell stops the server and removes the directory.
//   - [New] gives each test a database of its own in the one cluster of the test program; [NewFrom] copies it from a
//     template that is prepared once.
//
// The programs initdb and postgres are looked for on PATH, then in /usr/lib/postgresql/*/bin, the highest version first. A
// test without them is skipped, saying what to install; with ALMASU_REQUIRE_PG=1 it fails.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver "postgres"
)

// ErrNotInstalled is returned where initdb and postgres are not found.
var ErrNotInstalled = errors.New("initdb and postgres are neither on PATH nor in /usr/lib/postgresql/*/bin: install PostgreSQL (Debian: apt-get install postgresql)")

// errNoUser is returned under root where there is nobody else to run the server.
var errNoUser = errors.New("PostgreSQL does not run as root, and the machine has neither a user postgres nor a user nobody")

// startTimeout bounds making and starting a cluster.
const startTimeout = 2 * time.Minute

// supervisor makes the cluster in $1 with the programs in $2, as a replica of the one whose socket is in $3 if that is not empty, runs the server with the
// remaining arguments until standard input ends, and removes $1. On failure it writes the log to standard error.
const supervisor = `
dir=$1 bin=$2 primary=$3
shift 3
cd "$dir" && exec 3<&0 || exit 1
make() {
	if [ -n "$primary" ]
	then "$bin/pg_basebackup" -h "$primary" -U postgres -D data -R -X stream -C -S "$(basename "$dir" | tr -c 'a-z0-9\n' _)" -c fast --no-sync
	else "$bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync
	fi
}
if make >log 2>&1 </dev/null
then
	{ read -r _; : >ended; while :; do kill -INT "$(head -n 1 data/postmaster.pid)"; sleep 0.2; done; } <&3 2>/dev/null &
	watch=$!
	while
		"$bin/postgres" -D data -k "$dir" -c listen_addresses= "$@" >>log 2>&1 </dev/null &
		wait "$!" && code=0 || code=1
		while [ -e halted ] && [ ! -e ended ]; do sleep 0.1; done
		[ -e resumed ] && [ ! -e ended ]
	do rm -f resumed; done
	kill "$watch" 2>/dev/null
else
	code=1
fi
[ "$code" = 0 ] || tail -n 20 log >&2
cd / && rm -rf "$dir"
exit "$code"
`

// Cluster is a running server.
type Cluster struct {
	dir    string
	bin    string
	keep   io.Closer     // the pipe that keeps the server alive
	ended  chan struct{} // closed when the supervisor has ended
	stderr strings.Builder
}

// Start makes a cluster in a new directory inside dir (the system's temporary directory, if dir is empty; a long path does not do, because
// a socket's path may have 107 bytes) and starts it. Each setting is "name=value" of postgresql.conf. The caller stops the cluster with [Cluster.Stop].
func Start(dir string, settings ...string) (*Cluster, error) { return begin(dir, "", settings) }

// Standby starts a streaming replica of the cluster, in a directory of its own beside it. It follows, and is read-only, until [Cluster.Promote].
func (c *Cluster) Standby(settings ...string) (*Cluster, error) {
	return begin(filepath.Dir(c.dir), c.dir, settings)
}

// Promote makes a replica a server of its own that takes writes, and returns when it does.
func (c *Cluster) Promote(ctx context.Context) error {
	db, err := sqlx.Open("postgres", c.DSN("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	var promoted bool
	if err := db.GetContext(ctx, &promoted, "SELECT pg_promote(true, 60)"); err != nil || !promoted {
		return errors.Join(errors.New("the replica was not promoted"), err)
	}
	return nil
}

// Halt ends the server at once, as for its maintenance: connections are cut, its data stay, and nobody listens until [Cluster.Resume].
func (c *Cluster) Halt() error {
	if err := os.WriteFile(filepath.Join(c.dir, "halted"), nil, 0o600); err != nil {
		return fmt.Errorf("halting the server: %w", err)
	}
	pid, err := c.server()
	if err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for err = syscall.Kill(pid, syscall.SIGINT); err == nil; err = syscall.Kill(pid, 0) {
		<-tick.C
	}
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// Resume starts a server that was halted, with the settings it had, and returns when it answers.
func (c *Cluster) Resume(ctx context.Context) error {
	if err := os.Rename(filepath.Join(c.dir, "halted"), filepath.Join(c.dir, "resumed")); err != nil {
		return fmt.Errorf("starting the server again: %w", err)
	}
	return c.await(ctx)
}

// Crash ends the server as a machine does that fails: without a word to anybody, and without writing what it has in memory. [Cluster.Stop] follows.
func (c *Cluster) Crash() error {
	pid, err := c.server()
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// server is the id of the server's process.
func (c *Cluster) server() (int, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, "data", "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("looking for the server's process: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return 0, fmt.Errorf("looking for the server's process: %w", err)
	}
	return pid, nil
}

func begin(dir, primary string, settings []string) (*Cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	user, err := serverUser()
	if err != nil {
		return nil, err
	}
	own, err := os.MkdirTemp(dir, "pg")
	if err != nil {
		return nil, fmt.Errorf("making the cluster's directory: %w", err)
	}
	c := &Cluster{dir: own, bin: bin, ended: make(chan struct{})}
	if err := c.launch(user, primary, settings); err != nil {
		return nil, errors.Join(err, os.RemoveAll(own))
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := c.await(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// launch starts the supervisor as user (nil: as this process).
func (c *Cluster) launch(user *syscall.Credential, primary string, settings []string) error {
	if user != nil {
		if err := os.Chown(c.dir, int(user.Uid), int(user.Gid)); err != nil {
			return fmt.Errorf("giving the directory to the server's user: %w", err)
		}
	}
	args := []string{"-c", supervisor, "pgtest", c.dir, c.bin, primary}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	cmd := exec.Command("/bin/sh", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: user}
	cmd.Stderr = &c.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("making the supervisor's pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	c.keep = in
	go func() {
		_ = cmd.Wait() // the reason of a failure is in stderr
		close(c.ended)
	}()
	return nil
}

// await returns when the server answers.
func (c *Cluster) await(ctx context.Context) error {
	db, err := sqlx.Open("postgres", c.DSN("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-c.ended:
			return fmt.Errorf("the server did not start: %s", strings.TrimSpace(c.stderr.String()))
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		case <-tick.C:
		}
	}
}

// DSN returns the connection string of a database for the driver "postgres", as the cluster's superuser.
func (c *Cluster) DSN(database string) string { return c.DSNFor(database, "postgres") }

// DSNFor returns the connection string of a database for a role, which needs no password.
func (c *Cluster) DSNFor(database, role string) string {
	return fmt.Sprintf("host=%s dbname=%s user=%s sslmode=disable", c.dir, database, role)
}

// Dir returns the directory of the cluster; it holds the socket (psql -h), the file log and the folder data.
func (c *Cluster) Dir() string { return c.dir }

// Program returns the path of one of the installation's programs, e.g. "psql".
func (c *Cluster) Program(name string) string { return filepath.Join(c.bin, name) }

// Stop ends the server at once (connections are cut) and removes its directory. It may be called again.
func (c *Cluster) Stop() {
	_ = c.keep.Close()
	<-c.ended
}

// programs returns the folder that holds initdb and postgres.
func programs() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(folders, func(a, b string) int { return majorVersion(b) - majorVersion(a) })
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = slices.Insert(folders, 0, filepath.Dir(path))
		}
	}
	for _, folder := range folders {
		_, noInit := os.Stat(filepath.Join(folder, "initdb"))
		_, noServer := os.Stat(filepath.Join(folder, "postgres"))
		if noInit == nil && noServer == nil {
			return folder, nil
		}
	}
	return "", ErrNotInstalled
}

func majorVersion(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}
