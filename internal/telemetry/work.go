package telemetry

import "github.com/dd8bf596/cutline/internal/render"

func (c *collector) addTiers() {
	each := func(collect func(tier int, n *counts, to emit, name string)) func(*counts, emit) {
		return func(n *counts, to emit) {
			for i := range n.tiers {
				collect(i, n, to, c.s.Tiers[i].Name)
			}
		}
	}
	c.counter("cache_requests_total", "Look-ups in a tier of the cache, by result. A slower tier is asked for what the faster ones do not have.",
		each(func(i int, n *counts, to emit, tier string) {
			to(float64(n.tiers[i].Hits), tier, "hit")
			to(float64(max(n.tiers[i].Gets-n.tiers[i].Hits, 0)), tier, "miss")
		}), "tier", "result")
	c.gauge("cache_size_bytes", "Bytes in a tier of the cache; of a bucket those that this process has put there.",
		each(func(i int, n *counts, to emit, tier string) { to(float64(n.tiers[i].Bytes), tier) }), "tier")
	c.gauge("cache_entries", "Objects in a tier of the cache; of a bucket those that this process has put there.",
		each(func(i int, n *counts, to emit, tier string) { to(float64(n.tiers[i].Objects), tier) }), "tier")
	c.counter("cache_writes_total", "Objects that a tier was given, by result: dropped were not kept, for want of room, time or a medium that works.",
		each(func(i int, n *counts, to emit, tier string) {
			to(float64(max(n.tiers[i].Puts-n.tiers[i].Dropped, 0)), tier, "kept")
			to(float64(n.tiers[i].Dropped), tier, "dropped")
		}), "tier", "result")
	c.counter("cache_deletes_total", "Objects that a tier was told to forget.",
		each(func(i int, n *counts, to emit, tier string) { to(float64(n.tiers[i].Deletes), tier) }), "tier")
	c.counter("cache_evictions_total", "Objects that a tier gave up, by reason: space made room for others, corrupt were damaged.",
		each(func(i int, n *counts, to emit, tier string) {
			to(float64(n.tiers[i].Evicted), tier, "space")
			to(float64(n.tiers[i].Corrupt), tier, "corrupt")
		}), "tier", "reason")
	c.counter("cache_errors_total", "Operations that a tier's medium failed: a disk that is full, a bucket that is away.",
		each(func(i int, n *counts, to emit, tier string) { to(float64(n.tiers[i].Errors), tier) }), "tier")
	c.gauge("cache_write_queue_bytes", "Bytes that wait in memory to be written to a slower tier.",
		each(func(i int, n *counts, to emit, tier string) {
			if c.s.Tiers[i].Queue != nil {
				to(float64(n.queues[i].Bytes), tier)
			}
		}), "tier")
}

func (c *collector) addWork() {
	c.counter("originals_total", "Flights for originals, by outcome: fetched (or unchanged), failed.",
		func(n *counts, to emit) {
			to(float64(n.fetched.Fetched), "fetched")
			to(float64(n.fetched.Failed), "failed")
		}, "outcome")
	c.counter("originals_spared_total", "Flights for originals that failed, and whose readers were shown what had been kept.",
		func(n *counts, to emit) { to(float64(n.fetched.Spared)) })
	c.counter("originals_replaced_total", "Originals that their origin replaced behind the same address.",
		func(n *counts, to emit) { to(float64(n.fetched.Replaced)) })
	c.gauge("origin_breakers", "Hosts that failed of late, by state: open are not asked, half-open are asked once, paused want to be left alone, closed are asked as ever.",
		func(n *counts, to emit) {
			to(float64(n.breakers.Open), "open")
			to(float64(n.breakers.Probing), "half-open")
			to(float64(n.breakers.Paused), "paused")
			to(float64(n.breakers.Failing), "closed")
		}, "state")
	c.counter("renditions_total", "Renditions that were made, by format.", func(n *counts, to emit) {
		for _, m := range n.made {
			to(float64(m.Renditions), m.Format.Ext())
		}
	}, "format")
	c.counter("rendition_bytes_total", "Bytes of renditions that were made, without words, by format.", func(n *counts, to emit) {
		for _, m := range n.made {
			to(float64(m.Bytes), m.Format.Ext())
		}
	}, "format")
	c.addFlights()
	c.addTransforms()
	c.addWorkers()
}

func (c *collector) addFlights() {
	kinds := func(n *counts) map[string]render.FlightLoad {
		return map[string]render.FlightLoad{"fetch": n.load.Fetches, "render": n.load.Renders}
	}
	c.gauge("flights", "Work under way that any number of requests may share, by kind and state.", func(n *counts, to emit) {
		for kind, l := range kinds(n) {
			to(float64(l.Working), kind, "working")
			to(float64(l.Waiting), kind, "waiting")
		}
	}, "kind", "state")
	c.counter("flights_rejected_total", "Work that was turned away (503), by kind and reason: memory is short, host has its share, full queue, slow queue, waited too long.",
		func(n *counts, to emit) {
			for kind, l := range kinds(n) {
				for _, reason := range render.Rejections() {
					to(float64(l.Rejected[reason]), kind, reason)
				}
			}
		}, "kind", "reason")
	c.gauge("behind_waiting_renditions", "Slow renditions (AVIF) that wait for a machine that has nothing else to do.",
		func(n *counts, to emit) { to(float64(n.load.Behind)) })
}

func (c *collector) addTransforms() {
	c.gauge("transform_queue_depth", "Transforms that wait for a slot or for memory, by lane: readers, or aside, where slow formats are made.", func(n *counts, to emit) {
		for i, l := range n.lanes {
			to(float64(l.Waiting), c.s.Lanes[i].Name)
		}
	}, "lane")
	c.gauge("transforms_in_flight", "Transforms under way, by lane.", func(n *counts, to emit) {
		for i, l := range n.lanes {
			to(float64(l.Working), c.s.Lanes[i].Name)
		}
	}, "lane")
	c.counter("transform_rejected_total", "Transforms that were turned away, by lane and reason: full queue, waited too long.", func(n *counts, to emit) {
		for i, l := range n.lanes {
			to(float64(l.Crowded), c.s.Lanes[i].Name, "full")
			to(float64(l.Waited), c.s.Lanes[i].Name, "waited")
		}
	}, "lane", "reason")
}

func (c *collector) addWorkers() {
	c.gauge("workers", "Processes that make pictures, by state; none where pictures are made in the server.", func(n *counts, to emit) {
		to(float64(n.workers.Busy), "busy")
		to(float64(n.workers.Workers-n.workers.Busy), "idle")
	}, "state")
	c.counter("worker_starts_total", "Processes for pictures that were started.", func(n *counts, to emit) { to(float64(n.workers.Started)) })
	c.counter("worker_restarts_total", "Processes for pictures that were replaced, by reason: crashed ended by themselves, retired had done or taken enough.",
		func(n *counts, to emit) {
			to(float64(n.workers.Crashed), "crashed")
			to(float64(n.workers.Retired), "retired")
		}, "reason")
}
