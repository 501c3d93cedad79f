// Package requests holds the commands that show what written requests have come to, and that close them.
//
// # Commands
//
//	requests              list requests: what is open, who has approved, by when the answer is wanted
//	requests show         one request wholly
//	requests verify-scan  compare a file with the digest of the letter's scan
//	requests close        close a request, with a note: it is not answered any more
//
// A request is entered by "request", looked at by "plan --request", and approved by "approve"; the service answers it. Its state follows from what is stored:
//
//	entered    nobody has approved the plan that was approved last, or no plan was
//	approved   one of two has
//	due        two have, and the answer has not been sent yet: the service does, unless the data have moved since (then both approve a new plan)
//	answered   a transfer has sent something
//	closed     somebody has closed it
//	expired    it is over, and was not answered
//
// A comparison of a scan and a closing are acts of the log. Nothing shown names a person: subjects are counted.
//
// Exit codes and errors are those of package lawtool; "requests" exits with 1 if an answer is overdue, "verify-scan" if the file is another.
package requests
