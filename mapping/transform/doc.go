// Package transform is the closed list of what a mapping may do to a value. Each transform is a function of the value alone; it
// allocates nothing once its [Scratch] has grown, and is idempotent: what comes out goes through unchanged.
//
//	trim              removes white space at both ends
//	collapse_spaces   makes one space of each run of white space
//	nfc               composes characters (Unicode NFC); every row ends with it unasked
//	upper             makes capital letters, one for one
//	lower             makes small letters, one for one
//	digits            removes spaces, hyphens, dots, brackets and a plus sign; anything else but digits is refused
//	e164              writes a Kazakhstan phone number as +7 and ten digits; any other number is refused
//	phone_national    writes a Kazakhstan phone number as 8 and ten digits; any other number is refused
//	concat            joins the values of several sources with the text given; if one is missing, nothing comes out
//
// White space is what Unicode calls so. upper and lower map each character to one (Unicode simple case mapping), so the Kazakh
// letters keep their identity. e164 and phone_national accept what [birgeoqy.kz/almasu/internal/kz.Phone] accepts. There is no transform that fills in,
// guesses, abbreviates or derives. The examples in the list run as tests.
//
// Codes of refusal: mapping.not_digits, mapping.not_phone.
package transform
