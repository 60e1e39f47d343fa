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
	fresh := func(d time.Duration) Freshness { return Freshness{Fresh: d, Explicit: true} }
	also := func(f Freshness, change func(*Freshness)) Freshness { change(&f); return f }
	noCache := func(f *Freshness) { f.NoCache = true }
	noStore := func(f *Freshness) { f.NoStore = true }
	noStale := func(f *Freshness) { f.NoStale = true }
	while := func(d time.Duration) func(*Freshness) {
		return func(f *Freshness) { f.SaysWhile, f.WhileRevalidate = true, d }
	}
	onError := func(d time.Duration) func(*Freshness) {
		return func(f *Freshness) { f.SaysError, f.IfError = true, d }
	}
	const cdn = "CDN-Cache-Control"
	stale, silent := fresh(0), Freshness{}
	tests := []struct {
		name   string
		header http.Header
		want   Freshness
	}{
		{"nothing", header(), silent},
		{"only a date", header("Date", at(0)), silent},
		{"directives that say nothing of time", header(cc, "public, immutable, x=60"), silent},
		{"max-age", header(cc, "max-age=60"), fresh(time.Minute)},
		{"max-age among others", header(cc, "public,max-age=60 , must-revalidate"), also(fresh(time.Minute), noStale)},
		{"case and blanks", header(cc, " Max-Age=60"), fresh(time.Minute)},
		{"quoted", header(cc, `max-age="60"`), fresh(time.Minute)},
		{"s-maxage goes before", header(cc, "max-age=60, s-maxage=10"), also(fresh(10*time.Second), noStale)},
		{"several lines", header(cc, "public", cc, "max-age=60"), fresh(time.Minute)},
		{"two that differ", header(cc, "max-age=60, max-age=5"), stale},
		{"two that differ, in two lines", header(cc, "max-age=5", cc, "max-age=60"), stale},
		{"two that agree", header(cc, "max-age=60, max-age=60"), fresh(time.Minute)},
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
		{"no-cache", header(cc, "no-cache, max-age=60"), also(fresh(time.Minute), noCache)},
		{"no-cache with fields", header(cc, `no-cache="set-cookie", max-age=60`), also(fresh(time.Minute), noCache)},
		{"no-cache alone", header(cc, "no-cache"), also(silent, noCache)},
		{"Vary: *", header("Vary", "*", cc, "max-age=60"), also(fresh(time.Minute), noCache)},
		{"Vary on a header that is always the same", header("Vary", "Accept", cc, "max-age=60"), fresh(time.Minute)},
		{"no-store", header(cc, "no-store"), also(silent, noStore)},
		{"no-store and max-age", header(cc, "max-age=60, No-Store"), also(fresh(time.Minute), noStore)},
		{"no-store for those who do not understand", header(cc, "no-store, must-understand, max-age=60"), fresh(time.Minute)},
		{"private", header(cc, "private, max-age=60"), also(fresh(time.Minute), noStore)},
		{"private with fields", header(cc, `private="set-cookie", max-age=60`), also(fresh(time.Minute), noStore)},
		{"proxy-revalidate", header(cc, "max-age=60, proxy-revalidate"), also(fresh(time.Minute), noStale)},
		{"stale-while-revalidate", header(cc, "max-age=60, stale-while-revalidate=30"), also(fresh(time.Minute), while(30*time.Second))},
		{"stale-if-error", header(cc, "max-age=60, stale-if-error=30"), also(fresh(time.Minute), onError(30*time.Second))},
		{"a window without a value", header(cc, "max-age=60, stale-while-revalidate"), also(fresh(time.Minute), while(0))},
		{"s-maxage that allows stale", header(cc, "s-maxage=60, stale-while-revalidate=30"), also(fresh(time.Minute), while(30*time.Second))},
		{"must-revalidate and a window", header(cc, "max-age=60, must-revalidate, stale-if-error=30"), also(also(fresh(time.Minute), onError(30*time.Second)), noStale)},
		{"targeted", header(cdn, "max-age=60", cc, "no-store, s-maxage=5"), fresh(time.Minute)},
		{"targeted, without Expires' help", header(cdn, "public", "Expires", at(time.Hour)), silent},
		{"targeted no-store", header(cdn, "no-store", cc, "max-age=60"), also(silent, noStore)},
		{"targeted, switched off", header(cdn, "no-store=?0, max-age=60"), fresh(time.Minute)},
		{"targeted, no dictionary", header(cdn, "max-age=60, =", cc, "max-age=5"), fresh(5 * time.Second)},
		{"targeted, empty", header(cdn, "", cc, "max-age=5"), fresh(5 * time.Second)},
		{"targeted, of another type", header(cdn, `max-age="60"`, cc, "max-age=5"), stale},
		{"targeted, several lines", header(cdn, "max-age=60", cdn, "must-revalidate"), also(fresh(time.Minute), noStale)},
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
		{"two Expires that differ", header("Expires", at(time.Hour), "Expires", at(2*time.Hour)), stale},
		{"Expires 0", header("Expires", "0"), stale},
		{"Expires in RFC 850's format", header("Expires", noon.Add(time.Hour).Format("Monday, 02-Jan-06 15:04:05 GMT")), fresh(time.Hour)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, freshness(tt.header, noon)); diff != "" {
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
			if got := StatusOf(err); got != tt.status {
				t.Errorf("StatusOf = %d, want %d", got, tt.status)
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
	f.Add(`max-age=60, private="a,b"`, "10", at(time.Hour), at(0), "120", "max-age=60, no-store=?0")
	f.Add(`ext="a\", s-maxage=9223372036854775807`, "-1", "0", "", at(time.Minute), `max-age="60"`)
	f.Fuzz(func(t *testing.T, control, age, expires, date, retry, targeted string) {
		h := header("Cache-Control", control, "Age", age, "Expires", expires, "Date", date, "Retry-After", retry)
		h.Set("CDN-Cache-Control", targeted)
		got := freshness(h, noon)
		for _, d := range []time.Duration{got.Fresh, got.WhileRevalidate, got.IfError} {
			if d < 0 || d > maxDelta*time.Second {
				t.Errorf("freshness(%v) = %+v", h, got)
			}
		}
		if _, ours := targetedControl(h); !ours && !got.Explicit { // Expires is there
			t.Errorf("freshness(%v) = %+v, want it explicit", h, got)
		}
		if after, ok := retryAfter(h, noon); ok && (after < time.Second || after > maxRetryAfter) {
			t.Errorf("retryAfter(%q) = %s", retry, after)
		}
	})
}
