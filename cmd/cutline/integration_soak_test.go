//go:build integration && linux

package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// soakTime is how long the soak takes: CUTLINE_SOAK, such as "1h", or a minute.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("CUTLINE_SOAK")
	if text == "" {
		return time.Minute
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("CUTLINE_SOAK: %v", err)
	}
	return d
}

// mosaic is a picture of its own for each i, of which no rendition is trivially small.
func mosaic(i int) image.Image {
	dice := rand.New(rand.NewPCG(uint64(i), 0))
	img := image.NewNRGBA(image.Rect(0, 0, 480, 360))
	for y := 0; y < 360; y += 6 {
		for x := 0; x < 480; x += 6 {
			c := color.NRGBA{uint8(dice.Uint32()), uint8(dice.Uint32()), uint8(dice.Uint32()), 255}
			for p := range 36 {
				img.SetNRGBA(x+p%6, y+p/6, c)
			}
		}
	}
	return img
}

// A soak is a server under load of all kinds, with the site and the origins behind it.
type soak struct {
	*served
	t      *testing.T
	site   string
	good   *imagetest.Origin
	client *http.Client
	posts  int
	faulty int

	asked, failed, left atomic.Int64
}

func newSoak(t *testing.T) *soak {
	k := &soak{
		t: t, posts: 50, good: imagetest.NewOrigin(t), client: client(t),
		site: writeSite(t, "fetch: {allow_private: [127.0.0.0/8], timeout: 9s}\ncache: {memory: 16MB, disk: 64MB}\nquality: {jpg: 75, webp: 75}\n"),
	}
	for i := range k.posts {
		path := fmt.Sprintf("/%d.jpg", i)
		k.good.Serve(path, imagetest.EncodeJPEG(t, mosaic(i), 80))
		writePost(t, k.site, fmt.Sprintf("good%d", i), k.good.URL(path))
	}
	picture := imagetest.JPEG(t, 400, 300)
	for i, fault := range []http.Handler{
		imagetest.Status(500), imagetest.Hang(), imagetest.Truncate(picture, 100), imagetest.Stall(picture, 100), imagetest.Status(404), imagetest.Endless(picture),
	} {
		bad := imagetest.NewOrigin(t)
		bad.Handle("/a.jpg", fault)
		writePost(t, k.site, fmt.Sprintf("bad%d", i), bad.URL("/a.jpg"))
		k.faulty++
	}
	k.served = startServe(t, "--cache", t.TempDir(), k.site)
	return k
}

// run has readers and an editor at work for d.
func (k *soak) run(d time.Duration) {
	ctx, cancel := context.WithTimeout(k.t.Context(), d)
	defer cancel()
	var all sync.WaitGroup
	for i := range 8 {
		dice := rand.New(rand.NewPCG(uint64(i), uint64(k.asked.Load())))
		popular := rand.NewZipf(dice, 1.1, 4, uint64(k.posts-1))
		all.Go(func() {
			for ctx.Err() == nil {
				k.read(ctx, dice, fmt.Sprintf("good%d", popular.Uint64()))
			}
		})
	}
	all.Go(func() { k.edit(ctx) })
	all.Wait()
	k.client.CloseIdleConnections()
}

