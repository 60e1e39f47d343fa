//go:build integration

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime/metrics"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

const (
	mutated        = 10_000 // of each format
	mutationReader = 8      // at one time
	// mutationMemory bounds what is alive: the budgets for decoding and for encoding small pictures, what the memory tier has, and
	// what the tests, the catalog and the program hold.
	mutationMemory = 256<<20 + 16<<20 + 128<<20
)

// A mutationRun is one format's damaged originals on their way through a server.
type mutationRun struct {
	servers [2]string // one that decodes in its own process, one that does in workers
	format  transform.Format
	seeds   [][]byte
	client  *http.Client
	engine  *transform.Transformer // reads the pictures that the standard library does not
	next    atomic.Uint64
	slowest atomic.Int64
	mu      sync.Mutex
	status  map[int]int
}

// TestIntegrationMutations asks a server for 10,000 damaged originals of each format (CUTLINE_MUTATIONS: another number;
// CUTLINE_MUTATION: one of them alone): every answer is a whole picture or a refusal in the error contract's words, the process lives,
// and what it has alive stays within its budgets. Half of them are decoded in the process itself, the others in workers.
func TestIntegrationMutations(t *testing.T) {
	runs, from := uint64(mutated), uint64(0)
	fromEnv(t, "CUTLINE_MUTATIONS", &runs)
	if fromEnv(t, "CUTLINE_MUTATION", &from) {
		runs = 1
	}
	seeds := map[transform.Format][][]byte{}
	for _, body := range mutationSeeds(t) {
		f, err := transform.Sniff(body)
		if err != nil {
			t.Fatal(err)
		}
		seeds[f] = append(seeds[f], body)
	}
	origin := imagetest.NewOrigin(t)
	var servers [2]string
	for i, workers := range []string{"0", "auto"} {
		s := startServe(t, "--cache", "off", "--log", "error", "--workers", workers, mutationSite(t))
		defer s.stop(t)
		servers[i] = s.url
	}
	high := watchLive(t)
	for _, f := range transform.Formats() {
		if !reads(f) {
			continue
		}
		m := &mutationRun{servers: servers, format: f, seeds: seeds[f], client: client(t), status: map[int]int{}}
		m.client.Timeout = time.Minute
		m.engine = transform.New(goengine.New(), transform.Options{MaxWait: time.Minute})
		m.next.Store(from)
		m.run(t, origin, from+runs)
		t.Logf("%s: %v of %d seeds; the slowest took %s", f, m.status, len(m.seeds), time.Duration(m.slowest.Load()))
		if runs >= mutated && (m.status[http.StatusOK] < int(runs)/50 || m.status[http.StatusUnprocessableEntity] < int(runs)/10) {
			t.Errorf("%s: %v: expected some of both, or the damage is none or all there is", f, m.status)
		}
	}
	if got := high(); got > mutationMemory {
		t.Errorf("%d bytes alive at one time, want at most %d", got, mutationMemory)
	} else {
		t.Logf("%d MiB alive at most", got>>20)
	}
}

// mutationSite is one that keeps little, so that little is alive.
func mutationSite(t *testing.T) string {
	t.Helper()
	return writeSite(t, "fetch: {allow_private: [127.0.0.0/8], hosts: [127.0.0.1]}\ncache: {memory: 16MB}\n")
}

// fromEnv reads a variable of the environment into v, where it is set.
func fromEnv(t *testing.T, name string, v *uint64) bool {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is %q: expected a number", name, text)
	}
	*v = n
	return true
}

// mutationSeeds are small originals of every kind, with everything that may be beside pixels.
func mutationSeeds(t *testing.T) [][]byte {
	list := wholes(t)
	for _, body := range [][]byte{imagetest.JPEG(t, 24, 17), imagetest.PNG(t, 24, 17, true), imagetest.File(t, "alpha.webp")} {
		list = append(list, imagetest.WithEXIF(t, body, imagetest.EXIF(6)), imagetest.WithICC(t, body, imagetest.ICCDisplayP3()))
	}
	for _, film := range imagetest.Films(t) {
		list = append(list, film.Body)
	}
	return list
}

// run asks for the originals up to number end.
func (m *mutationRun) run(t *testing.T, origin *imagetest.Origin, end uint64) {
	var readers sync.WaitGroup
	for range mutationReader {
		readers.Go(func() {
			for n := m.next.Add(1) - 1; n < end && !t.Failed(); n = m.next.Add(1) - 1 {
				if err := m.one(t.Context(), origin, n); err != nil {
					t.Errorf("%s, CUTLINE_MUTATION=%d: %v", m.format, n, err)
				}
			}
		})
	}
	readers.Wait()
}

// one asks for original n. It is only at the origin meanwhile, so that no more than a few are in memory.
func (m *mutationRun) one(ctx context.Context, origin *imagetest.Origin, n uint64) error {
	body := imagetest.Mutated(m.seeds, n)
	path := fmt.Sprintf("/%s/%d", m.format.Ext(), n)
	origin.Serve(path, body)
	defer origin.Handle(path, nil)
	to := transform.PNG
	switch n % 100 {
	case 0:
		to = transform.WebP
	case 1, 2, 3, 4:
		to = transform.GIF
	case 5, 6, 7, 8, 9:
		to = transform.JPEG
	}
	var a reply
	start := time.Now()
	a.ask(ctx, m.client, sourceURL(m.servers[n/100%2], origin.URL(path), to), nil)
	for took := int64(time.Since(start)); took > m.slowest.Load(); {
		m.slowest.Store(took)
	}
	m.mu.Lock()
	m.status[a.status]++
	m.mu.Unlock()
	if to == transform.WebP && a.status == http.StatusOK {
		return m.readable(ctx, &a)
	}
	return a.soundness(to)
}

// readable says why a's picture cannot be read by the engine itself.
func (m *mutationRun) readable(ctx context.Context, a *reply) error {
	info, err := m.engine.Probe(a.body)
	if err == nil {
		s := transform.Spec{Format: transform.PNG}.Resolve(info.Width, info.Height, 0, 0)
		_, err = m.engine.Transform(ctx, a.body, []transform.Spec{s})
	}
	return err
}

// watchLive samples what is alive after each collection; the highest is what the function returns, which ends it.
func watchLive(t *testing.T) (high func() uint64) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	most := make(chan uint64, 1)
	go func() {
		var high uint64
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for ctx.Err() == nil {
			metrics.Read(sample)
			high = max(high, sample[0].Value.Uint64())
			time.Sleep(5 * time.Millisecond)
		}
		most <- high
	}()
	return func() uint64 { stop(); return <-most }
}
