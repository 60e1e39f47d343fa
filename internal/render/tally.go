package render

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// Made is what was made in one format since the Renderer was.
type Made struct {
	Format     transform.Format
	Renditions int64
	Bytes      int64         // of their files, without words
	Took       time.Duration // of resizing and encoding, all together
}

// An Origin is what came of asking one host for originals since the Renderer was made.
type Origin struct {
	Host          string // "" is all hosts that came after maxOrigins others
	Asked, Failed int64
	Bytes         int64         // of the originals that it sent
	Took, Slowest time.Duration // of all requests together, redirects and bodies included, and of the longest
}

// maxOrigins bounds the hosts that are told apart: signed addresses may name any number.
const maxOrigins = 1024

// tallies count what costs time: each is written once for a fetch or an encoding, never for a hit. The zero value is ready.
type tallies struct {
	mu      sync.Mutex
	made    map[transform.Format]*Made
	origins map[string]*Origin
}

// count counts what one transform made.
func (t *tallies) count(outs []transform.Output) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made == nil {
		t.made = make(map[transform.Format]*Made)
	}
	for _, o := range outs {
		m := t.made[o.Format]
		if m == nil {
			m = &Made{Format: o.Format}
			t.made[o.Format] = m
		}
		m.Renditions++
		m.Bytes += int64(len(o.Body))
		m.Took += o.Took.Resize + o.Took.Encode
	}
}

// asked counts one fetch of src that brought so many bytes, or failed with class. What did not reach the host is none.
func (t *tallies) asked(src source.Source, bytes int, class Class, took time.Duration) {
	if !src.Remote() || class == Down || class == Refused || class == Canceled {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.origins == nil {
		t.origins = make(map[string]*Origin)
	}
	host := src.Host()
	if t.origins[host] == nil && len(t.origins) >= maxOrigins {
		host = ""
	}
	o := t.origins[host]
	if o == nil {
		o = &Origin{Host: host}
		t.origins[host] = o
	}
	o.Asked++
	if class != "" {
		o.Failed++
	}
	o.Bytes += int64(bytes)
	o.Took += took
	o.Slowest = max(o.Slowest, took)
}

// Made lists the formats in which something was made.
func (r *Renderer) Made() []Made {
	r.tallies.mu.Lock()
	defer r.tallies.mu.Unlock()
	var out []Made
	for _, m := range r.tallies.made {
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b Made) int { return cmp.Compare(a.Format, b.Format) })
	return out
}

// Origins lists the hosts that were asked, the slowest on average first.
func (r *Renderer) Origins() []Origin {
	r.tallies.mu.Lock()
	defer r.tallies.mu.Unlock()
	var out []Origin
	for _, o := range r.tallies.origins {
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b Origin) int {
		return cmp.Or(cmp.Compare(b.Took/time.Duration(b.Asked), a.Took/time.Duration(a.Asked)), cmp.Compare(a.Host, b.Host))
	})
	return out
}

// tally counts a fetch that ended.
func (r *Renderer) tally(src source.Source, o *fetch.Original, err error, took time.Duration) {
	if err != nil {
		r.tallies.asked(src, 0, newError(src, err).Class, took)
		return
	}
	r.tallies.asked(src, len(o.Body), "", took)
}
