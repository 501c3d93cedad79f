package sigtool

import (
	"bytes"
	"context"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cms"
)

// newlineHint tells, of a detached signature that does not fit its content, whether it would
// fit with other line ends: tools and mail programs change them. The verdict stays.
func newlineHint(err error, der, content []byte) error {
	if content == nil || record.CodeOf(err) != "cms.digest_mismatch" || len(content) > 16<<20 {
		return err
	}
	lf := bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	for _, other := range []struct {
		content []byte
		hint    string
	}{
		{bytes.TrimRight(content, "\r\n"), "the signature fits the content without the line end behind it"},
		{append(bytes.Clone(content), '\n'), "the signature fits the content with one more line end behind it"},
		{lf, "the signature fits the content with line ends LF instead of CR LF"},
		{bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n")), "the signature fits the content with line ends CR LF instead of LF"},
		{bytes.TrimPrefix(content, []byte(mark)), "the signature fits the content without the byte order mark before it"},
	} {
		if bytes.Equal(other.content, content) {
			continue
		}
		_, again := (&cms.Verifier{Chain: cert.Verifier{}}).Verify(context.Background(), der, other.content)
		if code := record.CodeOf(again); code != "cms.digest_mismatch" && code != "cms.other_content" {
			var ps record.Problems
			ps.Merge(err, "verify.failed", "")
			for _, p := range ps {
				if p.Code == "cms.digest_mismatch" {
					p.Hint = other.hint
				}
			}
			return ps.Err()
		}
	}
	return err
}
