// Package telemetry tells operators what a server does: metrics for Prometheus, traces by OpenTelemetry, profiles, and the names
// of traces in log lines.
//
// The packages that do the work know none of that. They count for themselves, and tell the observers that they have (proxy.Observer,
// render.Observer); Metrics and Tracing are such observers, and Metrics reads the counts when somebody asks.
//
// Metrics have a registry of their own. Every label is of a closed set: no URL, host, post or ID is one (ADR 36).
package telemetry

import (
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/proxy"
)

// A Build is what a program was built from.
type Build struct {
	Version  string // "v1.2.3", or "devel"
	Revision string // Git's; "" where the build does not know
}

// Metrics are what Prometheus reads. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	requests requests
	took     map[string]prometheus.Observer // by proxy.Results
	sent     prometheus.Observer

	rescans       map[bool]prometheus.Counter // by whether the posts could be read
	rescanSeconds prometheus.Observer
	purged        map[string]prometheus.Counter // by how
	purgeFailures prometheus.Counter

	fetches      map[string]prometheus.Counter // by outcome
	fetchBytes   prometheus.Counter
	fetchSeconds prometheus.Observer
	stages       map[string]prometheus.Observer                      // those without format
	steps        map[string]map[transform.Format]prometheus.Observer // decode, resize, encode
}

var (
	_ proxy.Observer  = (*Metrics)(nil)
	_ render.Observer = (*Metrics)(nil)
)

// The classic buckets of durations, in seconds. A hit takes a tenth of a millisecond, an AVIF seconds, and the longest flight half a
// minute.
func seconds() []float64 {
	return []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
}

// NewMetrics makes Metrics that know nothing yet but themselves, the Go runtime and the process.
func NewMetrics(b Build) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	info := prometheus.NewGaugeVec(opts("build_info", "What the running program was built from; always 1."), []string{"version", "revision", "goversion"})
	info.WithLabelValues(b.Version, b.Revision, runtime.Version()).Set(1)
	m.registry.MustRegister(info)
	m.addHTTP()
	m.addPosts()
	m.addStages()
	return m
}

// opts are those of a metric of ours.
func opts(name, help string) prometheus.GaugeOpts {
	return prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}
}

const namespace = "cutline"

// counters makes a counter with one label and a value of it for each of values.
func (m *Metrics) counters(name, help, label string, values ...string) map[string]prometheus.Counter {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts(opts(name, help)), []string{label})
	m.registry.MustRegister(vec)
	all := make(map[string]prometheus.Counter, len(values))
	for _, v := range values {
		all[v] = vec.WithLabelValues(v)
	}
	return all
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts(opts(name, help)))
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(vec)
	return vec
}

func (m *Metrics) addPosts() {
	scans := m.counters("rescans_total", "Scans of the posts of a running server, by result: ok has its posts served, error keeps those from before.",
		"result", "ok", "error")
	m.rescans = map[bool]prometheus.Counter{true: scans["ok"], false: scans["error"]}
	m.rescanSeconds = m.histogram("rescan_duration_seconds", "Time that reading the posts again took.",
		[]float64{.01, .05, .1, .5, 1, 5, 10, 30, 60, 120}).WithLabelValues()
	m.purged = m.counters("purged_sources_total", "Sources that purges were about, by what became of them.", "action", "forgotten", "taken_down", "restored")
	m.purgeFailures = m.counter("purge_failures_total", "Sources of which the cache could not let go: readers may still see them.")
}

// Rescanned implements proxy.Observer.
func (m *Metrics) Rescanned(took time.Duration, err error) {
	m.rescans[err == nil].Inc()
	m.rescanSeconds.Observe(took.Seconds())
}

// Purged implements proxy.Observer.
func (m *Metrics) Purged(how string, sources, failed int) {
	if how == "taken down" {
		how = "taken_down"
	}
	if c := m.purged[how]; c != nil {
		c.Add(float64(sources - failed))
	}
	m.purgeFailures.Add(float64(failed))
}

// scrapes is how many may be answered at one time: Prometheus and somebody with curl.
const scrapes = 4

// Handler answers scrapes, in the text format or, for who asks for it, OpenMetrics.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelError),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: scrapes,
		EnableOpenMetrics:   true,
	})
}
