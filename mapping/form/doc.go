// Package form writes documents: it turns the finished values of records into bytes of one of four forms, and into the events that a
// schema is asked about. It knows nothing of where values come from. Every value is valid UTF-8; a nil value is missing.
package form
