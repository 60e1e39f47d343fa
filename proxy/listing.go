package proxy

import (
	"fmt"
	"strconv"

	"github.com/gin-gonic/gin"
)

// listing is /catalog.json: one page of the catalog.
type listing struct {
	Version int      `json:"version"`
	Total   int      `json:"total"` // images on all pages
	Page    int      `json:"page"`  // from 1
	Pages   int      `json:"pages"`
	Images  []listed `json:"images"`
}

type listed struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	words
	Posts []post `json:"posts"` // the first 100
	Uses  int    `json:"uses"`  // posts in all
	Meta  string `json:"meta"`  // URL of meta.json
	// Withdrawn says that the picture was taken down: its addresses answer 410.
	Withdrawn bool `json:"withdrawn,omitempty"`
}

const (
	perPage    = 100
	maxPerPage = 1000
)

func (s *Server) getCatalog(c *gin.Context) {
	q, err := checkQuery(c.Request.URL.RawQuery, "page", "per_page")
	if err != nil {
		s.fail(c, err)
		return
	}
	page, err := number(q.Get("page"), "page", 1, 1<<31-1)
	if err != nil {
		s.fail(c, err)
		return
	}
	per, err := number(q.Get("per_page"), "per_page", perPage, maxPerPage)
	if err != nil {
		s.fail(c, err)
		return
	}
	entries := s.snapshot().catalog.Entries
	l := &listing{Version: 1, Total: len(entries), Page: page, Pages: max((len(entries)+per-1)/per, 1), Images: []listed{}}
	if page > l.Pages {
		s.fail(c, usageError("page %d: expected 1 to %d", page, l.Pages))
		return
	}
	for _, e := range entries[(page-1)*per : min(page*per, len(entries))] {
		l.Images = append(l.Images, listed{
			ID: e.ID, Source: e.Source.String(), words: newWords(e.Words), Posts: newPosts(e), Uses: len(e.Posts),
			Meta:      fmt.Sprintf("%s/i/%s/%s", s.o.PublicURL, e.ID, metaLeaf),
			Withdrawn: s.o.Renderer.Withdrawn(c.Request.Context(), e.Source),
		})
	}
	if page < l.Pages {
		c.Header("Link", fmt.Sprintf(`<%s/catalog.json?page=%d&per_page=%d>; rel="next"`, s.o.PublicURL, page+1, per))
	}
	s.sendJSON(c, l, cacheMinute)
}

// number reads a query parameter from 1 to most; "" is def.
func number(text, name string, def, most int) (int, error) {
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != text {
		return 0, usageError("%s %s: expected a number from 1 to %d", name, strconv.Quote(text), most)
	}
	return n, nil
}
