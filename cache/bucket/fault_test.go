package bucket

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

// A fakeS3 keeps objects as an S3 server does, as much of it as a Store uses, and fails on request.
type fakeS3 struct {
	server *httptest.Server
	asked  atomic.Int64
	fail   atomic.Pointer[func(w http.ResponseWriter, r *http.Request) (done bool)]

	mu      sync.Mutex
	objects map[string]fakeObject
}

type fakeObject struct {
	header http.Header
	body   []byte
}

func newFakeS3(t testing.TB) *fakeS3 {
	t.Helper()
	f := &fakeS3{objects: map[string]fakeObject{}}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return f
}

func (f *fakeS3) url() string {
	return "s3://pictures?prefix=site&region=us-east-1&use_path_style=true&endpoint=" + url.QueryEscape(f.server.URL)
}

// failing has every request go through fail first, which reports whether it answered; nil ends that.
func (f *fakeS3) failing(fail func(http.ResponseWriter, *http.Request) bool) {
	f.asked.Store(0)
	if fail == nil {
		f.fail.Store(nil)
		return
	}
	f.fail.Store(&fail)
}

func refuse(w http.ResponseWriter, code int, name string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, "<Error><Code>"+name+"</Code><Message>no</Message></Error>") // to a client of this test
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked.Add(1)
	if fail := f.fail.Load(); fail != nil && (*fail)(w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	o, there := f.objects[r.URL.Path]
	switch {
	case r.Method == http.MethodPut && there && r.Header.Get("If-None-Match") == "*":
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
	case r.Method == http.MethodPut:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			refuse(w, http.StatusBadRequest, "IncompleteBody")
			return
		}
		h := http.Header{}
		for name, values := range r.Header {
			if name == "Content-Type" || name == "Cache-Control" || len(name) > 11 && name[:11] == "X-Amz-Meta-" {
				h[name] = values
			}
		}
		f.objects[r.URL.Path] = fakeObject{h, body}
	case !there:
		refuse(w, http.StatusNotFound, "NoSuchKey")
	case r.Method == http.MethodDelete:
		delete(f.objects, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	default:
		maps.Copy(w.Header(), o.header)
		w.Header().Set("Content-Length", strconv.Itoa(len(o.body)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(o.body) // to a client of this test
		}
	}
}

// each changes what is kept, by f.
func (f *fakeS3) each(change func(path string, o *fakeObject)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for path, o := range f.objects {
		change(path, &o)
		f.objects[path] = o
	}
}

func TestS3(t *testing.T) {
	cachetest.Run(t, cachetest.Suite{
		New: func(t testing.TB) cache.Store { return openStore(t, Options{URL: newFakeS3(t).url()}) },
		Reopen: func(t testing.TB, s cache.Store) cache.Store {
			return openStore(t, s.(*Store).o)
		},
		FirstWins: true,
	})
}

// TestFaults verifies what each fault of a service comes to, and how often the service is asked for that: a miss of Get, an error
// of Put, never another's bytes; two tries where a second may help, one where it cannot; and that all is well when the fault is over.
func TestFaults(t *testing.T) {
	cut := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(make([]byte, 5000)) // to a client of this test
		panic(http.ErrAbortHandler)
	}
	answer := func(code int, name string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { refuse(w, code, name); return true }
	}
	for name, c := range map[string]struct {
		fail  func(http.ResponseWriter, *http.Request) bool
		asked int64 // for one Get
		is    error
	}{
		"slow down":           {answer(http.StatusServiceUnavailable, "SlowDown"), 2, nil},
		"internal error":      {answer(http.StatusInternalServerError, "InternalError"), 2, nil},
		"reset in mid-body":   {cut, 2, nil},
		"expired credentials": {answer(http.StatusForbidden, "ExpiredToken"), 1, ErrRefused},
		"wrong credentials":   {answer(http.StatusForbidden, "SignatureDoesNotMatch"), 1, ErrRefused},
		"not allowed":         {answer(http.StatusForbidden, "AccessDenied"), 1, ErrRefused},
		"no bucket":           {answer(http.StatusNotFound, "NoSuchBucket"), 1, ErrNoBucket},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body) // so that the server notices when the client has gone
			<-r.Context().Done()
			return true
		}, 1, ErrSlow},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeS3(t)
			s := openStore(t, Options{URL: f.url(), FirstByte: 300 * time.Millisecond, Timeout: 300 * time.Millisecond})
			k := cache.NewKey(cache.Rendition, "kept")
			o := cachetest.Object(k, 1, 20_000)
			put(t, s, k, o)
			f.failing(c.fail)
			_, err := s.Get(t.Context(), k)
			if !errors.Is(err, cache.ErrMiss) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("Get = %v, want ErrMiss and %v", err, c.is)
			}
			if n := f.asked.Load(); n != c.asked {
				t.Errorf("asked %d times, want %d", n, c.asked)
			}
			if name != "reset in mid-body" {
				other := cache.NewKey(cache.Pointer, "not kept")
				if err := s.Put(t.Context(), other, o); err == nil || c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("Put = %v, want an error that is %v", err, c.is)
				}
				// Where there is no bucket there is nothing to delete.
				if err := s.Delete(t.Context(), k); (err == nil) != (name == "no bucket") {
					t.Errorf("Delete = %v", err)
				}
				if err := s.Try(t.Context()); err == nil || c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("Try = %v, want an error that is %v", err, c.is)
				}
			}
			if st := s.Stats(); st.Errors == 0 || st.Corrupt != 0 {
				t.Errorf("%d errors, %d corrupt; want errors alone", st.Errors, st.Corrupt)
			}
			f.failing(nil)
			if err := s.Try(t.Context()); err != nil {
				t.Errorf("afterwards: Try = %v", err)
			}
			want(t, s, k, o)
		})
	}
}

