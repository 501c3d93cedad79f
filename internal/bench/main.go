// Command bench measures the whole road against its floor, on real parts, in one run.
//
// It starts a private PostgreSQL that is reached over loopback TCP (port 5432 must be free), loads synthetic pupils who all consent (with mixed lists of fields) into a platform's database, and then, interleaved:
//
//	floor  psql -c "COPY (SELECT the 8 columns) TO STDOUT" > /dev/null
//	road   almasu run oblast-consent, on PostgreSQL for platform and store, over TLS to an authority that verifies signature, digest,
//	       sequence, ticket and schema, stores, and signs receipts; as shipped binaries, in processes of their own
//
// The first road run meets people whom the service has never seen; the others know them. It prints wall times, their ratio to the floor's,
// and the peak memory of almasu for all the people and for ten thousand. Absolute seconds drift between machines: compare the ratios of
// one run. Then it runs the same through a relay, with a recipient that answers 50 ms later, and one that does not. It exits with 1 if a bar is missed: 3 times for
// the slow recipient, 6 times the floor, for XML 7 times (median of the runs), 128 MiB, 1.2 times the memory of ten thousand.
//
// With -delta it measures runs that compare everybody with what the recipient holds: the first sends all, the others follow changes of 0, 1 and 10 % of the people on the
// platform (bars 3, 3 and 3.5 times the floor), and the authority's store must have got exactly those whom a query of the platform names. Then the connector compares candidates: when nothing
// has changed a run takes at most 0.5 times the floor.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the PostgreSQL driver

	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/synth"
)

// The bars.
const (
	maxMemory = 128 << 20
	maxGrowth = 1.2
	few       = 10_000
)

// maxRatios are the bars of the forms, as multiples of the floor.
var maxRatios = map[string]float64{"json": 6, "csv": 6, "xml": 7}

// formFiles are the mapping and the schema of each form but JSON, which the example has; all of them hold the floor's eight columns.
var formFiles = map[string][2]string{
	"xml": {"internal/app/testdata/xml/oblast-consent.yaml", "internal/app/testdata/xml/birgeoqy-oblast-pupils-xml.v1.xsd"},
	"csv": {"deploy/birgeoqy/local/local-csv.v2.yaml", "deploy/birgeoqy/local/birgeoqy-local-pupils.v2.json"},
}

// floorSQL reads the eight columns that the road sends.
const floorSQL = "COPY (SELECT family_name, given_name, iin, phone, region, district, settlement, parent_phone FROM profiles) TO STDOUT"

func main() {
	people := flag.Int("people", 1_000_000, "how many people")
	runs := flag.Int("runs", 3, "how many runs of each")
	plain := flag.Bool("plain", false, "send over plain HTTP, as the floor's bytes are plain too")
	form := flag.String("form", "json", "the form of the documents: json, xml or csv")
	delta := flag.Bool("delta", false, "measure runs after 0, 1 and 10 % of the people have changed, in the place of the others")
	profile := flag.String("cpuprofile", "", "profile the last road run into this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *people, *runs, *plain, *delta, *form, *profile)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// world is the bench's databases and binaries.
type world struct {
	dir, bin string
	compare  string // what the deployments say of comparing
	plain    bool
	files    map[string][]byte
	ratio    float64
	cluster  *pgtest.Cluster
}

func run(ctx context.Context, people, runs int, plain, delta bool, form, profile string) (err error) {
	dir, err := os.MkdirTemp("", "almasu-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	w := &world{ratio: maxRatios[form], plain: plain, dir: dir, bin: filepath.Join(dir, "bin")}
	if w.ratio == 0 {
		return fmt.Errorf("the form %s is none of json, xml and csv", form)
	}
	if files, ok := formFiles[form]; ok {
		if w.files, err = setup.Forms("oblast-consent", files[0], files[1]); err != nil {
			return fmt.Errorf("the form %s (run it from the module's root): %w", form, err)
		}
	}
	step("building the binaries")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", w.bin+"/", "./cmd/almasu", "./cmd/authority").CombinedOutput(); err != nil {
		return fmt.Errorf("building (run it from the module's root): %w\n%s", err, out)
	}
	if w.cluster, err = pgtest.Start("", "shared_buffers=256MB", "max_wal_size=4GB", "listen_addresses=127.0.0.1"); err != nil {
		return err
	}
	defer w.cluster.Stop()
	if delta {
		return w.deltas(ctx, people, profile)
	}
	small, err := w.deploy(ctx, "small", few)
	if err != nil {
		return err
	}
	defer small.stop()
	large, err := w.deploy(ctx, "large", people)
	if err != nil {
		return err
	}
	defer large.stop()
	return errors.Join(w.measure(ctx, small, large, runs, profile), w.slow(ctx, large, runs))
}

// deployment is a platform of some size with its own service and authority.
type deployment struct {
	*setup.Example
	name string
}

func (d *deployment) stop() {
	if err := d.Oblast.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: stopping the authority:", err)
	}
}

func (w *world) deploy(ctx context.Context, name string, people int) (*deployment, error) {
	step("loading %d people", people)
	now := time.Now()
	for _, db := range []string{name + "_platform", name + "_store"} {
		if _, err := w.psql(ctx, "postgres", "CREATE DATABASE "+db); err != nil {
			return nil, err
		}
	}
	platform := w.dsn(name + "_platform")
	db, err := sqlx.Open("postgres", platform)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := synth.Load(ctx, db, synth.Options{People: people, Seed: 7, At: now, Willing: true}); err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, "VACUUM ANALYZE"); err != nil {
		return nil, err
	}
	d := &deployment{name: name, Example: &setup.Example{
		Dir: filepath.Join(w.dir, name), Now: now, PlatformDSN: platform, StoreDSN: w.dsn(name + "_store"), Batch: 2000, Plain: w.plain, Files: w.files, Compare: w.compare,
	}}
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return nil, err
	}
	if err := d.Build(ctx); err != nil {
		return nil, err
	}
	if err := d.Start(ctx, d.Oblast, now, filepath.Join(w.bin, "authority")); err != nil {
		return nil, err
	}
	d.Ministry.URL = d.Oblast.URL // nothing is sent there
	if err := d.WriteConfig(now); err != nil {
		return nil, err
	}
	if _, err := w.almasu(ctx, d, "migrate"); err != nil {
		return nil, err
	}
	return d, nil
}

