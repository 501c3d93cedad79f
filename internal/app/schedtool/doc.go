// Package schedtool holds the commands about schedules, and makes the scheduler's jobs from the configuration.
//
// # Commands
//
//	schedule   the coming due times of a connector, or of any expression: local time, UTC, gaps, repeats, and what calendars, pauses
//	           and skips make of each; with --history what became of past ones
//	pause      a connector's schedule runs no more, until resume
//	resume     it runs again
//	skip       one coming due time does not run
//
// pause, resume and skip need a reason; each is an act in the log (schedule.paused, schedule.resumed, schedule.skipped), durable before the
// command says so. schedule with --cron reads no file and no database.
//
// # Times
//
// A time is given as RFC 3339, or as "2026-11-24 07:00" or "2026-11-24" by the wall clock of the schedule's zone.
//
// # Exit codes
//
// 0 done; 2 bad input; 3 the environment. Errors are *record.Problem, with Env.Environment around those of the environment.
package schedtool
