// Package pause names points of the road at which a program can be stopped from outside, so that a test kills it exactly there.
//
// A program that is built as it is shipped has none of it: [At] does nothing and is compiled to nothing, and no variable is read. With the
// build tag pausepoints, the environment variable ALMASU_PAUSE holds "point" or "point#n", n from 1: when the program comes to that point for the n-th
// time, it writes the line "pausepoint: point#n" to standard error and sends itself SIGSTOP. All of its threads stand still until
// somebody kills it; nobody passes the point any more.
package pause
