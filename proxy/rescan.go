package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/source"
)

// A RescanResult is the answer of POST /rescan. Where there is none, the answer is {"error": "…"}. Added, Removed and Changed
// are posts, as catalog.Changes counts them.
type RescanResult struct {
	Images  int `json:"images"`
	Posts   int `json:"posts"` // with front matter
	Added   int `json:"added"`
	Removed int `json:"removed"`
	Changed int `json:"changed"`
	// Kept are posts that cannot be read, and show what they showed before: the first hundred. Problems says why, among other
	// errors, as lint has them: the first hundred of all.
	Kept     []string          `json:"kept"`
	Problems []catalog.Problem `json:"problems"`
	// SurrogateKeys are what to purge at a CDN: pictures and words that posts do not show any more.
	SurrogateKeys []string `json:"surrogate_keys"`
	// Appeared are the first hundred errors in posts that the scan before did not find, Repaired the number of those that it did and
	// that are gone. They are for who reads the posts again and again.
	Appeared []catalog.Problem `json:"-"`
	Repaired int               `json:"-"`
}

// maxListed bounds each list of a RescanResult but the keys, which programs need whole.
const maxListed = 100

// ErrNoRescan says that a Server has no Options.Scan.
var ErrNoRescan = errors.New("this server does not read its posts again")

// ErrNoPictures says that a scan found no picture where there had been some. That is taken for a mistake, such as a folder that is not
// mounted: to serve nothing, a server is stopped.
var ErrNoPictures = errors.New("no post shows a picture")

// rescans are the scans of a running server: one at a time, and at most one that waits for it.
type rescans struct {
	mu      sync.Mutex
	running bool
	next    *rescan // has not begun
	failed  bool    // the last one did; guarded by mu
	closed  bool
	idle    sync.WaitGroup
	end     context.CancelFunc // of the one that runs
}

// errClosed says that a Server was closed.
var errClosed = errors.New("the server is stopping")

// haveFailed reports whether the last scan did.
func (r *rescans) haveFailed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// A rescan is one scan, for all who asked before it began.
type rescan struct {
	whole  bool          // somebody wants everything read; guarded by rescans.mu until it has begun
	done   chan struct{} // closed when result and err are set
	result *RescanResult
	err    error
}

// Rescan reads the posts again and serves what it finds from then on; requests under way end with what they began with. A scan
// that fails changes nothing and returns the reason; a post that cannot be read keeps what it had. Sources that no post shows
// any more are an ordinary cache's from then on, and those that have come are of the archive.
//
// Calls at the same time share a scan, but never one that began before the call: it may have passed the post already whose change
// is the reason for the call. The scan goes on when ctx ends.
//
// Other nodes are told, whatever came of it: their posts may be readable, and others.
func (s *Server) Rescan(ctx context.Context) (*RescanResult, error) {
	r, err := s.scanAgain(ctx, true)
	if s.o.Peers != nil && !errors.Is(err, ErrNoRescan) && !errors.Is(err, errClosed) {
		s.o.Peers.Rescanned(context.WithoutCancel(ctx))
	}
	return r, err
}

// Follow is Rescan for who knows that something changed and asks often: files that look as they did are taken for unchanged. Other nodes
// are told where posts have changed.
func (s *Server) Follow(ctx context.Context) (*RescanResult, error) {
	r, err := s.scanAgain(ctx, false)
	if s.o.Peers != nil && err == nil && r.Added+r.Removed+r.Changed > 0 {
		s.o.Peers.Rescanned(context.WithoutCancel(ctx))
	}
	return r, err
}

// Heard has the posts read again as another node has told, behind the call.
func (s *Server) Heard(ctx context.Context) { _, _ = s.askScan(ctx, true) } // a server that ends, or has one scan, has no use for it

// Trail says what the posts that are served rest on; nil where the scan did not note it.
func (s *Server) Trail() *catalog.Trail { return s.snapshot().catalog.Trail }

