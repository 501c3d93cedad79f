package due

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"
)

// Channel is the name under which entered rows are notified.
const Channel = "almasu_due"

// quiet is how long a listener hears nothing before it looks whether its connection lives.
const quiet = 30 * time.Second

// Listen calls wake whenever a row is entered, and whenever the connection is there again after it was lost, until ctx ends. It has a connection of
// its own, and makes another, after a pause that grows from 0.2 to 15 seconds, when that is lost; note is told so. The error is that of a DSN that
// cannot be read.
func Listen(ctx context.Context, dsn string, wake func(), note func(error)) error {
	listener := pq.NewListener(dsn, 200*time.Millisecond, 15*time.Second, func(_ pq.ListenerEventType, err error) {
		if err != nil && ctx.Err() == nil {
			note(err)
		}
	})
	ended := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer ended()
	defer listener.Close()
	if err := listener.Listen(Channel); err != nil && ctx.Err() == nil {
		return fmt.Errorf("listening for due runs: %w", err)
	}
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-listener.NotificationChannel(): // nil after a lost connection
			if !ok {
				return nil
			}
			wake()
		case <-timer.C:
			_ = listener.Ping() // a connection that is dead without a word is noticed
		}
		timer.Reset(quiet)
	}
}
