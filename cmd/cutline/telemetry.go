package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/telemetry"
	"github.com/dd8bf596/cutline/internal/transform/worker"
)

// traceGrace is for traces that were not sent when the program ends.
const traceGrace = 3 * time.Second

// telemetryBuild is what metrics and traces say of this program.
func telemetryBuild() telemetry.Build {
	b := readBuild()
	return telemetry.Build{Version: b.Version, Revision: b.Commit}
}

// startTracing starts traces where the environment asks for them, and has log name them. Otherwise tracing is nil, and log as it was.
func (p *program) startTracing(ctx context.Context, log *slog.Logger) (tracing *telemetry.Tracing, named *slog.Logger, err error) {
	if !telemetry.TracingWanted(p.env.get) {
		return nil, log, nil
	}
	named = slog.New(telemetry.LogHandler(log.Handler()))
	tracing, err = telemetry.StartTracing(ctx, telemetryBuild(), named)
	if err != nil {
		return nil, nil, &usageError{err}
	}
	return tracing, named, nil
}

// stopTracing sends what was not sent. The last requests' spans are lost where nothing takes them; the exporter has said so.
func stopTracing(ctx context.Context, t *telemetry.Tracing) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), traceGrace)
	defer cancel()
	_ = t.Close(ctx)
}

// watch has metrics read the counts of all parts of st.
func (st *stack) watch(clients *crowd) {
	s := telemetry.Sources{
		Proxy: st.proxy.Stats, Fetched: st.renderer.Stats, Load: st.renderer.Load, Made: st.renderer.Made, Breakers: st.fetcher.Breakers,
		Connections: clients.size, Tiers: st.tiers, Lanes: st.lanes,
	}
	if len(st.workers) > 0 {
		s.Workers = st.workerStats
	}
	if st.node != nil {
		s.Cluster = st.node.Stats
	}
	st.metrics.Watch(s)
}

// workerStats are those of all workers.
func (st *stack) workerStats() (sum worker.Stats) {
	for _, e := range st.workers {
		w := e.Stats()
		sum.Workers += w.Workers
		sum.Busy += w.Busy
		sum.Started += w.Started
		sum.Crashed += w.Crashed
		sum.Retired += w.Retired
		sum.Failing = sum.Failing || w.Failing
	}
	return sum
}

// counted is a tier that is written behind the answers; what is dropped on the way there is dropped.
func counted(name string, store interface{ Stats() cache.Stats }, behind *cache.Behind) telemetry.Tier {
	return telemetry.Tier{Name: name, Queue: behind.Stats, Stats: func() cache.Stats {
		st, dropped := store.Stats(), behind.Stats().Dropped
		st.Puts += dropped
		st.Dropped += dropped
		return st
	}}
}

// What /readyz says where pictures cannot be made. What the cache has is served.
const workersFail = "no process for pictures can be started"

// degraded lists what does not work although pictures are served, in fixed words.
func (st *stack) degraded() []string {
	reasons := degraded(&st.health, &st.shared)
	if st.workerStats().Failing {
		reasons = append(reasons, workersFail)
	}
	return append(reasons, st.node.trouble()...)
}
