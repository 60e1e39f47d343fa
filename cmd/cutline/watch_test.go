package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// A desk is a site that is edited while it is served and followed.
type desk struct {
	*served
	t   *testing.T
	dir string
	c   *http.Client
}

func newDesk(t *testing.T, args ...string) *desk {
	t.Helper()
	// Without AVIF and WebP: what is made ahead would take many seconds, WebP's under the race detector.
	d := &desk{t: t, dir: writeSite(t, "formats: [jpg, png]\n"), c: client(t)}
	d.picture("a.jpg", 400)
	d.post("one.md", "first")
	d.served = startServe(t, append(args, "--watch", "--cache", "off", "--log", "debug", d.dir)...)
	return d
}

func (d *desk) at(name string) string { return filepath.Join(d.dir, name) }

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	d.must(os.MkdirAll(filepath.Dir(d.at(name)), 0o750))
	d.must(os.WriteFile(d.at(name), []byte(text), 0o600))
}

// post writes a post that shows a.jpg.
func (d *desk) post(name, alt string) { d.t.Helper(); d.write(name, postText(alt)) }

func postText(alt string) string { return "---\nimage: {path: /a.jpg, alt: " + alt + "}\n---\n" }

func (d *desk) picture(name string, width int) {
	d.t.Helper()
	d.write(name, string(imagetest.JPEG(d.t, width, width)))
}

// get asks for a post's picture.
func (d *desk) get(post string) *reply {
	var a reply
	a.ask(d.t.Context(), d.c, d.url+"/p/"+post+"/w320.jpg", nil)
	return &a
}

// until waits for what is true of the post's picture, and logs how long that took. The test's own deadline is what fails it.
func (d *desk) until(what, post string, true func(*reply) bool) {
	d.t.Helper()
	start := time.Now()
	for a := d.get(post); !true(a); a = d.get(post) {
		if d.t.Context().Err() != nil || time.Since(start) > time.Minute {
			d.t.Fatalf("%s: status %d, %v, %s\n%s", what, a.status, a.err, a.header.Get("Image-Alt"), d.log())
		}
		pause(d.t)
	}
	d.t.Logf("%s after %s", what, time.Since(start).Round(time.Millisecond))
}

// pause leaves the processor to who is waited for.
func pause(t *testing.T) {
	t.Helper()
	select {
	case <-t.Context().Done():
	case <-time.After(5 * time.Millisecond):
	}
}

func says(alt string) func(*reply) bool {
	return func(a *reply) bool { return a.status == http.StatusOK && a.header.Get("Image-Alt") == `%"`+alt+`"` }
}

func gone(a *reply) bool { return a.status == http.StatusNotFound }

// waitForLog waits for a line of the log.
func (d *desk) waitForLog(parts ...string) {
	d.t.Helper()
	d.waitFor(d.t, func() bool {
		return slices.ContainsFunc(strings.Split(d.log(), "\n"), func(line string) bool {
			return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
		})
	})
}

