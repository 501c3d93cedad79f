// Package kz knows the numbers and names of Kazakhstan that a transfer depends on: the individual and
// the business identification number, the classifier of places, telephone numbers and the hygiene of names. All
// functions are pure; none needs a network or the time of day.
//
// # Individual and business identification numbers
//
// An IIN has 12 digits: YYMMDD of birth, a digit for century and sex (1, 2: 1800s; 3, 4: 1900s; 5, 6: 2000s), four digits
// of serial and a check digit. A BIN has 12 digits too: YYMM of registration, a kind (4 resident, 5 non-resident legal
// entity, 6 joint individual enterprise), an attribute (0 head, 1 branch, 2 representation, 3 farm), five digits of
// serial and the same check digit. The fifth digit tells the two apart: 0 to 3 in an IIN, 4 to 6 in a BIN.
//
// The check digit of a prefix d1..d11 is the sum of di·i modulo 11; if that is 10, it is the sum of di·wi modulo 11 with w = 3, 4,
// 5, 6, 7, 8, 9, 10, 11, 1, 2; if that is 10 too, the prefix is never issued and no digit is valid ([CheckDigit]).
//
// Since 2013 (Government decree 853) a number need not agree with its holder's birth date: [BirthDate] reads what the digits
// say, and [ValidIIN] looks at length, digits and check digit only.
//
// # KATO
//
// The classifier of administrative-territorial objects (NK RK 11-2025) is embedded by edition, from data/. A code
// has nine digits in the groups AB CD EF HIJ. Its [Level] is the last group that is not zero: AB oblast (or city of republican
// significance), CD district, EF sub-district (rural okrug, town, city district), HIJ settlement. A code's parent is found by making groups zero from
// the right until the code exists in the edition; so a settlement may hang directly on a district, and a city's
// district directly on the city. Everything below a place therefore shares its groups down to its level, which is
// what [Within] compares: territory is decided on the digits, without the table.
//
// [Edition.Migrate] says what has become of a code of one edition in another: the same, renamed, moved (one new code of the same level and names within the
// nearest ancestor that both have), or gone, with the nearest ancestor that is there in its place.
//
// The names are those of the classifier with [CleanName] applied. Names are not unique: more than a thousand settlements share one with
// another; match on codes.
//
// # Names and telephone numbers
//
// [CleanName] brings a name into NFC with single spaces; letters are never changed. [Phone] brings a number of country code 7
// into E.164, or says that it cannot.
package kz