func (s *Server) scanAgain(ctx context.Context, whole bool) (*RescanResult, error) {
	r, err := s.askScan(ctx, whole)
	if err != nil {
		return nil, err
	}
	select {
	case <-r.done:
		return r.result, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// askScan returns the scan that begins next.
func (s *Server) askScan(ctx context.Context, whole bool) (*rescan, error) {
	if s.o.Scan == nil {
		return nil, ErrNoRescan
	}
	s.rescans.mu.Lock()
	defer s.rescans.mu.Unlock()
	if s.rescans.closed {
		return nil, errClosed
	}
	r := s.rescans.next
	if r == nil {
		r = &rescan{done: make(chan struct{})}
		s.rescans.next = r
	}
	r.whole = r.whole || whole
	if !s.rescans.running {
		s.rescans.running = true
		scanning, end := context.WithCancel(context.WithoutCancel(ctx))
		s.rescans.end = end
		s.rescans.idle.Go(func() {
			defer end()
			s.rescanAll(scanning)
		})
	}
	return r, nil
}

// Close ends a scan under way and waits for its end; later ones are refused. Requests are answered as before.
func (s *Server) Close() {
	s.rescans.mu.Lock()
	s.rescans.closed = true
	if s.rescans.end != nil {
		s.rescans.end()
	}
	s.rescans.mu.Unlock()
	s.rescans.idle.Wait()
}

// rescanAll scans until nobody waits.
func (s *Server) rescanAll(ctx context.Context) {
	for {
		s.rescans.mu.Lock()
		r := s.rescans.next
		s.rescans.next = nil
		s.rescans.running = r != nil
		s.rescans.mu.Unlock()
		if r == nil {
			return
		}
		last := s.snapshot()
		r.result, r.err = s.rescan(ctx, last, !r.whole)
		s.rescans.mu.Lock()
		s.rescans.failed = r.err != nil
		s.rescans.mu.Unlock()
		close(r.done)
		if r.err == nil {
			s.refile(ctx, last, s.snapshot())
		}
	}
}

// rescanTime bounds one scan: a hundred thousand posts take a few seconds, of a disk that works.
const rescanTime = 2 * time.Minute

// rescan reads the posts once and swaps last for what they say. Only rescanAll calls it, so that nobody else swaps meanwhile.
func (s *Server) rescan(ctx context.Context, last *snapshot, trust bool) (result *RescanResult, err error) {
	ctx, cancel := context.WithTimeout(ctx, rescanTime)
	defer cancel()
	defer func() {
		if p := recover(); p != nil { // a scan that panics is no reason for the server to end
			err = fmt.Errorf("scan: panic: %v", p)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			s.log.LogAttrs(ctx, slog.LevelError, "the posts cannot be read again; what was read before is still served", slog.String("err", err.Error()))
		}
	}()
	start := time.Now()
	defer func() {
		if s.o.Observer != nil {
			s.o.Observer.Rescanned(time.Since(start), err)
		}
	}()
	c, err := s.o.Scan(ctx, last.catalog, trust)
	if err != nil {
		return nil, err
	}
	if len(c.Entries) == 0 && len(last.catalog.Entries) > 0 {
		return nil, ErrNoPictures
	}
	s.current.Store(newSnapshot(c, s.room(), last))
	s.scanned.Store(time.Now().UnixNano())
	d := c.Since(last.catalog)
	result = newRescanResult(c, d)
	s.ahead.add(d.Fresh)
	result.compare(last.catalog.Read(), c.Read())
	level := slog.LevelInfo
	if trust && d.Added+d.Removed+d.Changed == 0 {
		level = slog.LevelDebug // of each save
	}
	s.log.LogAttrs(ctx, level, "posts read again",
		slog.Int("images", result.Images), slog.Int("posts", result.Posts), slog.Int("added", d.Added), slog.Int("removed", d.Removed),
		slog.Int("changed", d.Changed), slog.Int("kept", len(c.Kept)), slog.Int64("dur_ms", time.Since(start).Milliseconds()))
	for _, post := range result.Kept {
		if slices.Contains(last.catalog.Kept, post) {
			continue // that was said
		}
		s.log.LogAttrs(ctx, slog.LevelWarn, "a post cannot be read; what was read of it before is still shown", slog.String("post", post))
	}
	return result, nil
}

// refile has originals kept where they belong: those that posts have come to show for good, those that none shows any more as long
// as there is room.
func (s *Server) refile(ctx context.Context, last, now *snapshot) {
	defer func() {
		if p := recover(); p != nil { // as in rescan; no answer depends on what is left undone
			s.log.LogAttrs(ctx, slog.LevelError, "originals stay where they are", slog.String("err", fmt.Sprintf("panic: %v", p)))
		}
	}()
	var moved, shown []source.Source
	for _, e := range now.catalog.Entries {
		shown = append(shown, e.Source)
		if len(last.catalog.BySource(e.Source)) == 0 {
			moved = append(moved, e.Source)
		}
	}
	for _, e := range last.catalog.Entries {
		if len(now.catalog.BySource(e.Source)) == 0 {
			moved = append(moved, e.Source)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, rescanTime)
	defer cancel()
	s.o.Renderer.Refile(ctx, moved, shown)
}

func newRescanResult(c *catalog.Catalog, d catalog.Changes) *RescanResult {
	r := &RescanResult{
		Images: len(c.Entries), Posts: c.Posts, Added: d.Added, Removed: d.Removed, Changed: d.Changed,
		Kept: append([]string{}, c.Kept[:min(len(c.Kept), maxListed)]...), Problems: []catalog.Problem{}, SurrogateKeys: []string{},
	}
	for _, p := range c.Read() {
		if p.Severity == catalog.Error && len(r.Problems) < maxListed {
			r.Problems = append(r.Problems, p)
		}
	}
	for _, e := range d.Outdated {
		r.SurrogateKeys = append(r.SurrogateKeys, "img-"+e.ID)
	}
	slices.Sort(r.SurrogateKeys)
	return r
}

// compare notes which errors in posts are new since before, and how many are gone.
func (r *RescanResult) compare(before, now []catalog.Problem) {
	gone := map[catalog.Problem]bool{}
	for _, p := range before {
		if p.Severity == catalog.Error {
			gone[p] = true
		}
	}
	for _, p := range now {
		switch {
		case p.Severity != catalog.Error:
		case gone[p]:
			delete(gone, p)
		case len(r.Appeared) < maxListed:
			r.Appeared = append(r.Appeared, p)
		}
	}
	r.Repaired = len(gone)
}

// postRescan answers POST /rescan. Each leaves a line in the log, also where it is refused; what a scan found has one of its own.
func (a *admin) postRescan(w http.ResponseWriter, req *http.Request) {
	err := a.admit(req)
	if err == nil {
		err = noBody(w, req)
	}
	var result *RescanResult
	if err == nil {
		result, err = a.s.Rescan(req.Context())
	}
	level, attrs := slog.LevelInfo, []slog.Attr{slog.String("from", req.RemoteAddr)}
	if err != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("err", err.Error()))
	}
	a.s.log.LogAttrs(req.Context(), level, "rescan", attrs...)
	if err != nil {
		a.refuse(w, rescanError(err))
		return
	}
	writeAdmin(w, http.StatusOK, result)
}

// rescanError is err for whoever asked: they may know the folders of this machine.
func rescanError(err error) error {
	switch _, refusal := errors.AsType[*adminError](err); {
	case refusal:
		return err
	case errors.Is(err, ErrNoRescan):
		return &adminError{http.StatusNotImplemented, err.Error()}
	}
	return &adminError{http.StatusInternalServerError, "what was read before is still served: " + err.Error()}
}

// noBody refuses a body: there is nothing to say, and whoever says something means something else. What a page's form sends has one.
func noBody(w http.ResponseWriter, req *http.Request) error {
	if n, _ := http.MaxBytesReader(w, req.Body, maxAdminBody).Read(make([]byte, 1)); n > 0 {
		return &adminError{http.StatusBadRequest, "expected no body"}
	}
	return nil
}
