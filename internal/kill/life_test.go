package kill

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// life is one process from start to end.
type life struct {
	cmd    *exec.Cmd
	serves bool // it does not end by itself
	// paused is closed when it stands at its point, listening when it says that it listens, done when it has ended.
	paused, listening, done chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

// begin starts a program, which stops at a point, "" for none; one that holds blanks is a command with its arguments, which is to run the program.
func (w *world) begin(program, point string, args ...string) *life {
	w.Helper()
	return w.beginUnder(nil, program, point, args...)
}

// beginUnder starts a program as the last arguments of another command.
func (w *world) beginUnder(command []string, program, point string, args ...string) *life {
	w.Helper()
	all := append(append(append([]string{}, command...), filepath.Join(w.programs, program)), args...)
	l := &life{cmd: exec.Command(all[0], all[1:]...), paused: make(chan struct{}), listening: make(chan struct{}), done: make(chan struct{})}
	for _, a := range args {
		l.serves = l.serves || a == "serve"
	}
	l.cmd.Env = append(os.Environ(), "ALMASU_PAUSE="+point)
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	errs, err := l.cmd.StderrPipe()
	w.must(err)
	out, err := l.cmd.StdoutPipe()
	w.must(err)
	w.must(l.cmd.Start())
	var readers sync.WaitGroup
	readers.Go(func() { l.read(errs, "pausepoint: ", l.paused) })
	readers.Go(func() { l.read(out, "listening on ", l.listening) })
	go func() {
		defer close(l.done)
		readers.Wait()
		_ = l.cmd.Wait()
	}()
	w.Cleanup(l.kill)
	return l
}

// read keeps what a process says, and closes the channel at the line that begins with a word.
func (l *life) read(from io.Reader, word string, at chan struct{}) {
	in := bufio.NewReader(from)
	for {
		line, err := in.ReadString('\n')
		l.mu.Lock()
		l.log.WriteString(line)
		l.mu.Unlock()
		if at != nil && strings.HasPrefix(line, word) {
			close(at)
			at = nil
		}
		if err != nil {
			return
		}
	}
}

// said is what the process has printed so far.
func (l *life) said() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.String()
}

// kill ends the process and its children, wherever they are.
func (l *life) kill() {
	_ = syscall.Kill(-l.cmd.Process.Pid, syscall.SIGKILL)
	<-l.done
}

// dump ends a process that hangs, and has it say where.
func (l *life) dump() {
	_ = l.cmd.Process.Signal(syscall.SIGQUIT)
	late := time.NewTimer(10 * time.Second)
	defer late.Stop()
	select {
	case <-l.done:
	case <-late.C: // it stands at a point, or in the system
	}
}