// read asks for something that has to do with a post: mostly for its picture.
func (k *soak) read(ctx context.Context, dice *rand.Rand, post string) {
	width := []int{24, 160, 320, 480}[dice.IntN(4)]
	path, want, accept, span := fmt.Sprintf("/p/%s/w%d.jpg", post, width), http.StatusOK, "", ""
	patience := time.Minute
	switch n := dice.IntN(100); {
	case n < 60:
	case n < 75:
		path, accept = fmt.Sprintf("/p/%s/w%d.auto", post, width), "image/webp,*/*"
	case n < 80:
		path = "/p/" + post + "/meta.json"
	case n < 84:
		path = "/p/" + post + "/figure.html?role=hero"
	case n < 86:
		path = []string{"/", "/catalog.json", "/readyz"}[dice.IntN(3)]
	case n < 90:
		want, span = http.StatusPartialContent, "bytes=10-99"
	case n < 94:
		path = fmt.Sprintf("/%s?w=%d&fm=png", strings.ReplaceAll(k.good.URL("/"+strings.TrimPrefix(post, "good")+".jpg"), "/", "%2F"), 1+dice.IntN(480))
	case n < 96:
		path, want = []string{"/nowhere", "/p/nobody/w24.jpg", "/i/0000000000000000/w24.jpg"}[dice.IntN(3)], http.StatusNotFound
	case n < 97:
		path, want = fmt.Sprintf("/p/bad%d/w24.jpg", dice.IntN(k.faulty)), 0
	default:
		patience = time.Duration(dice.IntN(10)) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url+path, nil)
	if err != nil {
		k.t.Error(err)
		return
	}
	for name, value := range map[string]string{"Accept": accept, "Range": span} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	k.asked.Add(1)
	resp, err := k.client.Do(req)
	if err == nil {
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
	}
	switch {
	case ctx.Err() != nil:
		k.left.Add(1)
	case err != nil:
		k.t.Errorf("%s: %v", path, err)
	case want == 0 && resp.StatusCode >= 400:
		k.failed.Add(1)
	case resp.StatusCode != want:
		k.t.Errorf("%s: status %d, want %d", path, resp.StatusCode, want)
	}
}

// edit changes posts, has them read again, and purges pictures.
func (k *soak) edit(ctx context.Context) {
	p := program{stdout: io.Discard, stderr: k.t.Output()}
	for i := 0; ctx.Err() == nil; i++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
		name := fmt.Sprintf("good%d", i*7%k.posts)
		args := []string{"purge", "--admin", k.admin, "--post", name}
		if i%2 == 0 {
			post := fmt.Sprintf("---\nimage:\n  path: %q\n  alt: alt %d\n  credit: credit %d\n---\n", k.good.URL("/"+strings.TrimPrefix(name, "good")+".jpg"), i, i)
			put(k.t, k.site+"/"+name+".md", []byte(post))
			args = []string{"rescan", "--admin", k.admin}
		}
		if code := p.run(k.t.Context(), args); code != 0 {
			k.t.Errorf("%v ends with %d", args, code)
		}
	}
}

// A footprint is what a process holds while nothing happens.
type footprint struct {
	goroutines, files int
	heap              uint64
}

// footprint waits until what was under way has ended: until there are as few goroutines as before, or, where before is 0, for longer
// than the fetches of origins that hang.
func (k *soak) footprint(before int) footprint {
	k.t.Helper()
	if before > 0 {
		waitForGoroutines(k.t, before)
	}
	if before == 0 {
		time.Sleep(15 * time.Second)
	}
	runtime.GC()
	runtime.GC() // what finalizers and pools let go of
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		k.t.Fatal(err)
	}
	return footprint{runtime.NumGoroutine(), len(files), m.HeapAlloc}
}

// TestIntegrationSoak is L35: after load of all kinds, with faults in it, a server holds as many goroutines, files and bytes as after
// the first seconds of it, and nobody got an error who should not.
func TestIntegrationSoak(t *testing.T) {
	// more is what the heap may have grown by, in bytes: after the first seconds, neither the memory tier of 16 MB is full nor are there
	// all of the 4,096 answers that are kept, at up to 6 KB with what a map takes.
	const more = 40 << 20
	k := newSoak(t)
	defer k.stop(t)
	k.run(10 * time.Second)
	before := k.footprint(0)
	k.run(soakTime(t))
	after := k.footprint(before.goroutines)
	t.Logf("%d requests, %d errors of faulty origins, %d who left; before %+v, after %+v", k.asked.Load(), k.failed.Load(), k.left.Load(), before, after)
	if after.files > before.files+5 {
		t.Errorf("%d files are open, before %d", after.files, before.files)
	}
	if after.heap > before.heap+more {
		t.Errorf("a heap of %d MiB, before %d MiB", after.heap>>20, before.heap>>20)
	}
	if k.failed.Load() == 0 || k.left.Load() == 0 {
		t.Errorf("%d errors of faulty origins, %d readers who left, want some", k.failed.Load(), k.left.Load())
	}
}
