package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dd8bf596/cutline/internal/catalog"
)

// ErrBaseline says that a file is no baseline.
var ErrBaseline = errors.New("not a baseline of cutline lint")

// A Known is a finding that a baseline lists.
type Known struct {
	File        string `json:"file"` // slash path under the site root
	Code        string `json:"code"`
	Fingerprint string `json:"fingerprint"`
	Count       int    `json:"count,omitempty"` // how often it occurs, if more than once
}

// A Baseline lists the findings that a site has had since before it was checked: they are not reported, new ones are. Its file
// is for the repository: sorted, without times, so that a diff shows what was paid off. The zero value lists nothing.
type Baseline struct{ known []Known }

// baselineVersion is that of the file. Other fingerprints are another version.
const baselineVersion = 1

type baselineFile struct {
	Version  int     `json:"version"`
	Findings []Known `json:"findings"`
}

// maxBaseline bounds a baseline's file in bytes: half a million findings.
const maxBaseline = 64 << 20

// ReadBaseline reads what Write writes. The error is ErrBaseline, with what was expected, or r's.
func ReadBaseline(r io.Reader) (*Baseline, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBaseline+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBaseline {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrBaseline, maxBaseline)
	}
	var file baselineFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBaseline, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: expected nothing behind its end", ErrBaseline)
	}
	if file.Version != baselineVersion {
		return nil, fmt.Errorf("%w: expected version %d (got %d)", ErrBaseline, baselineVersion, file.Version)
	}
	return &Baseline{known: merged(file.Findings)}, nil
}

// NewBaseline lists problems. What old lists of codes that a run without --online cannot find stays, unless online says that
// this run was with it.
func NewBaseline(problems []catalog.Problem, old *Baseline, online bool) *Baseline {
	var known []Known
	for _, p := range problems {
		known = append(known, Known{File: p.File, Code: p.Code, Fingerprint: Fingerprint(p), Count: 1})
	}
	if !online {
		found := onlineCodes()
		for _, k := range old.known {
			if found[k.Code] {
				known = append(known, k)
			}
		}
	}
	return &Baseline{known: merged(known)}
}

// merged sorts known and adds up what stands there more than once.
func merged(known []Known) []Known {
	known = slices.Clone(known)
	slices.SortStableFunc(known, compareKnown)
	out := known[:0]
	for _, k := range known {
		k.Count = max(k.Count, 1)
		if last := len(out) - 1; last >= 0 && compareKnown(out[last], k) == 0 {
			out[last].Count += k.Count
			continue
		}
		out = append(out, k)
	}
	return out
}

func compareKnown(a, b Known) int {
	return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Code, b.Code), strings.Compare(a.Fingerprint, b.Fingerprint))
}

// Len is how many findings b lists.
func (b *Baseline) Len() int {
	n := 0
	for _, k := range b.known {
		n += k.Count
	}
	return n
}

// Write writes b as ReadBaseline reads it. The same findings give the same bytes.
func (b *Baseline) Write(w io.Writer) error {
	file := baselineFile{Version: baselineVersion, Findings: slices.Clone(b.known)}
	if file.Findings == nil {
		file.Findings = []Known{}
	}
	for i := range file.Findings {
		if file.Findings[i].Count == 1 {
			file.Findings[i].Count = 0
		}
	}
	return encode(w, file)
}

// Split takes out of problems what b lists, as often as it lists it, and returns the rest in their order. gone are what b lists
// and nobody found: paid off. Of codes that need --online nothing is gone unless online says that this run was with it.
func (b *Baseline) Split(problems []catalog.Problem, online bool) (fresh []catalog.Problem, known int, gone []Known) {
	type id struct{ file, code, fingerprint string }
	left := make(map[id]int, len(b.known))
	for _, k := range b.known {
		left[id{k.File, k.Code, k.Fingerprint}] = k.Count
	}
	for _, p := range problems {
		if at := (id{p.File, p.Code, Fingerprint(p)}); left[at] > 0 {
			left[at]--
			known++
			continue
		}
		fresh = append(fresh, p)
	}
	unseen := onlineCodes()
	for _, k := range b.known {
		if k.Count = left[id{k.File, k.Code, k.Fingerprint}]; k.Count > 0 && (online || !unseen[k.Code]) {
			gone = append(gone, k)
		}
	}
	return fresh, known, gone
}

// onlineCodes are those of findings that need a look at the originals.
func onlineCodes() map[string]bool {
	found := map[string]bool{}
	for _, c := range catalog.Codes() {
		found[c.Name] = c.Online()
	}
	return found
}
