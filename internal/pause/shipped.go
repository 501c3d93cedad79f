//go:build !pausepoints

package pause

import "io"

// At is a point by its name.
func At(string) {}

// Half is w. With the tag, whoever writes to it in one piece comes to the point when half of that has left.
func Half(_ string, w io.Writer) io.Writer { return w }
