//go:build pausepoints

package pause

import (
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var (
	wanted, ordinal = parse(os.Getenv("ALMASU_PAUSE"))
	reached         atomic.Int64
)

func parse(text string) (string, int64) {
	point, number, _ := strings.Cut(text, "#")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		n = 1
	}
	return point, n
}

// At is a point by its name.
func At(point string) {
	if point != wanted || reached.Add(1) != ordinal {
		return
	}
	os.Stderr.WriteString("pausepoint: " + point + "#" + strconv.FormatInt(ordinal, 10) + "\n")
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	select {} // another thread may have taken the signal, and this one is not to pass meanwhile
}

// Half is w; whoever writes to it in one piece comes to the point when half of that has left.
func Half(point string, w io.Writer) io.Writer { return half{w, point} }

type half struct {
	io.Writer
	point string
}

func (h half) Write(b []byte) (int, error) {
	if h.point != wanted {
		return h.Writer.Write(b)
	}
	n, err := h.Writer.Write(b[:len(b)/2])
	if err != nil {
		return n, err
	}
	if f, ok := h.Writer.(interface{ Flush() }); ok {
		f.Flush()
	}
	At(h.point)
	rest, err := h.Writer.Write(b[n:])
	return n + rest, err
}
