package prefetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
)

// TestWriteErrors has places that cannot be written: no picture is to blame, nothing more is made, and what was there stays.
func TestWriteErrors(t *testing.T) {
	for what, part := range map[string]string{"files": "owl-", "manifest": "cutline.json"} {
		t.Run(what, func(t *testing.T) {
			r := twoPosts(t)
			r.run()
			r.options.URL = "/elsewhere/" // everything is to be made again, and files have other bytes
			r.originals[owlURL], r.originals[foxURL] = "another owl", "another fox"
			before := r.tree()
			write := r.options.Write
			r.options.Write = func(name string, body []byte) error {
				if strings.Contains(name, part) {
					return &fs.PathError{Op: "write", Path: name, Err: os.ErrPermission}
				}
				return write(name, body)
			}
			if res, err := r.try(t.Context()); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), part) {
				t.Errorf("got %+v, %v", res, err)
			}
			after := r.tree()
			for name := range before {
				if after[name] != before[name] {
					t.Errorf("%s has changed", name)
				}
			}
			r.options.Write = write
			if res := r.run(); len(res.Failures) != 0 || res.Pictures != 2 {
				t.Errorf("afterwards: %+v", res)
			}
		})
	}
}

func TestNothingIsMadeWhereNothingCanBeWritten(t *testing.T) {
	r := twoPosts(t)
	r.options.Write = func(string, []byte) error { return os.ErrPermission }
	if _, err := r.try(t.Context(), func(o *Options) { o.Workers = 1 }); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v", err)
	}
	if builds, _ := r.count(); builds != 1 {
		t.Errorf("%d pictures were made for a folder that takes none", builds)
	}
	r = twoPosts(t)
	r.write(map[string]string{"_data/.cutline.json.journal/is": "a folder"})
	if res, err := r.try(t.Context()); err == nil {
		t.Errorf("got %+v of a journal that cannot be read", res)
	}
}

// TestLongestName has all words in a template, each at its longest; a name that is being written has 32 bytes more.
func TestLongestName(t *testing.T) {
	const words = "{name}-{id}-{preset}-{width}-{height}-{hash}.{ext}"
	template, err := ParseTemplate(strings.Repeat("x", maxTemplate-len(words)) + words)
	if err != nil {
		t.Fatal(err)
	}
	src, err := source.Local(strings.Repeat("y", 200) + ".jpg")
	if err != nil {
		t.Fatal(err)
	}
	name := template.name(title{
		name: plainName(src), id: strings.Repeat("a", 16), preset: strings.Repeat("p", 32), ext: "webp", width: 10000, height: 10000, hash: strings.Repeat("0", 64),
	})
	if got := len(name) + 32; got > 255 {
		t.Errorf("a name of %d bytes", got)
	}
	if _, err := ParseTemplate(strings.Repeat("x", maxTemplate-len(words)+1) + words); err == nil {
		t.Error("a longer template is taken")
	}
}

// TestFailuresTellOfMissingFiles has a file of a picture that cannot be had any more go.
func TestFailuresTellOfMissingFiles(t *testing.T) {
	r := twoPosts(t)
	r.run()
	lost := one(r.tree(), "assets/cutline/owl-")
	r.write(map[string]string{lost: ""})
	delete(r.originals, owlURL)
	res := r.run()
	if len(res.Failures) != 1 || !res.Failures[0].Kept || "assets/cutline/"+res.Failures[0].Lacks != lost || r.manifest().Images[owlURL] == nil {
		t.Errorf("got %+v", res)
	}
}

// TestTwoRunsAtOnce has another run take away what it takes for remains: a file that is being written, and the folder that it was alone in.
func TestTwoRunsAtOnce(t *testing.T) {
	r := twoPosts(t)
	r.options.Template, _ = ParseTemplate("{id}/{width}-{hash8}.{ext}")
	write, times := r.options.Write, map[string]int{}
	r.options.Write = func(name string, body []byte) error {
		r.mu.Lock()
		times[name]++
		first := times[name] == 1
		r.mu.Unlock()
		if first && strings.HasSuffix(name, ".webp") {
			_ = os.Remove(filepath.Dir(name)) // where it is empty
			return &fs.PathError{Op: "rename", Path: name, Err: fs.ErrNotExist}
		}
		return write(name, body)
	}
	if res := r.run(); len(res.Failures) != 0 || res.Written != res.Files || res.Files == 0 {
		t.Errorf("got %+v", res)
	}
}

