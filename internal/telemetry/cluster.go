package telemetry

// addCluster adds what nodes do through Redis. All is 0 where there is none, so that dashboards and alerts find what they look for.
func (c *collector) addCluster() {
	c.gauge("cluster_configured", "1 where nodes work together through a Redis.", func(_ *counts, to emit) { to(oneIf(c.s.Cluster != nil)) })
	c.gauge("cluster_connected", "1 while the stream of purges is being read: what other nodes purge reaches this one.",
		func(n *counts, to emit) { to(oneIf(n.cluster.Connected)) })
	c.gauge("cluster_breaker_open", "1 while answers leave Redis alone, because it failed.", func(n *counts, to emit) { to(oneIf(n.cluster.Open)) })
	c.counter("cluster_breaker_opened_total", "How often answers began to leave Redis alone.", func(n *counts, to emit) { to(float64(n.cluster.Opened)) })
	c.gauge("cluster_lag_seconds", "Time since this node last knew that it had read all that was purged; 0 before it ever did.",
		func(n *counts, to emit) { to(n.cluster.Behind.Seconds()) })
	c.counter("cluster_epochs_total", "How often Redis had lost its data, or more of the stream than this node had read; its cache was distrusted then.",
		func(n *counts, to emit) { to(float64(n.cluster.Epochs)) })
	c.counter("cluster_locks_total", "Locks that work asked for, by result: taken, waited for another node's work, timeout waited in vain, bypassed without Redis.",
		func(n *counts, to emit) {
			to(float64(n.cluster.Taken), "taken")
			to(float64(n.cluster.Waited), "waited")
			to(float64(n.cluster.TimedOut), "timeout")
			to(float64(n.cluster.Bypassed), "bypassed")
		}, "result")
	c.counter("cluster_locks_expired_total", "Locks that ran out while they were held: the same work may have been done twice.",
		func(n *counts, to emit) { to(float64(n.cluster.Expired)) })
	c.counter("cluster_messages_total", "Messages about purges, by result: sent, applied (this node's own included), ignored because they mean nothing here.",
		func(n *counts, to emit) {
			to(float64(n.cluster.Sent), "sent")
			to(float64(n.cluster.Received), "applied")
			to(float64(n.cluster.Ignored), "ignored")
		}, "result")
	c.gauge("cluster_messages_owed", "Messages that Redis has yet to take: other nodes may show what was purged here.",
		func(n *counts, to emit) { to(float64(n.cluster.Owed)) })
}