// TestWatch verifies that what is saved is served, whatever way it is saved in.
func TestWatch(t *testing.T) {
	d := newDesk(t)
	defer d.stop(t)
	d.until("start", "one", says("first"))
	steps := []struct {
		name, post string
		do         func()
		want       func(*reply) bool
	}{
		{"a post written in place", "one", func() { d.post("one.md", "second") }, says("second")},
		{"as Vim saves", "one", func() {
			d.write("4913", "")
			d.must(os.Remove(d.at("4913")))
			d.must(os.Rename(d.at("one.md"), d.at("one.md~")))
			d.post("one.md", "third")
			d.must(os.Remove(d.at("one.md~")))
		}, says("third")},
		{"renamed over", "one", func() {
			d.post(".one.md.swp", "fourth")
			d.must(os.Rename(d.at(".one.md.swp"), d.at("one.md")))
		}, says("fourth")},
		{"renamed over once more", "one", func() {
			d.post("#one.md#", "fifth")
			d.must(os.Rename(d.at("#one.md#"), d.at("one.md")))
		}, says("fifth")},
		{"as many bytes", "one", func() { d.post("one.md", "fifty") }, says("fifty")},
		{"a post in new folders", "two", func() { d.post("2026/11/two.md", "two") }, says("two")},
		{"changed there", "two", func() { d.post("2026/11/two.md", "too") }, says("too")},
		{"a folder renamed", "two", func() { d.must(os.Rename(d.at("2026"), d.at("archive"))) }, says("too")},
		{"changed there", "two", func() { d.post("archive/11/two.md", "to") }, says("to")},
		{"a folder removed", "two", func() { d.must(os.RemoveAll(d.at("archive"))) }, gone},
		{"and made again", "two", func() { d.post("archive/11/two.md", "back") }, says("back")},
		{"a post renamed", "three", func() { d.must(os.Rename(d.at("archive/11/two.md"), d.at("three.md"))) }, says("back")},
		{"under its old name", "two", func() {}, gone},
		{"a post removed", "three", func() { d.must(os.Remove(d.at("three.md"))) }, gone},
	}
	for _, step := range steps {
		step.do()
		d.until(step.name, step.post, step.want)
	}
}

// TestWatchBroken verifies that a broken edit keeps what was shown, and is told: in the log and on the contact sheet.
func TestWatchBroken(t *testing.T) {
	d := newDesk(t)
	defer d.stop(t)
	d.write("one.md", "---\ntitle: [\nimage: {path: /a.jpg, alt: broken}\n---\n")
	d.waitForLog("a post has an error", "one.md:", "bad-front-matter")
	if a := d.get("one"); !says("first")(a) {
		t.Errorf("a broken post shows %d, %s", a.status, a.header.Get("Image-Alt"))
	}
	for address, says := range map[string]string{"/": "Broken edit", "/?post=one": "is still shown"} {
		var sheet reply
		if sheet.ask(t.Context(), d.c, d.url+address, nil); !strings.Contains(string(sheet.body), says) {
			t.Errorf("the contact sheet at %s does not say %q", address, says)
		}
	}
	d.post("one.md", "mended")
	d.until("a mended post", "one", says("mended"))
	d.waitForLog("errors in posts are gone")
}

// TestWatchPictures verifies that pictures are followed as posts are.
func TestWatchPictures(t *testing.T) {
	d := newDesk(t)
	defer d.stop(t)
	d.write("two.md", "---\nimage: {path: /art/new/b.jpg, alt: two}\n---\n")
	d.waitForLog("a post has an error", "two.md:2", "missing-file")
	d.picture("art/new/b.jpg", 400)
	d.until("a picture that was missing", "two", says("two"))
	d.waitForLog("errors in posts are gone")
	first := d.get("two").header.Get("Etag")
	d.picture("art/new/b.jpg", 330)
	d.until("a picture replaced", "two", func(a *reply) bool { return a.status == http.StatusOK && a.header.Get("Etag") != first })
	d.must(os.Remove(d.at("art/new/b.jpg")))
	d.waitForLog("a post has an error", "two.md:2", "missing-file")
}

// TestWatchExport verifies that an export in a folder of its own is followed like posts.
func TestWatchExport(t *testing.T) {
	feed := func(alt string) string {
		return `<rss version="2.0"><channel><item><title>one</title><description>&lt;img src="/a.jpg" alt="` + alt + `"></description></item></channel></rss>`
	}
	d := &desk{t: t, dir: writeSite(t, "formats: [jpg, png]\ncontent: {folders: [feeds/news.xml]}\n"), c: client(t)}
	d.picture("a.jpg", 400)
	d.write("feeds/news.xml", feed("first"))
	d.served = startServe(t, "--watch", "--cache", "off", d.dir)
	defer d.stop(t)
	d.until("start", "one", says("first"))
	d.write("feeds/news.xml", feed("second"))
	d.until("written", "one", says("second"))
}