// dsn reaches a database over loopback TCP, on the usual port, as a service on another machine would.
func (w *world) dsn(database string) string {
	return "host=127.0.0.1 port=5432 user=postgres sslmode=disable dbname=" + database
}

func (w *world) psql(ctx context.Context, database, statement string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, w.cluster.Program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", w.dsn(database), "--command", statement)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("psql: %w: %s", err, stderr.String())
	}
	return time.Since(began), nil
}

// usage is what one command cost.
type usage struct {
	wall, cpu time.Duration
	memory    int64
}

func (w *world) almasu(ctx context.Context, d *deployment, args ...string) (usage, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(w.bin, "almasu"), append([]string{"--config", d.Path("almasu.yaml")}, args...)...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return usage{}, err
	}
	peak := make(chan int64)
	go func() { peak <- watchMemory(cmd.Process.Pid) }()
	err := cmd.Wait()
	u := usage{wall: time.Since(began), memory: <-peak}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 5 {
		err = nil // sent; some records were withheld for their data
	}
	if err != nil {
		return u, fmt.Errorf("almasu %v: %w\n%s", args, err, out.String())
	}
	u.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if len(args) > 0 && args[0] == "run" {
		for _, line := range strings.Split(out.String(), "\n") {
			if strings.Contains(line, "people  ") || strings.Contains(line, "because") {
				fmt.Println("      ", strings.TrimSpace(line))
			}
		}
	}
	return u, nil
}

// watchMemory follows the peak of a process's resident memory until it ends. What the system reports of an ended child would count our
// own memory at the time of the fork.
func watchMemory(pid int) (peak int64) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, rest, found := strings.Cut(string(b), "VmHWM:")
		if err != nil || !found {
			return peak
		}
		var kib int64
		if _, err := fmt.Sscan(rest, &kib); err == nil {
			peak = max(peak, kib<<10)
		}
	}
}

func (w *world) measure(ctx context.Context, small, large *deployment, runs int, profile string) error {
	transfer := []string{"run", "oblast-consent", "--reason", "benchmark"}
	var base usage
	// The peak of a short run depends on the moments of its few collections, so that it is looked for in several runs. Those after the first know everybody, as the large ones do.
	for range 8 {
		u, err := w.almasu(ctx, small, transfer...)
		if err != nil {
			return err
		}
		base.memory = max(base.memory, u.memory)
	}
	fmt.Printf("%d people: %.0f MiB\n", few, mib(base.memory))
	var ratios []float64
	var memory int64
	for i := range runs {
		before, err := w.floor(ctx, large)
		if err != nil {
			return err
		}
		args := transfer
		if profile != "" && i == runs-1 {
			args = append(slices.Clone(transfer), "--cpuprofile", profile)
		}
		u, err := w.almasu(ctx, large, args...)
		if err != nil {
			return err
		}
		after, err := w.floor(ctx, large)
		if err != nil {
			return err
		}
		floor := (before + after) / 2
		ratio := u.wall.Seconds() / floor.Seconds()
		ratios, memory = append(ratios, ratio), max(memory, u.memory)
		fmt.Printf("run %d: floor %.2f s, road %.2f s (almasu %.2f s of CPU): %.2f x; %.0f MiB\n", i+1, floor.Seconds(), u.wall.Seconds(), u.cpu.Seconds(), ratio, mib(u.memory))
	}
	if err := w.count(ctx, large, runs); err != nil {
		return err
	}
	cold := ratios[0]
	slices.Sort(ratios)
	median, growth := ratios[len(ratios)/2], float64(memory)/float64(base.memory)
	fmt.Printf("median %.2f x the floor (first run, nobody known: %.2f x); memory %.0f MiB, %.2f x that of %d people\n", median, cold, mib(memory), growth, few)
	switch {
	case median > w.ratio:
		return fmt.Errorf("the road takes more than %.0f times the floor", w.ratio)
	case memory > maxMemory:
		return fmt.Errorf("almasu needs more than %d MiB", maxMemory>>20)
	case growth > maxGrowth:
		return fmt.Errorf("memory grows by more than %.1f", maxGrowth)
	}
	return nil
}

// count says how many transactions of the log a run took.
func (w *world) count(ctx context.Context, d *deployment, runs int) error {
	db, err := sqlx.Open("postgres", d.StoreDSN)
	if err != nil {
		return err
	}
	defer db.Close()
	var commits, messages int
	if err := db.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM log_checkpoint), (SELECT count(*) FROM message)").Scan(&commits, &messages); err != nil {
		return err
	}
	fmt.Printf("%d messages and %d commits of the log a run\n", messages/runs, commits/runs)
	return nil
}

func (w *world) floor(ctx context.Context, d *deployment) (time.Duration, error) {
	return w.psql(ctx, d.name+"_platform", floorSQL)
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

func step(format string, args ...any) { fmt.Printf("... "+format+"\n", args...) }