// TestSecondTry verifies that a moment's failure is nobody's miss.
func TestSecondTry(t *testing.T) {
	f := newFakeS3(t)
	s := openStore(t, Options{URL: f.url()})
	k := cache.NewKey(cache.Rendition, "kept")
	o := cachetest.Object(k, 1, 20_000)
	var n atomic.Int64
	once := func(w http.ResponseWriter, _ *http.Request) bool {
		if n.Add(1) == 1 {
			refuse(w, http.StatusServiceUnavailable, "SlowDown")
			return true
		}
		return false
	}
	f.failing(once)
	put(t, s, k, o)
	n.Store(0)
	want(t, s, k, o)
	// The first try is done, and its answer lost: the second finds what it put itself.
	lost := cache.NewKey(cache.Rendition, "answer lost")
	n.Store(0)
	f.failing(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || n.Add(1) != 1 {
			return false
		}
		f.fail.Store(nil)
		f.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	})
	other := cachetest.Object(lost, 1, 100)
	put(t, s, lost, other)
	want(t, s, lost, other)
}

// TestBreaker verifies that a bucket that fails is left alone after five failures, costs nothing then, is tried again, and told of
// when it works.
func TestBreaker(t *testing.T) {
	f := newFakeS3(t)
	var told atomic.Int64
	var well atomic.Bool
	s := openStore(t, Options{URL: f.url(), Report: func(err error) {
		if told.Add(1); err == nil {
			well.Store(true)
		}
	}})
	k := cache.NewKey(cache.Pointer, "kept")
	o := cachetest.Object(k, 1, 100)
	put(t, s, k, o)
	f.failing(func(w http.ResponseWriter, _ *http.Request) bool {
		refuse(w, http.StatusForbidden, "ExpiredToken")
		return true
	})
	for range 100 {
		if _, err := s.Get(t.Context(), k); !errors.Is(err, cache.ErrMiss) || !errors.Is(err, ErrRefused) {
			t.Fatalf("Get = %v, want ErrMiss and ErrRefused", err)
		}
	}
	if err := s.Delete(t.Context(), k); !errors.Is(err, ErrDown) || !errors.Is(err, ErrRefused) {
		t.Errorf("Delete = %v, want ErrDown and why", err)
	}
	if n := f.asked.Load(); n != failuresInARow {
		t.Errorf("asked %d times, want %d", n, failuresInARow)
	}
	if n := told.Load(); n != failuresInARow {
		t.Errorf("told %d times, want %d", n, failuresInARow)
	}
	f.failing(nil)
	s.breaker.HalfOpen() // as probeEvery later
	want(t, s, k, o)
	want(t, s, k, o)
	if !well.Load() {
		t.Error("nobody was told that it works again")
	}
}

