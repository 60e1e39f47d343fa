package proxy

import (
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/gin-gonic/gin"
	"github.com/puzpuzpuz/xsync/v4"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/render"
)

// again answers what was answered before, while that is still the answer (ADR 24): without parsing the address, looking the picture
// up or making a header. What it does not know, the routes answer.
func (s *Server) again(c *gin.Context) {
	req := c.Request
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return
	}
	at := s.snapshot()
	an := at.answers.find(ask{target: req.RequestURI})
	if an != nil && an.rend == nil {
		an = at.answers.find(ask{target: req.RequestURI, accepted: accepted(req.Header["Accept"], s.o.Formats, an.fallback)})
	}
	if an == nil {
		return
	}
	body, ok := s.o.Renderer.Again(req.Context(), an.rend)
	if !ok {
		return
	}
	c.Abort() // the routes have nothing left to do
	s.note(c, render.Hit, an.id, nil)
	s.tally.stripe().again.Add(1)
	s.write(c, an, body)
}

// keep keeps an answer for again, where it is to last. Targets that nobody asks for twice are not kept: those that are long, those
// that name another version than the picture has or a file to save. Nor are those that expire: theirs is not the answer for ever.
func (s *Server) keep(c *gin.Context, a sending, an *answer, varies bool) {
	const maxTarget = 512 // bytes
	target := c.Request.RequestURI
	if !a.rend.Lasting() || len(target) > maxTarget || a.download || !a.grant.expires.IsZero() || a.version != "" && a.version != versionOf(a.rend.Original) {
		return
	}
	kept, rend := *an, *a.rend
	rend.Body, rend.Timings = nil, nil // the near store has the body, and nothing else shall hold it
	rend.Words = caption.Words{}       // of up to some KB, and in the fields already
	kept.rend = &rend
	kept.fields = append(slices.Clip(an.fields), newField("Server-Timing", "lookup;dur=0")) // in milliseconds, to the microsecond
	to := ask{target: target}
	if varies {
		kept.fields = append(kept.fields, newField("Vary", "Accept"))
		a.at.answers.keep(to, &answer{fallback: a.fallback})
		to.accepted = accepted(c.Request.Header["Accept"], s.o.Formats, a.fallback)
	}
	a.at.answers.keep(to, &kept)
}

// An ask is a request's target as it was on the wire, and, of an address whose answer depends on it, what the client reads.
type ask struct {
	target   string
	accepted formatSet // 0 elsewhere
}

// answers are those that were sent of late. They are in two generations: when the younger one is full, it becomes the older
// one, and that is forgotten; whoever is asked for goes to the younger one. So what is popular stays, whatever anybody else
// asks for. The zero value is ready. It is safe for concurrent use; to find something takes no lock.
type answers struct {
	young, old atomic.Pointer[generation]
}

type generation = xsync.Map[ask, *answer]

// maxAnswers is how many answers a generation has, at 2 to 3 KB: both together are half as many as there are pictures in a memory of
// 128 MiB.
const maxAnswers = 2048

func (as *answers) find(k ask) *answer {
	if g := as.young.Load(); g != nil {
		if an, ok := g.Load(k); ok {
			return an
		}
	}
	if g := as.old.Load(); g != nil {
		if an, ok := g.Load(k); ok {
			as.keep(k, an)
			return an
		}
	}
	return nil
}

func (as *answers) keep(k ask, an *answer) {
	g := as.young.Load()
	if g == nil || g.Size() >= maxAnswers {
		next := xsync.NewMap[ask, *answer]()
		if !as.young.CompareAndSwap(g, next) {
			next = as.young.Load() // somebody else was first
		} else {
			as.old.Store(g)
		}
		g = next
	}
	g.Store(k, an)
}
