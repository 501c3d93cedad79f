// Package kill holds tests only: they run the shipped programs, end them where it hurts, start them again until everything is at its end, and compare
// the log with what the recipient has. Nobody may be lost and nobody doubled.
//
// TestKilledAtRandom ends the programs as they are shipped with SIGKILL at random instants. TestKilledAtPoints ends them at each point of
// the road that package pause names, almasu and the authority, in programs that are built with the tag pausepoints; TestShippedHasNoPoints proves that
// the others have none. TestAuthorityForgets takes the authority's memory away. TestSystemCallsFail lets system calls fail by strace. After each
// death the whole log is verified. TestThreeProcesses kills one of three processes that share a PostgreSQL, TestFailover the PostgreSQL itself, which has a
// synchronous replica. TestDiskOfTheStore fills a disk and makes it read-only, TestStoreAway and TestPlatformAway halt databases in the middle of transfers,
// TestClockIsWrong runs an hour off the recipient's clock; each demands that the program says what to do. TestKilledAroundAHold ends the
// program between a plan, its hold, the approval and what that lets go. TestKilledWhileComparing does so while people leave, return and change, and compares the authority, the log, the
// notices of withdrawal and the book of what the recipient holds; TestKilledWhileSendingAgain does it to a backfill and a full refresh. TestEveryPointIsKilledAt proves that no point of package
// pause is forgotten. TestTracesOfFaults searches everything that a faulty transfer leaves behind for values of people.
//
// ALMASU_KILLS is how many times a program is killed at random for each store (default 50), ALMASU_POINT_KILLS how many times at each point for
// each store (default 10; a tenth of it where runs are compared), ALMASU_SYSCALLS how many times each system call fails for each store (default 2), ALMASU_FLEET how many times one of three is
// killed (default 3).
package kill
