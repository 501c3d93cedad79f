// Package deptest holds the import law of the house as a test: who may import whom, with a reason for each row.
// Mapping imports legal, and legal imports nothing that moves data: the import graph is the due process.
//
// A package imports only lower floors, and packages of its own family (its parent, its children and their children). What the
// floors would allow and the law forbids, and what the floors forbid and the law allows, stands in the lists below with its reason.
package deptest