// TestDamage verifies that what is kept cut off, altered, without its label or under another's name is a miss, counted, and gone
// afterwards, so that it can be put again; that a pointer is left to be overwritten; and that a larger object is not read.
func TestDamage(t *testing.T) {
	for name, change := range map[string]func(path string, o *fakeObject){
		"cut off":   func(_ string, o *fakeObject) { o.body = o.body[:len(o.body)/2] },
		"empty":     func(_ string, o *fakeObject) { o.body = nil },
		"one bit":   func(_ string, o *fakeObject) { o.body = append([]byte{o.body[0] ^ 1}, o.body[1:]...) },
		"longer":    func(_ string, o *fakeObject) { o.body = append(slices.Clip(o.body), 0) },
		"no labels": func(_ string, o *fakeObject) { o.header = http.Header{} },
		"other label": func(_ string, o *fakeObject) {
			o.header = http.Header{"X-Amz-Meta-Cutline": {"Y3V0bGluZQ"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeS3(t)
			s := openStore(t, Options{URL: f.url()})
			k := cache.NewKey(cache.Rendition, "kept")
			o := cachetest.Object(k, 1, 20_000)
			put(t, s, k, o)
			f.each(change)
			if _, err := s.Get(t.Context(), k); !errors.Is(err, cache.ErrMiss) || !errors.Is(err, cache.ErrDamaged) {
				t.Errorf("Get = %v, want ErrMiss and ErrDamaged", err)
			}
			if n := s.Stats().Corrupt; n != 1 || len(f.objects) != 0 {
				t.Errorf("%d counted as corrupt, %d left, want 1 and 0", n, len(f.objects))
			}
			put(t, s, k, o)
			want(t, s, k, o)
		})
	}
	t.Run("swapped", func(t *testing.T) {
		f := newFakeS3(t)
		s := openStore(t, Options{URL: f.url()})
		a, b := cache.NewKey(cache.Rendition, "a"), cache.NewKey(cache.Rendition, "b")
		put(t, s, a, cachetest.Object(a, 1, 100))
		put(t, s, b, cachetest.Object(b, 1, 100))
		pathA, pathB := "/pictures/"+s.name(a), "/pictures/"+s.name(b)
		f.objects[pathA], f.objects[pathB] = f.objects[pathB], f.objects[pathA]
		for _, k := range []cache.Key{a, b} {
			if _, err := s.Get(t.Context(), k); !errors.Is(err, cache.ErrDamaged) {
				t.Errorf("Get = %v, want ErrDamaged", err)
			}
		}
	})
	t.Run("pointer", func(t *testing.T) {
		f := newFakeS3(t)
		s := openStore(t, Options{URL: f.url()})
		k := cache.NewKey(cache.Pointer, "kept")
		put(t, s, k, cachetest.Object(k, 1, 100))
		f.each(func(_ string, o *fakeObject) { o.body = o.body[:50] })
		if _, err := s.Get(t.Context(), k); !errors.Is(err, cache.ErrDamaged) || len(f.objects) != 1 {
			t.Errorf("Get = %v, %d objects left; want ErrDamaged and 1", err, len(f.objects))
		}
		put(t, s, k, cachetest.Object(k, 2, 200))
		want(t, s, k, cachetest.Object(k, 2, 200))
	})
	t.Run("too large", func(t *testing.T) {
		f := newFakeS3(t)
		k := cache.NewKey(cache.Original, "large")
		put(t, openStore(t, Options{URL: f.url()}), k, cachetest.Object(k, 1, 200_000))
		small := openStore(t, Options{URL: f.url(), MaxBytes: 1000})
		if _, err := small.Get(t.Context(), k); !errors.Is(err, cache.ErrMiss) || len(f.objects) != 1 {
			t.Errorf("Get = %v, %d left; want ErrMiss, and nothing removed", err, len(f.objects))
		}
		if err := small.Put(t.Context(), k, cachetest.Object(k, 1, 200_000)); !errors.Is(err, cache.ErrNotKept) {
			t.Errorf("Put = %v, want ErrNotKept", err)
		}
	})
}

func put(t testing.TB, s cache.Store, k cache.Key, o *cache.Object) {
	t.Helper()
	if err := s.Put(t.Context(), k, o); err != nil {
		t.Fatalf("Put = %v", err)
	}
}

func want(t testing.TB, s cache.Store, k cache.Key, want *cache.Object) {
	t.Helper()
	got, err := s.Get(context.WithoutCancel(t.Context()), k)
	if err != nil {
		t.Fatalf("Get = %v", err)
	}
	if string(got.Meta) != string(want.Meta) || string(got.Body) != string(want.Body) {
		t.Fatalf("Get returned other bytes than were put: meta %q, want %q", got.Meta, want.Meta)
	}
}
