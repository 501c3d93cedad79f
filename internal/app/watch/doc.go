// Package watch holds what shows how the service is doing while it works.
//
//   - recipients: each recipient of the register with the state of the line to it (up, down, halted), why and since when, and what waits for it.
//     With --lift it brings a halted line up again, as an act in the log.
//   - transfers watch: the transfers under way, whichever process runs them, from what is durable, with rate and time left.
//   - figures for Prometheus ([Meter], [State]) and why the service is not ready.
package watch
