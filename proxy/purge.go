package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
)

// A PurgeRequest is the body of POST /purge: what, by exactly one of the first five, and how.
type PurgeRequest struct {
	Source string `json:"source,omitempty"` // a URL, or a path under the site root
	Post   string `json:"post,omitempty"`   // as /p/{post}/… has it
	ID     string `json:"id,omitempty"`
	Host   string `json:"host,omitempty"` // as fetch.hosts has it
	All    bool   `json:"all,omitempty"`
	// Gone takes down: 410 from here on. Restore undoes that; what was not taken down stays as it is.
	Gone    bool `json:"gone,omitempty"`
	Restore bool `json:"restore,omitempty"`
}

// A PurgeResult is the answer of POST /purge. Where there is none, the answer is {"error": "…"}.
type PurgeResult struct {
	How     string         `json:"how"`    // "forgotten", "taken down" or "restored"
	Purged  int            `json:"purged"` // sources
	Failed  int            `json:"failed"` // of which the cache could not let go
	Sources []PurgedSource `json:"sources"`
	// SurrogateKeys are what to purge at a CDN: its copies are beyond our reach.
	SurrogateKeys []string `json:"surrogate_keys"`
	Note          string   `json:"note,omitempty"` // what may be left
}

// A PurgedSource is one source in the answer.
type PurgedSource struct {
	Source string   `json:"source"`
	Cached bool     `json:"cached"` // something was known of it
	Images []string `json:"images"` // IDs
	Error  string   `json:"error,omitempty"`
}

// A manner is how to purge, and its word in answers.
type manner struct {
	purge render.Purge
	word  string
}

func (w *PurgeRequest) how() manner {
	switch {
	case w.Gone:
		return manner{render.Withdraw, "taken down"}
	case w.Restore:
		return manner{render.Restore, "restored"}
	}
	return manner{render.Forget, "forgotten"}
}

// String is what is to be purged, for the log.
func (w *PurgeRequest) String() string {
	var parts []string
	for _, p := range [][2]string{{"source", publicSource(w.Source)}, {"post", w.Post}, {"id", w.ID}, {"host", w.Host}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+short(p[1]))
		}
	}
	if w.All {
		parts = append(parts, "all")
	}
	return strings.Join(parts, ", ")
}

// publicSource is a source as somebody wrote it, without what may be a key in it.
func publicSource(text string) string {
	if before, _, found := strings.Cut(text, "?"); found {
		text = before + "?…"
	}
	if i := strings.LastIndex(text, "@"); i >= 0 && strings.Contains(text, "://") {
		text = "…" + text[i:]
	}
	return text
}

// Check says what is wrong with a request whatever the site; nil means nothing.
func (w *PurgeRequest) Check() error {
	named := 0
	for _, given := range []bool{w.Source != "", w.Post != "", w.ID != "", w.Host != "", w.All} {
		if given {
			named++
		}
	}
	switch {
	case named != 1:
		return errors.New("expected exactly one of source, post, id, host and all")
	case w.Gone && w.Restore:
		return errors.New("expected gone or restore, not both")
	case w.Gone && w.All:
		return errors.New("gone takes down what source, post, id or host name; it does not go with all")
	}
	return nil
}

// purgeTime bounds one purge. A source takes a few milliseconds, of a disk that works.
const purgeTime = 2 * time.Minute

// purge does what w wishes.
func (s *Server) purge(ctx context.Context, w *PurgeRequest) (*PurgeResult, error) {
	if err := w.Check(); err != nil {
		return nil, &adminError{http.StatusBadRequest, err.Error()}
	}
	at := s.snapshot()
	sources, err := at.wished(w)
	if err != nil {
		return nil, err
	}
	how := w.how()
	order, done := s.tellAndPurge(ctx, how.purge, sources)
	at.facts.outdate()
	r := &PurgeResult{How: how.word, Sources: []PurgedSource{}, SurrogateKeys: []string{}}
	for _, d := range done {
		entries := at.catalog.BySource(d.Source)
		if len(entries) == 0 {
			entries = []*catalog.Entry{catalog.Unposted(d.Source)}
			if !d.Was && d.Err == nil && how.purge != render.Withdraw {
				return nil, notFound("source", d.Source.String(), "no post shows it, and nothing of it is kept")
			}
		}
		if d.Done || d.Err != nil {
			r.add(d, entries)
		}
		at.forget(entries)
	}
	if len(r.Sources) == 0 && how.purge == render.Restore {
		return nil, &adminError{http.StatusNotFound, w.String() + ": nothing of it was taken down"}
	}
	if len(s.o.Hosts) > 0 && (w.All || w.Host != "") {
		r.Note = "pictures of fetch.hosts that no post shows are not listed anywhere: purge each by its source"
	}
	if order.Owed {
		r.note("other machines have not been told: Redis does not answer; they are when it does")
	}
	if w.Host != "" && r.Purged > 0 && !strings.HasPrefix(w.Host, "*") {
		r.SurrogateKeys = []string{"host-" + tag(done[0].Source.Host())} // one for all, those that no post shows too
	}
	if s.o.Observer != nil {
		s.o.Observer.Purged(r.How, r.Purged+r.Failed, r.Failed)
	}
	return r, nil
}

