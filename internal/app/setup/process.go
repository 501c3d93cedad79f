package setup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// process is an authority of the demonstration, running as a process of its own.
type process struct {
	cmd *exec.Cmd
	log *os.File
}

// Start runs a body's authority by the given command (a program and its first arguments, "serve" follows) and waits until it listens.
// The authority pretends that it starts at now.
func (w *Example) Start(ctx context.Context, b *Body, now time.Time, command ...string) error {
	log, err := os.OpenFile(w.Path(b.Folder, "authority.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	p := &process{cmd: exec.Command(command[0], append(command[1:], "serve", "--config", w.Path(b.Folder, "authority.yaml"), "--now", now.Format(time.RFC3339Nano))...), log: log}
	p.cmd.Stderr = log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("starting the authority %s: %w", b.ID, err)
	}
	b.process = p
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(out).ReadString('\n')
		line <- text
	}()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	select {
	case text := <-line:
		url, ok := strings.CutPrefix(strings.TrimSpace(text), "listening on ")
		if !ok {
			return fmt.Errorf("the authority %s did not start; see %s", b.ID, log.Name())
		}
		b.URL = url
		return nil
	case <-deadline.C:
		return fmt.Errorf("the authority %s is not ready after 20 s; see %s", b.ID, log.Name())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stop ends a body's authority and waits for it; nothing if it does not run.
func (b *Body) Stop() error {
	if b == nil || b.process == nil || b.process.cmd.Process == nil {
		return nil
	}
	p := b.process
	b.process = nil
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	err = p.cmd.Wait()
	p.log.Close()
	return err
}
