package telemetry

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
)

// classes are the outcomes of a fetch that failed.
func classes() []render.Class {
	return []render.Class{
		render.Refused, render.NotFound, render.Gone, render.NotAnImage, render.TooLarge, render.Unreachable, render.Upstream,
		render.Broken, render.TimedOut, render.Down, render.Busy, render.Canceled, render.Internal,
	}
}

func (m *Metrics) addStages() {
	outcomes := []string{"fetched", "unchanged"}
	for _, c := range classes() {
		outcomes = append(outcomes, string(c))
	}
	m.fetches = m.counters("fetch_requests_total",
		"Originals that were asked for, on the web or in the site, by what came of it: fetched, unchanged (304), or why it failed; down and refused were not asked.",
		"outcome", outcomes...)
	m.fetchBytes = m.counter("fetch_bytes_total", "Bytes of originals that were fetched.")
	m.fetchSeconds = m.histogram("fetch_duration_seconds", "Time that an original took, redirects and body included, whatever came of it.", seconds()).WithLabelValues()
	stage := m.histogram("stage_duration_seconds",
		"Time that a step beside fetching and transforming took: lookup in the cache, waiting in a queue, putting words into the file, storing.", seconds(), "stage")
	m.stages = make(map[string]prometheus.Observer)
	for _, name := range []string{"lookup", "queue", "embed", "store"} {
		m.stages[name] = stage.WithLabelValues(name)
	}
	step := m.histogram("transform_duration_seconds",
		"Time that decoding an original, or resizing or encoding one rendition took; the format is the original's for decode, else the rendition's.",
		seconds(), "op", "format")
	m.steps = make(map[string]map[transform.Format]prometheus.Observer)
	for _, op := range []string{"decode", "resize", "encode"} {
		m.steps[op] = make(map[transform.Format]prometheus.Observer)
		for _, f := range transform.Formats() {
			m.steps[op][f] = step.WithLabelValues(op, f.Ext())
		}
	}
}

// Stage implements render.Observer.
func (m *Metrics) Stage(_ context.Context, s render.Stage) {
	took := s.Ended.Sub(s.Begun).Seconds()
	if s.Name == "fetch" {
		m.fetched(s, took)
		return
	}
	if o := m.stages[s.Name]; o != nil {
		o.Observe(took)
	}
	if o := m.steps[s.Name][s.Format]; o != nil {
		o.Observe(took)
	}
}

func (m *Metrics) fetched(s render.Stage, took float64) {
	outcome := string(s.Class)
	switch {
	case outcome == "" && s.Unchanged:
		outcome = "unchanged"
	case outcome == "":
		outcome = "fetched"
	}
	c := m.fetches[outcome]
	if c == nil {
		c = m.fetches[string(render.Internal)]
	}
	c.Inc()
	m.fetchBytes.Add(float64(s.Bytes))
	m.fetchSeconds.Observe(took)
}
