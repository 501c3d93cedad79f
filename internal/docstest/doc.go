// Package docstest holds the documentation and the measures of the house as tests; it has no code of its own.
//
//   - Documentation: every link to a file resolves, every anchor is a heading; no page has a word that belongs into a
//     tracker, or a path of somebody's machine.
//   - Commands: every line of a code block in a page that starts with almasu, authority or almasu-verify names a command and flags that the
//     programs, built for the test, know.
//   - Invariants: docs/invariants.md has I1 to I12, each with symbols that enforce it and tests that hold it, and all of these exist;
//     comments cite no other number.
//   - Decisions: every module that is linked into a program and imported by the project's own code is explained under docs/decisions, and
//     there are at most 25.
//   - Examples: the configurations under deploy/birgeoqy are read by the programs.
//   - Measures: a file has at most 600 lines, a function at most 100, a package at most 2,000 that are not blank, without its tests; every package
//     has a comment. A package over the limit stands in a list with its reason.
package docstest
