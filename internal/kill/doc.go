// Package kill holds tests only: they run the shipped programs, end them with SIGKILL at random instants while a transfer is under way, start
// them again until the transfer is at its end, and compare the log with what the recipient has. Nobody may be lost and nobody doubled.
//
// ALMASU_KILLS is how many times a program is killed for each store (default 10).
package kill
