package proxy

import (
	"sync"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/source"
)

// A snapshot is one catalog and everything that is derived from it. Server.current points at the one that is served; a rescan
// puts another in its place, whole (ADR 28). A request takes it once, by one atomic load, and asks that one alone: words,
// labels and addresses of an answer are of one scan.
//
// Nothing in a snapshot changes but its memories, which forget with it: an answer under way when it is replaced writes into
// one that nobody looks at any more.
type snapshot struct {
	catalog      *catalog.Catalog
	shelf        shelf
	placeholders placeholders
	answers      answers
	largest      largestFiles
	facts        facts
	findings     func() severities  // counted once, when somebody asks
	index        func() *sheetIndex // made once, when the contact sheet is first shown
}

// newSnapshot makes the snapshot of c, with what last, or nil, remembers of entries that are the same.
func newSnapshot(c *catalog.Catalog, room int, last *snapshot) *snapshot {
	n := &snapshot{catalog: c, shelf: shelf{room: room}, findings: sync.OnceValue(func() severities { return countFindings(c) }), index: sync.OnceValue(func() *sheetIndex { return newSheetIndex(c) })}
	if last == nil {
		return n
	}
	last.shelf.labels.Range(func(id, l any) bool {
		if e, ok := c.ByID(id.(string)); ok && last.has(e) {
			n.shelf.labels.Store(id, l)
		}
		return true
	})
	last.placeholders.byID.Range(func(id, p any) bool { // of pixels alone: the posts do not matter
		if _, ok := c.ByID(id.(string)); ok {
			n.placeholders.byID.Store(id, p)
		}
		return true
	})
	last.largest.Range(func(id, w any) bool { // of pixels too
		if _, ok := c.ByID(id.(string)); ok {
			n.largest.Store(id, w)
		}
		return true
	})
	return n
}

// has reports whether e itself is in the catalog, not only an entry of its ID.
func (n *snapshot) has(e *catalog.Entry) bool {
	mine, ok := n.catalog.ByID(e.ID)
	return ok && mine == e
}

// snapshot is the one that is served. A request calls it once.
func (s *Server) snapshot() *snapshot { return s.current.Load() }

// room is how many bytes of a response's header a label may have: PublicURL stands in Content-Location.
func (s *Server) room() int { return maxLabel - len(s.o.PublicURL) }

// Shows reports whether a post shows src.
func (s *Server) Shows(src source.Source) bool { return len(s.snapshot().catalog.BySource(src)) > 0 }
