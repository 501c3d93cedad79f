package app

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

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/authority"
)

// process is an authority of the demonstration, running as a process of its own.
type process struct {
	cmd *exec.Cmd
	url string
	log *os.File
}

// startAuthority starts this program again as an authority and waits until it listens.
func (w *demoWorld) startAuthority(ctx context.Context, b *demoBody, now time.Time) error {
	self, err := os.Executable()
	if err != nil {
		return environment(err)
	}
	log, err := os.OpenFile(w.path(b.folder, "authority.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return environment(err)
	}
	p := &process{cmd: exec.Command(self, authorityCommand, "serve", "--config", w.path(b.folder, "authority.yaml"), "--now", now.Format(time.RFC3339)), log: log}
	p.cmd.Stderr = log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return environment(err)
	}
	if err := p.cmd.Start(); err != nil {
		return environment(fmt.Errorf("starting the authority %s: %w", b.id, err))
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
			return environment(fmt.Errorf("the authority %s did not start; see %s", b.id, log.Name()))
		}
		p.url = url
		return nil
	case <-deadline.C:
		return environment(fmt.Errorf("the authority %s is not ready after 20 s; see %s", b.id, log.Name()))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop ends the process and waits for it.
func (b *demoBody) stop() error {
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

// authorityCommand is the hidden command by which the demonstration runs an authority.
const authorityCommand = "demo-authority"

func (s *session) authorityCommand() *cobra.Command {
	return &cobra.Command{
		Use: authorityCommand, Hidden: true, DisableFlagParsing: true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, args []string) error {
			s.json = false
			s.code = authority.Main(cmd.Context(), args, s.stdout, s.stderr, time.Now)
			return nil
		},
	}
}
