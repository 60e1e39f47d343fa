// Package report writes what lint found for those who read it: people, programs, GitHub's workflow log, and code scanners
// (SARIF). It also keeps baselines: lists of findings that are known and do not fail a build.
//
// It knows no posts and no pictures: findings come from catalog, finished.
package report

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/dd8bf596/cutline/internal/catalog"
)

// A Run is what one run of lint found.
type Run struct {
	Problems       []catalog.Problem // in the order in which they are written
	Posts          int               // files with front matter
	PostsWithImage int               // of them, those with a featured image
	Known          int               // findings that a Baseline took out
	// Prefix is the slash path from the repository's root to the site's; "" where they are one. Annotations name files from the
	// repository's root, findings from the site's.
	Prefix  string
	Version string // of cutline
}

// Counts are the findings by severity.
func (r *Run) Counts() (errors, warnings int) {
	for _, p := range r.Problems {
		if p.Severity == catalog.Error {
			errors++
		}
	}
	return errors, len(r.Problems) - errors
}

// file is a finding's file from the repository's root.
func (r *Run) file(p catalog.Problem) string { return path.Join(r.Prefix, p.File) }

// Fingerprint knows a finding again when lines move, words of messages change and posts are sorted otherwise: 32 hexadecimal
// digits of what it is about. Findings that differ in nothing else share one.
func Fingerprint(p catalog.Problem) string {
	h := sha256.New()
	for _, text := range [...]string{p.File, p.Code, p.Value} {
		h.Write(binary.AppendUvarint(nil, uint64(len(text)))) // no two findings give the same bytes
		io.WriteString(h, text)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// WriteJSON writes one document: the findings as "scan --format json" has them, and their numbers.
func (r *Run) WriteJSON(w io.Writer) error {
	type summary struct {
		Posts          int `json:"posts"`
		PostsWithImage int `json:"posts_with_image"`
		Errors         int `json:"errors"`
		Warnings       int `json:"warnings"`
		Baseline       int `json:"baseline"`
	}
	errors, warnings := r.Counts()
	return encode(w, struct {
		Version  int               `json:"version"`
		Problems []catalog.Problem `json:"problems"`
		Summary  summary           `json:"summary"`
	}{1, append([]catalog.Problem{}, r.Problems...), summary{r.Posts, r.PostsWithImage, errors, warnings, r.Known}})
}

// encode writes v for programs and eyes: "&" and "<" stay what they are, nothing here is put into HTML.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// WriteGitHub writes the findings as workflow commands, which GitHub Actions shows beside the lines of a pull request
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands). Of each severity GitHub shows ten a
// step; the log has all.
func (r *Run) WriteGitHub(w io.Writer) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, p := range r.Problems {
		line := ""
		if p.Line > 0 {
			line = fmt.Sprintf(",line=%d", p.Line)
		}
		if _, err := fmt.Fprintf(w, "::%s file=%s%s,title=%s::%s\n",
			p.Severity, property.Replace(r.file(p)), line, property.Replace(p.Code), data.Replace(p.Message)); err != nil {
			return err
		}
	}
	return nil
}
