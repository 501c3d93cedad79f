// Package alarms watches the service and tells people about changes, over [notify].
//
// Every [Interval] it looks at what is durable: the last run of each connector, its due times, what waits, the lines to recipients, duties, and the dates of the
// sealing keys and of what the routes of the configured connectors stand on. Whatever is wrong or ends within Ahead is a [notify.Condition]:
//
//	failed       the newest run of a connector that has ended failed or was not permitted, or its newest notice or retry; over when a later one succeeds
//	missed       the newest due time of a connector that has passed was missed; over when a later one, or one that somebody asked for, runs. The code [NotSent] says that it was held
//	             and not approved. What is delivered from the outbox meanwhile is no run, and one that was refused to somebody who asked for it is not missed
//	held         a run waits for a person's decision; over when that is taken, or its time has passed: then the run is missed. Looking ends what has expired
//	waiting      a message waits for its recipient for longer than [Patient]
//	doubt        the store may be older than what its recipients know: nothing is logged or sent before it was compared with them
//	halted       nothing is sent to a recipient until a person has looked
//	certificate  no sealing key is good beyond Ahead
//	agreement    the agreement with the recipient of a route ends
//	ground       an act or article that a route cites ends
//	policy       the version of the policy in force ends and none follows it
//	duty         a duty is due today or overdue; or what is kept no longer was not destroyed, although its time has been over for longer than a month
//
// The command "alarms" shows what stands, and with --test sends a test over each channel.
package alarms
