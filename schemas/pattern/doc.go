// Package pattern compiles the regular expressions that schemas may hold to tables: matching costs at most one look-up for each character, whatever
// the pattern and the text, and allocates nothing.
//
// A pattern is a regular expression whose every construct ECMA-262 (with the flag u) and Go read alike: literals, [classes] and
// [^classes] with ranges, \d \D \w \W, \t \n \r \f \v, \ before a mark of punctuation, \p{..} and \P{..} with a general category,
// ( ) (?: ) |, ^ and $, * + ? {n} {n,} {n,m} and their lazy forms. It matches anywhere unless anchored. Refused are the dot, \s, \b, flags,
// named groups, look-around, back-references, POSIX classes, scripts and unescaped braces or brackets.
//
// [CompileXML] reads the other language, that of XML Schema: it matches the whole text always, ^ and $ are plain characters, classes may have
// others subtracted from them ([a-z-[aeiou]]), \i and \c are the characters of XML names, \w is all but punctuation, separators and
// others, and \p takes blocks too (\p{IsCyrillic}).
//
// A pattern is parsed and compiled to steps by regexp/syntax; characters are divided into classes that no step tells apart (at most 256), and
// the states are found by the subset construction (at most 1,000, and 65,535 places in the table).
package pattern
