package authority

import (
	"context"
	"errors"
	"fmt"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/pause"
)

// maxGroup bounds how many jobs share a commit.
const maxGroup = 32

// job is work inside the writer's transaction. A refusal is its own answer, and does not hinder the others of its
// group; any other error rolls the group back, and every job of it fails.
type job struct {
	do   func(ctx context.Context, g *group) error
	err  error
	done chan struct{}
}

// group is the one goroutine that writes: it takes the jobs that wait, does them in one transaction, commits, and only then
// lets them answer. Repeated ids, taken numbers and held states are decided here, by what the transaction sees; what
// is kept in memory follows when the transaction is durable, and is never ahead of the store.
type group struct {
	*inbox.Writer
	queue   chan *job
	stopped chan struct{}
	// after is what is to be done in memory once the present transaction is durable.
	after []func()
}

func newGroup(w *inbox.Writer) *group {
	return &group{Writer: w, queue: make(chan *job, 4*maxGroup), stopped: make(chan struct{})}
}

// submit waits until the job is durable, or has failed. A context that ends while the job is being done does not undo it.
func (g *group) submit(ctx context.Context, do func(context.Context, *group) error) error {
	j := &job{do: do, done: make(chan struct{})}
	select {
	case g.queue <- j:
	case <-g.stopped:
		return refuse("service.stopping", "", "the service is stopping")
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-j.done:
		return j.err
	case <-g.stopped:
		return refuse("service.stopping", "", "the service is stopping")
	}
}

// run works until ctx ends, then finishes what it has taken.
func (g *group) run(ctx context.Context) {
	defer close(g.stopped)
	jobs := make([]*job, 0, maxGroup)
	for {
		jobs = jobs[:0]
		select {
		case j := <-g.queue:
			jobs = append(jobs, j)
		case <-ctx.Done():
			return
		}
	more:
		for len(jobs) < maxGroup {
			select {
			case j := <-g.queue:
				jobs = append(jobs, j)
			default:
				break more
			}
		}
		g.commit(context.WithoutCancel(ctx), jobs)
		for _, j := range jobs {
			close(j.done)
		}
	}
}

// commit does the jobs in one transaction.
func (g *group) commit(ctx context.Context, jobs []*job) {
	g.after = g.after[:0]
	err := g.attempt(ctx, jobs)
	if err == nil {
		pause.At("authority.committed")
		for _, f := range g.after {
			f()
		}
		return
	}
	if rerr := g.Rollback(ctx); rerr != nil {
		err = errors.Join(err, rerr)
	}
	failed := fmt.Errorf("writing to the store: %w", err)
	for _, j := range jobs {
		j.err = failed
	}
}

func (g *group) attempt(ctx context.Context, jobs []*job) error {
	if err := g.Begin(ctx); err != nil {
		return err
	}
	for _, j := range jobs {
		err := j.do(ctx, g)
		var refused *refusal
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		j.err = err
	}
	pause.At("authority.written")
	return g.Commit(ctx)
}
