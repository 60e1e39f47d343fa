package telemetry

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dd8bf596/cutline/proxy"
)

// requests are the counters of requests. Each is looked up by its labels once, when the first of its kind comes, and then by its
// place: a hit is a few microseconds, and a map of labels would be some of them.
type requests struct {
	vec    *prometheus.CounterVec
	routes []string
	place  [7][len(methods) + 1][len(statuses) + 1]atomic.Pointer[prometheus.Counter] // by route, method and code; the last is other
}

// methods and statuses are those that have a label of their own. What clients send otherwise is "other".
var (
	methods  = [...]string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"}
	statuses = [...]int{200, 204, 206, 304, 400, 403, 404, 405, 410, 412, 414, 415, 416, 422, 499, 500, 502, 503, 504, 508}
)

const other = "other"

// count counts one request.
func (r *requests) count(a *proxy.Answered) {
	route := slices.Index(r.routes, a.Route)
	if route < 0 {
		route = len(r.routes) - 1
	}
	method, code := slices.Index(methods[:], a.Method), slices.Index(statuses[:], a.Status)
	if method < 0 {
		method = len(methods)
	}
	if code < 0 {
		code = len(statuses)
	}
	at := &r.place[route][method][code]
	c := at.Load()
	if c == nil {
		m, n := other, other
		if method < len(methods) {
			m = methods[method]
		}
		if code < len(statuses) {
			n = strconv.Itoa(statuses[code])
		}
		found := r.vec.WithLabelValues(r.routes[route], m, n)
		c = &found
		at.Store(c)
	}
	(*c).Inc()
}

func (m *Metrics) addHTTP() {
	m.requests.routes = proxy.Routes()
	m.requests.vec = prometheus.NewCounterVec(prometheus.CounterOpts(opts("http_requests_total",
		"Requests to the public listener, by route, method and status; what has no label of its own is other.")), []string{"route", "method", "code"})
	m.registry.MustRegister(m.requests.vec)
	took := m.histogram("http_request_duration_seconds",
		"Time from a request's header to the end of its answer, by what Cache-Status says: hit and stale are from the cache, revalidated asked the origin, "+
			"miss was made for the request, collapsed with another's work; made is a page or a probe.", seconds(), "result")
	m.took = make(map[string]prometheus.Observer)
	for _, result := range proxy.Results() {
		m.took[result] = took.WithLabelValues(result)
	}
	m.sent = m.histogram("http_response_size_bytes", "Size of answers' bodies.",
		[]float64{0, 1e3, 5e3, 10e3, 25e3, 50e3, 100e3, 250e3, 500e3, 1e6, 5e6}).WithLabelValues()
}

// Answered implements proxy.Observer.
func (m *Metrics) Answered(_ context.Context, a proxy.Answered) {
	m.requests.count(&a)
	if o := m.took[a.Result]; o != nil {
		o.Observe(a.Took.Seconds())
	}
	m.sent.Observe(float64(a.Bytes))
}