// TestSameFilesOfTwoPictures has two sources with one name and the same bytes: their files are the same, and counted once.
func TestSameFilesOfTwoPictures(t *testing.T) {
	const other = "https://mirror.example/owl.jpg"
	r := twoPosts(t)
	r.write(map[string]string{"_posts/1999-01-03-owl.md": post(other, "Bob")})
	r.originals[other] = "owl"
	var both chan bool
	write := r.options.Write
	r.options.Write = func(name string, body []byte) error {
		if strings.Contains(name, "owl-") { // until the other has looked whether it is there
			select {
			case both <- true:
			case <-both:
			case <-time.After(time.Hour):
			}
		}
		return write(name, body)
	}
	synctest.Test(t, func(t *testing.T) {
		both = make(chan bool)
		res, err := r.try(t.Context())
		if err != nil || res.Written != res.Files || res.Unchanged != 0 {
			t.Errorf("got %+v, %v", res, err)
		}
	})
}

// closedFS is a folder of files in which one folder is not for us to read, and one is gone when it is looked into.
type closedFS struct{ fstest.MapFS }

func (c closedFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if failure := map[string]error{"closed": fs.ErrPermission, "gone": fs.ErrNotExist}[name]; failure != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: failure}
	}
	return c.MapFS.ReadDir(name)
}

func TestFoldersThatCannotBeRead(t *testing.T) {
	template, err := ParseTemplate(DefaultTemplate)
	if err != nil {
		t.Fatal(err)
	}
	f := &folder{template: template, temp: func(string) (string, bool) { return "", false }}
	file := &fstest.MapFile{Data: []byte("x")}
	found, err := f.look(closedFS{fstest.MapFS{"closed/x": file, "gone/x": file, "last": file}}, nil, map[string]bool{"last": true, "closed/x": true})
	if err != nil || len(found) != 1 || found[0].name != "last" {
		t.Errorf("got %v, %v", found, err)
	}
}

// TestPostsWhoseNamesAreNoText has a post with a name in Latin-1: what the manifest says of it is what is read again.
func TestPostsWhoseNamesAreNoText(t *testing.T) {
	r := newRig(t, map[string]string{"_config.yml": "title: x\n", "_posts/1999-01-01-caf\xe9.md": post(owlURL, "Bob")})
	r.originals[owlURL] = "owl"
	for _, split := range []bool{false, true} {
		r.run(func(o *Options) { o.Split = split })
		if res := r.run(func(o *Options) { o.DryRun, o.Split = true, split }); len(res.Changes) != 0 {
			t.Errorf("split %v: %q would change", split, res.Changes)
		}
	}
}

// TestNobodyTakesTurnsAtAHost has twenty pictures of a host that wants to be left alone for good, and one of another host behind them.
func TestNobodyTakesTurnsAtAHost(t *testing.T) {
	r := twoPosts(t)
	paused := func() error {
		return &render.Error{Class: render.Down, RetryAfter: 2 * time.Minute, Err: &fetch.DownError{After: 2 * time.Minute, Paused: true}}
	}
	for i := range 20 {
		src := fmt.Sprintf("https://busy.example/%d.jpg", i)
		r.write(map[string]string{fmt.Sprintf("_posts/1998-01-01-p%d.md", i): post(src, "Ann")})
		r.errs[src] = []error{paused(), paused(), paused(), paused()}
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		res, err := r.try(t.Context())
		if err != nil || len(res.Failures) != 20 || res.Pictures != 2 || time.Since(began) > maxWaits {
			t.Errorf("took %s: %+v, %v", time.Since(began), res, err)
		}
	})
	if n := r.builds["https://busy.example/19.jpg"]; n != 1 {
		t.Errorf("the last was tried %d times", n)
	}
}

type spared struct{}

func (spared) Fetch(context.Context, source.Source, fetch.Validators) (*fetch.Original, error) {
	return nil, &fetch.DownError{After: time.Second}
}

type brings struct{}

func (brings) Fetch(context.Context, source.Source, fetch.Validators) (*fetch.Original, error) {
	return &fetch.Original{}, nil
}

func TestRequestsAreThoseThatWereMade(t *testing.T) {
	src, err := source.Parse(owlURL)
	if err != nil {
		t.Fatal(err)
	}
	f := &Fetcher{Next: spared{}}
	if _, err := f.Fetch(t.Context(), src, fetch.Validators{}); !errors.Is(err, fetch.ErrDown) || f.Requests() != 0 {
		t.Errorf("%d requests to a host that is left alone, %v", f.Requests(), err)
	}
	f = &Fetcher{Next: brings{}, Delay: time.Minute}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for i, fails := range []bool{false, true} {
		o, err := f.Fetch(ctx, src, fetch.Validators{})
		if (err != nil) != fails || (o == nil) != fails {
			t.Errorf("request %d: got %v, %v", i, o, err)
		}
	}
	if f.Requests() != 1 {
		t.Errorf("%d requests, of which one would have come after its time", f.Requests())
	}
}
