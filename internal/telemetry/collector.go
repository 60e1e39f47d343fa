package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/cluster"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/worker"
	"github.com/dd8bf596/cutline/proxy"
)

// A Tier is a store that is counted, by its name: "memory", "disk", "bucket".
type Tier struct {
	Name  string
	Stats func() cache.Stats
	Queue func() cache.Stats // of what waits to be written to it; nil where nothing does
}

// A Lane is what makes pictures, by its name: "readers", "aside".
type Lane struct {
	Name  string
	Stats func() transform.Stats
}

// Sources are what is asked for its counts at each scrape. All functions but Workers and Cluster are required; they are called concurrently.
type Sources struct {
	Proxy       func() proxy.Stats
	Fetched     func() render.Stats
	Load        func() render.Load
	Made        func() []render.Made
	Breakers    func() fetch.Breakers
	Workers     func() worker.Stats  // nil where pictures are made in this process
	Cluster     func() cluster.Stats // nil where there is no Redis
	Connections func() int           // of clients
	Tiers       []Tier
	Lanes       []Lane
}

// Watch has the counts of s scraped too. It is called once.
func (m *Metrics) Watch(s Sources) { m.registry.MustRegister(newCollector(s)) }

// A collector makes metrics of Sources.
type collector struct {
	s     Sources
	descs []desc
}

// A desc is one metric and what collects it.
type desc struct {
	desc    *prometheus.Desc
	kind    prometheus.ValueType
	collect func(*counts, emit)
}

// emit sends one value.
type emit func(value float64, labels ...string)

// counts are those of one scrape: each source is asked once, so that what is told fits together.
type counts struct {
	proxy    proxy.Stats
	fetched  render.Stats
	load     render.Load
	made     []render.Made
	breakers fetch.Breakers
	workers  worker.Stats
	cluster  cluster.Stats
	clients  int
	tiers    []cache.Stats
	queues   []cache.Stats // by tier
	lanes    []transform.Stats
}

func newCollector(s Sources) *collector {
	c := &collector{s: s}
	c.addAnswers()
	c.addPosts()
	c.addTiers()
	c.addWork()
	c.addCluster()
	return c
}

func (c *collector) gauge(name, help string, collect func(*counts, emit), labels ...string) {
	c.descs = append(c.descs, desc{prometheus.NewDesc(namespace+"_"+name, help, labels, nil), prometheus.GaugeValue, collect})
}

func (c *collector) counter(name, help string, collect func(*counts, emit), labels ...string) {
	c.descs = append(c.descs, desc{prometheus.NewDesc(namespace+"_"+name, help, labels, nil), prometheus.CounterValue, collect})
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	n := c.read()
	for _, d := range c.descs {
		d.collect(n, func(value float64, labels ...string) {
			to <- prometheus.MustNewConstMetric(d.desc, d.kind, value, labels...)
		})
	}
}

func (c *collector) read() *counts {
	s := &c.s
	n := &counts{proxy: s.Proxy(), fetched: s.Fetched(), load: s.Load(), made: s.Made(), breakers: s.Breakers(), clients: s.Connections()}
	if s.Workers != nil {
		n.workers = s.Workers()
	}
	if s.Cluster != nil {
		n.cluster = s.Cluster()
	}
	for _, t := range s.Tiers {
		var queue cache.Stats
		if t.Queue != nil {
			queue = t.Queue()
		}
		n.tiers, n.queues = append(n.tiers, t.Stats()), append(n.queues, queue)
	}
	for _, l := range s.Lanes {
		n.lanes = append(n.lanes, l.Stats())
	}
	return n
}

func (c *collector) addAnswers() {
	c.counter("pictures_total", "Pictures that were answered, by outcome: hit, stale (past its freshness), filled (made for the request), joined (with another's work).",
		func(n *counts, to emit) {
			to(float64(n.proxy.Hits), "hit")
			to(float64(n.proxy.Stale), "stale")
			to(float64(n.proxy.Filled), "filled")
			to(float64(n.proxy.Joined), "joined")
		}, "outcome")
	c.counter("collapsed_requests_total", "Pictures that came of another request's work: what was not fetched and encoded twice.",
		func(n *counts, to emit) { to(float64(n.proxy.Joined)) })
	c.counter("answers_again_total", "Hits whose whole answer had been kept: nothing was parsed or looked up.",
		func(n *counts, to emit) { to(float64(n.proxy.Again)) })
	c.counter("picture_bytes_total", "Bytes of pictures that were sent.", func(n *counts, to emit) { to(float64(n.proxy.Sent)) })
	c.counter("bytes_saved_total", "Bytes by which pictures that were sent whole are smaller than their originals.",
		func(n *counts, to emit) { to(float64(n.proxy.Saved)) })
	c.counter("bytes_added_total", "Bytes by which pictures that were sent whole are larger than their originals.",
		func(n *counts, to emit) { to(float64(n.proxy.Added)) })
	c.gauge("http_connections", "Connections of clients that are open, those without a request included.",
		func(n *counts, to emit) { to(float64(n.clients)) })
	c.gauge("ready", "1 where /readyz answers 200, degraded or not; 0 while the server stops, or has nothing to serve.",
		func(n *counts, to emit) { to(oneIf(n.proxy.Ready)) })
	c.gauge("degraded", "How many things do not work although pictures are served; /readyz names them.",
		func(n *counts, to emit) { to(float64(len(n.proxy.Degraded))) })
	c.gauge("degraded_reason", "1 for each thing that does not work although pictures are served, in the words of /readyz; absent where it works.",
		func(n *counts, to emit) {
			for _, reason := range n.proxy.Degraded {
				to(1, reason)
			}
		}, "reason")
}

func (c *collector) addPosts() {
	c.gauge("catalog_images", "Featured images that are served.", func(n *counts, to emit) { to(float64(n.proxy.Images)) })
	c.gauge("catalog_posts", "Posts with front matter that were read.", func(n *counts, to emit) { to(float64(n.proxy.Posts)) })
	c.gauge("catalog_problems", "What lint finds in the posts that are served, by severity.", func(n *counts, to emit) {
		to(float64(n.proxy.Errors), "error")
		to(float64(n.proxy.Warnings), "warning")
	}, "severity")
	c.gauge("rescan_last_success_timestamp_seconds", "When the posts that are served were read, in seconds since 1970.",
		func(n *counts, to emit) { to(float64(n.proxy.LastScan.UnixMilli()) / 1000) })
	c.gauge("ahead_waiting_pictures", "Pictures that wait to be made before anybody asks.", func(n *counts, to emit) { to(float64(n.proxy.Ahead.Waiting)) })
	c.counter("ahead_pictures_total", "Pictures that were to be made before anybody asks, by result: made; failed, whose original cannot be had; dropped, left to their readers.",
		func(n *counts, to emit) {
			to(float64(n.proxy.Ahead.Pictures), "made")
			to(float64(n.proxy.Ahead.Failed), "failed")
			to(float64(n.proxy.Ahead.Dropped), "dropped")
		}, "result")
	c.counter("ahead_renditions_total", "Renditions that were made before anybody asked.", func(n *counts, to emit) { to(float64(n.proxy.Ahead.Renditions)) })
	c.counter("ahead_bytes_total", "Bytes of renditions that were made before anybody asked.", func(n *counts, to emit) { to(float64(n.proxy.Ahead.Bytes)) })
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
