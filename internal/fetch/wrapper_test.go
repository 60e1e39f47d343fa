package fetch

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/source"
)

var errNoPicture = errors.New("no picture")

// acceptPicture stands for transform's look at the first bytes.
func acceptPicture(body []byte) error {
	if !bytes.HasPrefix(body, picture[:4]) {
		return errNoPicture
	}
	return nil
}

// wrap is a wrapper's URL at origin around inner.
func wrap(t *testing.T, origin *imagetest.Origin, inner string) source.Source {
	t.Helper()
	return parse(t, origin.URL("/_next/image?w=64&url="+url.QueryEscape(inner)))
}

func TestFetchWrapper(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/inner.jpg", picture)
	f := loopback(t, Options{Timeout: 2 * time.Second, Accept: acceptPicture})

	t.Run("a wrapper that works", func(t *testing.T) {
		origin.Serve("/_next/image", picture)
		src := wrap(t, origin, "/inner.jpg")
		o, err := f.Fetch(t.Context(), src, Validators{})
		if err != nil || o.From != src || origin.Hits("/inner.jpg") != 0 {
			t.Errorf("got %v, %d requests for the inner URL", err, origin.Hits("/inner.jpg"))
		}
	})
	for name, handler := range map[string]http.Handler{
		"not found": imagetest.Status(404), "truncated": imagetest.Truncate(picture, 9), "hangs": imagetest.Hang(),
		"redirects to a forbidden address": imagetest.Redirect(302, "http://10.0.0.1/"),
		"answers a page":                   imagetest.Picture([]byte("<!doctype html><title>Sign in</title>")),
	} {
		t.Run(name, func(t *testing.T) {
			origin.Handle("/_next/image", handler)
			o, err := f.Fetch(t.Context(), wrap(t, origin, "/inner.jpg"), Validators{})
			if err != nil || !bytes.Equal(o.Body, picture) || o.From != parse(t, origin.URL("/inner.jpg")) {
				t.Errorf("got %v, want the inner picture", err)
			}
		})
	}
	t.Run("both fail: the wrapper's error, both reasons", func(t *testing.T) {
		origin.Handle("/_next/image", imagetest.With(imagetest.Status(429), "Retry-After", "5"))
		o, err := f.Fetch(t.Context(), wrap(t, origin, "http://10.0.0.1/a.jpg"), Validators{})
		wantError(t, o, err, ErrUpstream)
		if _, ok := errors.AsType[*RetryError](err); !ok || !strings.Contains(err.Error(), "10.0.0.1") {
			t.Errorf("got %v, want a RetryError that names the inner failure", err)
		}
	})
	t.Run("a page, and the inner URL fails", func(t *testing.T) {
		f.hosts = newHosts() // the wrapper's host wanted to be left alone
		origin.Serve("/_next/image", []byte("<!doctype html>"))
		o, err := f.Fetch(t.Context(), wrap(t, origin, "/gone.jpg"), Validators{})
		wantError(t, o, err, ErrUpstream)
		if !strings.Contains(err.Error(), errNoPicture.Error()) || !strings.Contains(err.Error(), "/gone.jpg") {
			t.Errorf("got %v, want both reasons", err)
		}
	})
}

// TestFetchWrapperTimeout shares the time of one fetch between a wrapper that hangs and an inner URL that does.
func TestFetchWrapperTimeout(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Handle("/_next/image", imagetest.Hang())
	origin.Handle("/inner.jpg", imagetest.Hang())
	f := loopback(t, Options{Timeout: 200 * time.Millisecond})
	o, err := f.Fetch(t.Context(), wrap(t, origin, "/inner.jpg"), Validators{})
	wantError(t, o, err, ErrTimeout)
	if n := origin.Hits("/inner.jpg"); n != 1 {
		t.Errorf("%d requests for the inner URL, want 1", n)
	}
}

// TestFetchPageFirstInside asks the inner URL of a search engine's page first: the page's host is refused here, and is not
// reached for when the picture is there.
func TestFetchPageFirstInside(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/inner.jpg", picture)
	f := loopback(t, Options{})
	var dialled []string
	dial := f.transport.DialContext
	f.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		if !strings.HasPrefix(address, "127.") {
			return nil, errNoPicture
		}
		return dial(ctx, network, address)
	}
	page := func(inner string) source.Source {
		return parse(t, "http://www.google.com/imgres?imgurl="+url.QueryEscape(origin.URL(inner)))
	}
	o, err := f.Fetch(t.Context(), page("/inner.jpg"), Validators{ETag: `"1"`})
	if err != nil || !bytes.Equal(o.Body, picture) || o.Validators != (Validators{}) || o.From != parse(t, origin.URL("/inner.jpg")) {
		t.Errorf("got %+v, %v, want the inner picture", o, err)
	}
	if len(dialled) != 1 || origin.Last("/inner.jpg").Header.Get("If-None-Match") != "" {
		t.Errorf("dialled %v, want the inner host alone, without validators", dialled)
	}
	o, err = f.Fetch(t.Context(), page("/gone.jpg"), Validators{})
	wantError(t, o, err, ErrUnreachable)
	if !strings.Contains(dialled[len(dialled)-1], "google") || !strings.Contains(err.Error(), "/gone.jpg") {
		t.Errorf("dialled %v, got %v, want the page after the picture", dialled, err)
	}
}

// TestFetchAcceptsWithoutAsking has bodies that are nobody's business here: of no wrapper, and of an inner URL.
func TestFetchAcceptsWithoutAsking(t *testing.T) {
	page := []byte("<!doctype html>")
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", page)
	f := loopback(t, Options{Accept: acceptPicture})
	for _, src := range []source.Source{parse(t, origin.URL("/a.jpg")), wrap(t, origin, "/a.jpg")} {
		o, err := f.Fetch(t.Context(), src, Validators{})
		if err != nil || !bytes.Equal(o.Body, page) {
			t.Errorf("%s: got %v, want what was sent", src, err)
		}
	}
}

// TestFetchWrapperValidators has a wrapper and an inner URL that name different pictures by the same validators, as
// counters do.
func TestFetchWrapperValidators(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	thumbnail := []byte("\xff\xd8\xff\xe0 thumbnail")
	same := func(body []byte) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"1"`)
			if r.Header.Get("If-None-Match") == `"1"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = w.Write(body)
		})
	}
	origin.Handle("/_next/image", same(thumbnail))
	origin.Handle("/inner.jpg", same(picture))
	f, src := loopback(t, Options{}), wrap(t, origin, "/inner.jpg")
	first, err := f.Fetch(t.Context(), src, Validators{})
	if err != nil || !bytes.Equal(first.Body, thumbnail) || first.Validators.ETag != `"1"` {
		t.Fatalf("got %+v, %v, want the wrapper's thumbnail", first, err)
	}
	again, err := f.Fetch(t.Context(), src, first.Validators)
	if err != nil || !again.NotModified {
		t.Errorf("the wrapper again: got %+v, %v, want not modified", again, err)
	}
	origin.Handle("/_next/image", imagetest.Status(404))
	second, err := f.Fetch(t.Context(), src, first.Validators)
	if err != nil || second.NotModified || !bytes.Equal(second.Body, picture) || second.Validators != (Validators{}) {
		t.Fatalf("got %+v, %v, want the inner picture without validators", second, err)
	}
}
