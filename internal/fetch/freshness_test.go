package fetch

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/source"
)

// noon is when the responses of these tables are received.
var noon = time.Date(2026, time.May, 4, 12, 0, 0, 0, time.UTC)

func header(fields ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(fields); i += 2 {
		h.Add(fields[i], fields[i+1])
	}
	return h
}

func at(d time.Duration) string { return noon.Add(d).Format(http.TimeFormat) }

func TestFreshness(t *testing.T) {
	const cc = "Cache-Control"
	type result struct {
		Fresh             time.Duration
		Explicit, NoStore bool
	}
	fresh := func(d time.Duration) result { return result{Fresh: d, Explicit: true} }
	stale, silent, forbidden := fresh(0), result{}, result{Explicit: true, NoStore: true}
	tests := []struct {
		name   string
		header http.Header
		want   result
	}{
		{"nothing", header(), silent},
		{"only a date", header("Date", at(0)), silent},
		{"directives that say nothing of time", header(cc, "public, immutable, stale-while-revalidate=60"), silent},
		{"max-age", header(cc, "max-age=60"), fresh(time.Minute)},
		{"max-age among others", header(cc, "public,max-age=60 , must-revalidate"), fresh(time.Minute)},
		{"case and blanks", header(cc, " Max-Age=60"), fresh(time.Minute)},
		{"quoted", header(cc, `max-age="60"`), fresh(time.Minute)},
		{"s-maxage goes before", header(cc, "max-age=60, s-maxage=10"), fresh(10 * time.Second)},
		{"several lines", header(cc, "public", cc, "max-age=60"), fresh(time.Minute)},
		{"the first of two", header(cc, "max-age=60, max-age=5"), fresh(time.Minute)},
		{"max-age before Expires", header(cc, "max-age=60", "Expires", at(time.Hour)), fresh(time.Minute)},
		{"zero", header(cc, "max-age=0"), stale},
		{"negative", header(cc, "max-age=-1"), stale},
		{"fraction", header(cc, "max-age=1.5"), stale},
		{"no value", header(cc, "max-age"), stale},
		{"not a number", header(cc, "max-age=soon"), stale},
		{"overflow", header(cc, "max-age=99999999999999999999"), fresh(maxDelta * time.Second)},
		{"comma in quotes", header(cc, `ext="a, max-age=5", max-age=60`), fresh(time.Minute)},
		{"escaped quote", header(cc, `ext="a\", no-store", max-age=60`), fresh(time.Minute)},
		{"quote left open", header(cc, `ext="a, max-age=60`), silent},
		{"no-cache", header(cc, "no-cache, max-age=60"), stale},
		{"no-cache with fields", header(cc, `no-cache="set-cookie", max-age=60`), stale},
		{"no-store", header(cc, "no-store"), forbidden},
		{"no-store and max-age", header(cc, "max-age=60, No-Store"), forbidden},
		{"private", header(cc, "private, max-age=60"), forbidden},
		{"name inside a name", header(cc, "x-no-store, max-age=60"), fresh(time.Minute)},
		{"Age", header(cc, "max-age=60", "Age", "20"), fresh(40 * time.Second)},
		{"older than its time", header(cc, "max-age=60", "Age", "100"), stale},
		{"Age not a number", header(cc, "max-age=60", "Age", "-1"), fresh(time.Minute)},
		{"Age twice", header(cc, "max-age=60", "Age", "20, 50"), fresh(40 * time.Second)},
		{"Date in the past is age", header(cc, "max-age=60", "Date", at(-15*time.Second)), fresh(45 * time.Second)},
		{"Date and Age: the more", header(cc, "max-age=60", "Date", at(-15*time.Second), "Age", "50"), fresh(10 * time.Second)},
		{"Date in the future", header(cc, "max-age=60", "Date", at(time.Hour)), fresh(time.Minute)},
		{"Expires", header("Date", at(0), "Expires", at(time.Hour)), fresh(time.Hour)},
		{"Expires without Date", header("Expires", at(time.Hour)), fresh(time.Hour)},
		{"Expires and Age", header("Date", at(0), "Expires", at(time.Hour), "Age", "600"), fresh(50 * time.Minute)},
		{"Expires by the origin's clock", header("Date", at(-time.Hour), "Expires", at(time.Hour)), fresh(time.Hour)},
		{"Expires centuries ago", header("Expires", "Mon, 01 Jan 0001 00:00:00 GMT", "Age", "9"), stale},
		{"Expires in the past", header("Date", at(0), "Expires", at(-time.Hour)), stale},
		{"Expires in centuries", header("Expires", "Fri, 01 Jan 9999 00:00:00 GMT"), fresh(maxDelta * time.Second)},
		{"Expires 0", header("Expires", "0"), stale},
		{"Expires in RFC 850's format", header("Expires", noon.Add(time.Hour).Format("Monday, 02-Jan-06 15:04:05 GMT")), fresh(time.Hour)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got result
			got.Fresh, got.Explicit, got.NoStore = freshness(tt.header, noon)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("freshness(%v) (-want +got):\n%s", tt.header, diff)
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	tests := []struct {
		name   string
		header http.Header
		want   Original
	}{
		{"both", header("ETag", `"a"`, "Last-Modified", at(-time.Hour)), Original{Validators: Validators{`"a"`, at(-time.Hour)}, Modified: noon.Add(-time.Hour)}},
		{"weak", header("ETag", `W/"a"`), Original{Validators: Validators{ETag: `W/"a"`}}},
		{"unquoted", header("ETag", `a`), Original{}},
		{"not ASCII", header("ETag", "\"\xff\""), Original{}},
		{"quote inside", header("ETag", `"a"b"`), Original{}},
		{"long", header("ETag", `"`+string(make([]byte, 300))+`"`), Original{}},
		{"no date", header("Last-Modified", "yesterday"), Original{}},
		{"date in the future", header("Last-Modified", at(time.Hour)), Original{Validators: Validators{LastModified: at(time.Hour)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(&tt.want, describe(tt.header, noon), cmp.Comparer(func(a, b source.Source) bool { return a == b })); diff != "" {
				t.Errorf("describe(%v) (-want +got):\n%s", tt.header, diff)
			}
		})
	}
}

func TestStatusError(t *testing.T) {
	tests := []struct {
		name   string
		status int
		after  string
		want   error
		wait   time.Duration
	}{
		{"401", 401, "", ErrNotFound, 0},
		{"403", 403, "", ErrNotFound, 0},
		{"404", 404, "10", ErrNotFound, 0},
		{"410", 410, "", ErrGone, 0},
		{"500", 500, "10", ErrUpstream, 0},
		{"204", 204, "", ErrUpstream, 0},
		{"206", 206, "", ErrUpstream, 0},
		{"304 unasked", 304, "", ErrUpstream, 0},
		{"508", 508, "", ErrRefused, 0},
		{"503 alone", 503, "", ErrUpstream, 0},
		{"503 with nonsense", 503, "soon", ErrUpstream, 0},
		{"503 in seconds", 503, "7", ErrUpstream, 7 * time.Second},
		{"429 in seconds", 429, " 7 ", ErrUpstream, 7 * time.Second},
		{"at once", 429, "0", ErrUpstream, time.Second},
		{"tomorrow", 429, "86400", ErrUpstream, 5 * time.Minute},
		{"overflow", 429, "99999999999999999999", ErrUpstream, 5 * time.Minute},
		{"date", 503, at(90 * time.Second), ErrUpstream, 90 * time.Second},
		{"date in the past", 503, at(-time.Hour), ErrUpstream, time.Second},
		{"date far away", 503, at(time.Hour), ErrUpstream, 5 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := header()
			if tt.after != "" {
				h.Set("Retry-After", tt.after)
			}
			err := statusError(tt.status, h, noon)
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			var wait time.Duration
			if retry, ok := errors.AsType[*RetryError](err); ok {
				wait = retry.After
				if retry.Status != tt.status {
					t.Errorf("Status = %d, want %d", retry.Status, tt.status)
				}
			}
			if wait != tt.wait {
				t.Errorf("After = %s, want %s", wait, tt.wait)
			}
		})
	}
}

func FuzzFreshness(f *testing.F) {
	f.Add(`max-age=60, private="a,b"`, "10", at(time.Hour), at(0), "120")
	f.Add(`ext="a\", s-maxage=9223372036854775807`, "-1", "0", "", at(time.Minute))
	f.Fuzz(func(t *testing.T, control, age, expires, date, retry string) {
		h := header("Cache-Control", control, "Age", age, "Expires", expires, "Date", date, "Retry-After", retry)
		fresh, explicit, noStore := freshness(h, noon)
		if fresh < 0 || fresh > maxDelta*time.Second || !explicit || noStore && fresh != 0 {
			t.Errorf("freshness(%v) = %s, %t, %t", h, fresh, explicit, noStore)
		}
		if after, ok := retryAfter(h, noon); ok && (after < time.Second || after > maxRetryAfter) {
			t.Errorf("retryAfter(%q) = %s", retry, after)
		}
	})
}