// Peers are the other nodes of a site.
type Peers interface {
	// Purged tells them what becomes of sources, and returns where in the order of all purges that stands. It takes a second at most.
	Purged(ctx context.Context, p render.Purge, sources []source.Source) render.Order
	// Rescanned tells them that posts may have changed.
	Rescanned(ctx context.Context)
}

// tellAndPurge does one purge after the other: the one that was told last is the one that is carried out last. Of many sources it does
// some after the other, as each message has its own place among the purges of others.
func (s *Server) tellAndPurge(ctx context.Context, p render.Purge, sources []source.Source) (order render.Order, done []render.Purged) {
	s.purging.Lock()
	defer s.purging.Unlock()
	// Whoever asked may leave: half a purge is worse than one that nobody waits for.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), purgeTime)
	defer cancel()
	for some := range slices.Chunk(sources, toldAtOnce) {
		at := s.tell(ctx, p, some)
		done = append(done, s.o.Renderer.PurgeAt(ctx, p, at, some...)...)
		at.Owed = at.Owed || order.Owed
		order = at
	}
	return order, done
}

// toldAtOnce is how many sources one message of internal/cluster takes: fewer would be more messages, more would be split there.
const toldAtOnce = 256

// tell tells the other nodes what is about to be purged here: whoever has the answer knows that all will hear of it. Of a Restore they
// hear only where there is something to restore.
func (s *Server) tell(ctx context.Context, p render.Purge, sources []source.Source) render.Order {
	if s.o.Peers == nil {
		return render.Order{}
	}
	if p == render.Restore {
		sources = slices.DeleteFunc(slices.Clone(sources), func(src source.Source) bool { return !s.o.Renderer.Withdrawn(ctx, src) })
	}
	if len(sources) == 0 {
		return render.Order{}
	}
	return s.o.Peers.Purged(ctx, p, sources)
}

// Forgotten says that the Renderer has forgotten sources by itself, as another node has told it.
func (s *Server) Forgotten(sources ...source.Source) {
	at := s.snapshot()
	at.facts.outdate()
	for _, src := range sources {
		at.forget(at.catalog.BySource(src))
	}
}

// forget drops what is remembered of pictures beside the Renderer.
func (n *snapshot) forget(entries []*catalog.Entry) {
	for _, e := range entries {
		n.placeholders.byID.Delete(e.ID)
		n.largest.Delete(e.ID)
	}
}

// note adds to the note.
func (r *PurgeResult) note(text string) {
	if r.Note != "" {
		r.Note += "; "
	}
	r.Note += text
}

// add notes what came of one source.
func (r *PurgeResult) add(d render.Purged, entries []*catalog.Entry) {
	p := PurgedSource{Source: d.Source.String(), Cached: d.Was}
	for _, e := range entries {
		p.Images = append(p.Images, e.ID)
	}
	if d.Err != nil {
		p.Error = d.Err.Error()
		r.Failed++
	} else {
		r.Purged++
		for _, id := range p.Images {
			r.SurrogateKeys = append(r.SurrogateKeys, "img-"+id)
		}
	}
	r.Sources = append(r.Sources, p)
}

// wished are the sources that w names, in the catalog's order.
func (n *snapshot) wished(w *PurgeRequest) ([]source.Source, error) {
	switch {
	case w.ID != "":
		e, ok := n.catalog.ByID(w.ID)
		if !ok {
			return nil, notFound("id", w.ID, "no picture has it; IDs change when the words beside a picture do")
		}
		return []source.Source{e.Source}, nil
	case w.Post != "":
		e, _, err := n.catalog.ByPost(w.Post)
		if err != nil {
			return nil, &adminError{http.StatusNotFound, short(err.Error())}
		}
		return []source.Source{e.Source}, nil
	case w.Source != "":
		return n.wishedSource(w.Source)
	}
	listed := hosts{}
	if w.Host != "" {
		var err error
		if listed, err = newHosts([]string{w.Host}); err != nil {
			return nil, &adminError{http.StatusBadRequest, err.Error()}
		}
	}
	var sources []source.Source
	seen := make(map[source.Source]bool)
	for _, e := range n.catalog.Entries {
		if (w.All || listed.has(e.Source.Host())) && !seen[e.Source] {
			seen[e.Source] = true
			sources = append(sources, e.Source)
		}
	}
	if len(sources) == 0 {
		return nil, &adminError{http.StatusNotFound, w.String() + ": no post shows a picture of it; others are purged by their source"}
	}
	return sources, nil
}

// wishedSource is a source as the front matter, or an address of the dialect, has it.
func (n *snapshot) wishedSource(text string) ([]source.Source, error) {
	src, err := source.Parse(text)
	if errors.Is(err, source.ErrInvalid) && !strings.Contains(text, "://") {
		src, err = source.Local(text)
	}
	if err != nil {
		return nil, &adminError{http.StatusBadRequest, fmt.Sprintf("source %s: %s", strconv.Quote(short(text)), err)}
	}
	if src.Remote() || len(n.catalog.BySource(src)) > 0 {
		return []source.Source{src}, nil
	}
	if found := n.catalog.ByPath(src.String()); len(found) > 0 {
		return []source.Source{found[0].Source}, nil
	}
	return nil, notFound("source", text, "no post shows it")
}

func notFound(kind, name, why string) error {
	return &adminError{http.StatusNotFound, kind + " " + strconv.Quote(short(name)) + ": " + why}
}
