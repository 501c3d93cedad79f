// Package grammar reads schemas of W3C XML Schema 1.0 and makes of them what a validator asks: declarations, and content models as deterministic
// automata. It judges no document. What it accepts, and what it refuses with which code, is specified in schemas/xsd.
package grammar
