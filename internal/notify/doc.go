// Package notify tells people that something about the service has changed: it has become wrong, is about to end, or is well again.
//
// # Conditions and notes
//
// A [Condition] is one thing that is wrong now: a connector's last run failed, a due time was missed, a key ends soon. It is known by its
// Kind and Subject. Whoever watches the service gives [Desk.See] all conditions of the present; what has changed since the last
// time becomes one [Note]: conditions that were raised, and conditions that are over. A condition that goes on is not told again. So there is one note for each
// change of state, and a recovery is told as the failure was. Several processes may watch the same service: a change is kept once.
//
// Notes are durable before they are sent, and each channel is served until it has taken the note or the note is older than [GiveUp]; then the
// loss is logged as an error. A channel may see a note twice, with the same id, if the process ends between sending and writing that down.
//
// # What a note can say
//
// A kind of a closed list, a subject that names a part of the configuration or the register (letters, digits and ".-_:/", at most 96), a stable code, and a
// date. There is no free text: nothing of a person can get into a note. Words come from a table in Kazakh, Russian and English.
//
// # Channels
//
// Mail goes by SMTP (RFC 5321) with STARTTLS (RFC 3207), which is demanded except on loopback; text in UTF-8, all three languages, under a Message-ID
// made of the note's id. A webhook gets a POST with the JSON form of the note, over HTTPS except on loopback, signed with the service's
// sealing key by RFC 9421 over method, target, content type and Content-Digest (RFC 9530), as messages to recipients are; any answer of 2xx takes it.
package notify
