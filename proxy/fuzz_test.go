package proxy

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
)

// FuzzRequestHeaders reads the fields of a request that decide how it is answered. Whatever they say, the format is one that is
// offered, a range begins within what an int64 counts, and what is told to an origin is short and made of letters.
func FuzzRequestHeaders(f *testing.F) {
	f.Add("image/avif,image/webp;q=0.8,*/*", "bytes=0-9", `"x"`, "cutline; id=ab12, other", `W/"a"`)
	f.Add("IMAGE/WEBP ; Q=1.000", "bytes=-5", "Wed, 06 May 2020 07:08:09 GMT", "cutline;id=me", "*")
	f.Add(";;q=,,/", "bytes=9223372036854775807-", "", strings.Repeat("cutline; id=a,", 20), "")
	offered := []transform.Format{transform.AVIF, transform.WebP, transform.JPEG, transform.PNG}
	s := &Server{o: Options{Instance: "me"}}
	f.Fuzz(func(t *testing.T, accept, ranges, condition, loop, match string) {
		set := accepted([]string{accept}, offered, 0)
		if list := set.of(offered); len(list) == 0 {
			t.Errorf("Accept %q leaves no format", accept)
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/p/fox/hero.jpg", nil)
		req.Header = http.Header{"Accept": {accept}, "Range": {ranges}, "If-Range": {condition}, "If-Modified-Since": {condition}, "If-Unmodified-Since": {condition},
			"Cdn-Loop": {loop}, "If-None-Match": {match}, "If-Match": {match}}
		if first, ok := singleRange(req); ok && first < 0 {
			t.Errorf("Range %q begins at %d", ranges, first)
		}
		modified := time.Date(2020, 5, 6, 7, 8, 9, 0, time.UTC)
		if rangeApplies(req.Header, `"x"`, modified) && condition != "" && condition != `"x"` {
			if _, err := http.ParseTime(condition); err != nil {
				t.Errorf("If-Range %q applies", condition)
			}
		}
		if failsPrecondition(req.Header, `"x"`, modified) && match == "*" {
			t.Error("If-Match: * fails")
		}
		others, loops := s.through(req.Header)
		if len(others) > maxThrough || loops && len(others) > 0 {
			t.Errorf("CDN-Loop %q: %q, %t", loop, others, loops)
		}
		for _, id := range others {
			if !isInstance(id) {
				t.Errorf("CDN-Loop %q passes %q on", loop, id)
			}
		}
	})
}

// FuzzPurgeRequest reads what a purge's body may be: an object of known names, or 400.
func FuzzPurgeRequest(f *testing.F) {
	for _, seed := range []string{`{"post": "fox"}`, `{"source": "https://ann:pw@a.example/x?k=1", "gone": true}`, `{"all": true}{}`, `{"host": "\u001b[2J"}`, `[`, `{"id": null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/purge", strings.NewReader(string(body)))
		req.Header.Set("Content-Type", "application/json")
		var wish PurgeRequest
		if err := readWish(httptest.NewRecorder(), req, &wish); err != nil {
			if _, ok := err.(*adminError); !ok { //nolint:errorlint // readWish returns it as it is
				t.Errorf("got %v", err)
			}
			return
		}
		if err := wish.Check(); err == nil && wish.String() == "" {
			t.Errorf("%q names nothing", body)
		}
		if line := wish.String(); strings.Contains(line, "://") && strings.Contains(line, "ann:pw") {
			t.Errorf("%q shows a password", line)
		}
	})
}

// FuzzSheetQuery reads the query of the contact sheet. What is accepted has one address, which means the same, and a search is
// short, whatever is asked for.
func FuzzSheetQuery(f *testing.F) {
	for _, seed := range []string{"", "show=missing-alt&q=harbour&sort=saved&page=2", "image=aaaa&q=%22a+b%22", "post=2023-09-18-kim&view=numbers", "q=%ff%00%e2%80%ae&page=01", "sort=x"} {
		f.Add(seed)
	}
	x := &sheetIndex{filters: newFilters()}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := newSheetQuery(raw, x)
		if err != nil {
			return
		}
		if len(q.q) > maxSearch || len(terms(q.q)) > maxSearch {
			t.Errorf("%q: a search of %d bytes, %d terms", raw, len(q.q), len(terms(q.q)))
		}
		href := q.href()
		again, err := newSheetQuery(strings.TrimPrefix(strings.TrimPrefix(href, "/"), "?"), x)
		if err != nil || again != q || again.href() != href {
			t.Errorf("%q is %+v, whose address %s is %+v, %v", raw, q, href, again, err)
		}
	})
}