// TestWatchBurst verifies that many files that come at once are read by few scans.
func TestWatchBurst(t *testing.T) {
	d := newDesk(t)
	defer d.stop(t)
	const posts = 1000
	for i := range posts {
		d.post(fmt.Sprintf("many/%d.md", i), fmt.Sprintf("number %d", i))
	}
	d.until("the last of many posts", fmt.Sprint(posts-1), says(fmt.Sprintf("number %d", posts-1)))
	d.until("the first of many posts", "0", says("number 0"))
	if scans := strings.Count(d.log(), "posts read again"); scans > posts/20 {
		t.Errorf("%d scans for %d posts", scans, posts)
	} else {
		t.Logf("%d scans", scans)
	}
}

// TestWatchAhead verifies that the first reader of a picture that came while the server runs finds it made, in the formats and widths that
// pages name, and so does the first of one that was replaced.
func TestWatchAhead(t *testing.T) {
	d := newDesk(t)
	defer d.stop(t)
	d.waitForLog("made ahead", "post=one.md") // what is newest at the start
	d.picture("b.jpg", 900)
	d.write("two.md", "---\nimage: {path: /b.jpg, alt: two}\n---\n")
	hit := func(when string) {
		t.Helper()
		for _, leaf := range []string{"hero.jpg", "card.jpg", "w320.jpg", "w828.jpg", "hero.auto", "thumb.jpg"} {
			var a reply
			a.ask(t.Context(), d.c, d.url+"/p/two/"+leaf, nil)
			if got := a.header.Get("Cache-Status"); a.status != http.StatusOK || got != "cutline; hit" {
				t.Errorf("%s, %s: status %d, %s", when, leaf, a.status, got)
			}
		}
	}
	d.waitFor(t, func() bool { return madeAhead.MatchString(d.log()) })
	hit("new")
	d.write("marker.md", postText("marker")) // so that what is made for it is not taken for what follows
	d.until("marker", "marker", says("marker"))
	d.picture("b.jpg", 1000)
	d.waitFor(t, func() bool { return len(madeAhead.FindAllString(d.log(), -1)) == 2 })
	hit("replaced")
}

// madeAhead matches what is said of two.md when all of it is there and some of it was not: a scan that comes while its picture is
// being written may have nothing made.
var madeAhead = regexp.MustCompile(`msg="made ahead" .*post=two\.md renditions=[1-9]`)

// waitFor waits for what is true.
func (d *desk) waitFor(t *testing.T, true func() bool) {
	t.Helper()
	for start := time.Now(); !true(); pause(t) {
		if time.Since(start) > time.Minute {
			t.Fatal(d.log())
		}
	}
}

// TestWatchConfig verifies that a configuration that is not in use is told.
func TestWatchConfig(t *testing.T) {
	d := newDesk(t)
	defer d.stop(t)
	d.write(configName, "formats: [webp]\n")
	d.waitForLog("read at the start only", configName)
}

// TestHangup verifies that SIGHUP has the posts read again, where nothing follows them.
func TestHangup(t *testing.T) {
	d := &desk{t: t, dir: writeSite(t, ""), c: client(t)}
	d.picture("a.jpg", 400)
	d.post("one.md", "first")
	d.served = startServe(t, "--cache", "off", d.dir)
	defer d.stop(t)
	d.post("one.md", "second")
	self, err := os.FindProcess(os.Getpid())
	d.must(err)
	d.must(self.Signal(syscall.SIGHUP))
	d.until("SIGHUP", "one", says("second"))
}

// TestWatchOwnFolders verifies that a cache folder in the site is none of its folders.
func TestWatchOwnFolders(t *testing.T) {
	dir := t.TempDir()
	for cache, want := range map[string][]string{
		filepath.Join(dir, "tmp", "cache"): {"tmp/cache"}, filepath.Dir(dir): nil, dir: nil, cacheOff: nil,
	} {
		s := &site{dir: dir, config: &effective{config: &config{}}}
		s.config.Cache.Dir = cache
		if got := s.ownFolders(); !slices.Equal(got, want) {
			t.Errorf("cache %s: %q, want %q", cache, got, want)
		}
	}
}
