package proxy

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/dd8bf596/cutline/internal/render"
)

// A numbersView is what the server did since its start, in numbers that a person wants.
type numbersView struct {
	sheetFrame
	Since, Up string
	Degraded  []string

	Answers, FromCache          int64
	CachePercent                string // of Answers; "" where there are none
	Hits, Stale, Filled, Joined int64
	Refused                     int64
	Sent, Saved                 int64 // bytes
	SavedPercent                string
	Originals                   render.Stats
	Made                        []madeView
	MadeCount, MadeBytes        int64
	Ahead                       *AheadStats // nil where nothing is made ahead
	Origins                     []originView
	OtherOrigins                int
	Looked                      bool  // at the originals
	Known, Unknown              int   // originals that are here, and that are not
	OriginalBytes, ShownBytes   int64 // of the pictures of which both are known
	Weighed                     int
	Problems                    []filterView
	Complete, WithProblem       int
}

type madeView struct {
	Format     string
	Renditions int64
	Bytes      int64
	Mean       string // time for one
}

type originView struct {
	Host          string
	Asked, Failed int64
	Bytes         int64
	Mean, Slowest string
}

// maxOrigins bounds the list of origins.
const maxOrigins = 20

// numbers are those of now.
func (s *Server) numbers(ctx context.Context, at *snapshot, q sheetQuery) *numbersView {
	t, since := s.tally.sum(), s.tally.since
	v := &numbersView{
		sheetFrame: s.frame(at, q, "Numbers"), Since: since.UTC().Format("2 January 2006, 15:04 UTC"), Up: spanText(time.Since(since)),
		Hits: t.hits, Stale: t.stale, Filled: t.filled, Joined: t.joined, Refused: t.refused,
		Sent: t.sent, Saved: t.gained, Originals: s.o.Renderer.Stats(), Degraded: s.degraded(),
	}
	v.Tab = "numbers"
	v.FromCache = v.Hits + v.Stale
	v.Answers = v.FromCache + v.Filled + v.Joined
	v.CachePercent = percent(v.FromCache, v.Answers)
	v.SavedPercent = percent(v.Saved, v.Saved+v.Sent)
	for _, m := range s.o.Renderer.Made() {
		v.Made = append(v.Made, madeView{m.Format.String(), m.Renditions, m.Bytes, spanText(m.Took / time.Duration(m.Renditions))})
		v.MadeCount += m.Renditions
		v.MadeBytes += m.Bytes
	}
	if s.o.Ahead != nil {
		st := s.AheadStats()
		v.Ahead = &st
	}
	v.origins(at, s.o.Renderer.Origins())
	v.library(at, at.facts.of(ctx, s.o.Renderer, at.catalog.Entries))
	return v
}

// origins lists the slowest of the hosts that posts show pictures of. Whoever looks at the page need not know of others.
func (v *numbersView) origins(at *snapshot, all []render.Origin) {
	shown := make(map[string]bool)
	for _, e := range at.catalog.Entries {
		shown[e.Source.Host()] = true
	}
	for _, o := range all {
		if !shown[o.Host] || len(v.Origins) == maxOrigins {
			v.OtherOrigins++
			continue
		}
		v.Origins = append(v.Origins, originView{o.Host, o.Asked, o.Failed, o.Bytes, spanText(o.Took / time.Duration(o.Asked)), spanText(o.Slowest)})
	}
}

// library sums up what is known of the pictures; facts are nil while nobody has looked at their originals.
func (v *numbersView) library(at *snapshot, facts []fact) {
	x := at.index()
	v.Looked = facts != nil
	sel := x.choose(sheetQuery{}, facts, &at.largest)
	for i, f := range x.filters {
		switch {
		case f.name == "complete":
			v.Complete = sel.counts[i]
		case f.name == "problems":
			v.WithProblem = sel.counts[i]
		case f.code != "" && sel.counts[i] > 0:
			v.Problems = append(v.Problems, filterView{Label: f.label, Href: sheetQuery{show: f.name, sort: sortings()[0].Name}.href(), Count: sel.counts[i]})
		}
	}
	slices.SortStableFunc(v.Problems, func(a, b filterView) int { return cmp.Compare(b.Count, a.Count) })
	for i := range facts {
		f := &facts[i]
		if !f.known() {
			continue
		}
		v.Known++
		if w := at.largest.of(x.rows[i].entry.ID); w != nil && w.original == f.sum {
			v.Weighed++
			v.OriginalBytes += f.bytes
			v.ShownBytes += w.bytes
		}
	}
	v.Unknown = len(x.rows) - v.Known
}

// percent is a share of whole for people; "" where there is no whole.
func percent(part, whole int64) string {
	if whole <= 0 {
		return ""
	}
	return strconv.FormatFloat(100*float64(part)/float64(whole), 'f', 1, 64) + " %"
}

// spanText is a time for people: "0.4 ms", "85 ms", "1.2 s", "3 min", "5 h 20 min", "12 d 3 h".
func spanText(d time.Duration) string {
	n := func(n time.Duration, unit string) string { return strconv.Itoa(int(n)) + " " + unit }
	switch {
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d)/1e6, 'f', 1, 64) + " ms"
	case d < time.Second:
		return n(d.Round(time.Millisecond)/time.Millisecond, "ms")
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Hour:
		return n(d/time.Minute, "min")
	case d < 24*time.Hour:
		return n(d/time.Hour, "h") + " " + n(d%time.Hour/time.Minute, "min")
	}
	return n(d/(24*time.Hour), "d") + " " + n(d%(24*time.Hour)/time.Hour, "h")
}
