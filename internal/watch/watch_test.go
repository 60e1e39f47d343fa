package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A rig is a Watcher of a folder that a test changes.
type rig struct {
	*Watcher
	t   *testing.T
	dir string
}

// onlyMarkdown has other files not matter.
func onlyMarkdown(path string) bool { return strings.HasSuffix(path, ".md") }

func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o.Matters = onlyMarkdown
	if o.Report == nil {
		o.Report = func(err error) { t.Errorf("reported: %v", err) }
	}
	w := New(o)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return &rig{w, t, dir}
}

func (r *rig) at(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) write(name string) { r.t.Helper(); r.must(os.WriteFile(r.at(name), []byte(name), 0o600)) }
func (r *rig) mkdir(name string) { r.t.Helper(); r.must(os.MkdirAll(r.at(name), 0o750)) }

// follow follows folders of the rig's until none was added, so that what is noticed from then on happened later.
func (r *rig) follow(names ...string) {
	r.t.Helper()
	var folders []string
	for _, name := range names {
		folders = append(folders, r.at(name))
	}
	r.Follow(folders)
	r.wait()
	r.Follow(folders)
}

// wait waits for a change; the test's own deadline is what fails it.
func (r *rig) wait() {
	r.t.Helper()
	r.must(r.Wait(r.t.Context(), time.Time{}))
}

// TestNotices verifies, one way of saving a row, what is noticed.
func TestNotices(t *testing.T) {
	tests := []struct {
		name string
		do   func(*rig)
	}{
		{"written in place", func(r *rig) { r.write("a/post.md") }},
		{"written beside and renamed", func(r *rig) { r.write("a/.tmp"); r.must(os.Rename(r.at("a/.tmp"), r.at("a/post.md"))) }},
		{"removed", func(r *rig) { r.must(os.Remove(r.at("a/post.md"))) }},
		{"renamed", func(r *rig) { r.must(os.Rename(r.at("a/post.md"), r.at("a/other.md"))) }},
		{"moved away", func(r *rig) { r.must(os.Rename(r.at("a/post.md"), filepath.Join(r.t.TempDir(), "post.md"))) }},
		{"made readable", func(r *rig) { r.must(os.Chmod(r.at("a/post.md"), 0o644)) }},
		{"a folder made", func(r *rig) { r.mkdir("a/new") }},
		{"a folder removed", func(r *rig) { r.must(os.Remove(r.at("a/sub"))) }},
		{"a folder moved away", func(r *rig) { r.must(os.Rename(r.at("a/sub"), filepath.Join(r.t.TempDir(), "sub"))) }},
		{"a folder of folders moved away", func(r *rig) { r.must(os.Rename(r.at("a/deep"), filepath.Join(r.t.TempDir(), "deep"))) }},
		{"in a folder behind a link", func(r *rig) { r.write("elsewhere/post.md") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Options{})
			r.mkdir("a/sub")
			r.mkdir("a/deep/er")
			r.mkdir("elsewhere")
			r.must(os.Symlink("elsewhere", r.at("link")))
			r.write("a/post.md")
			r.follow("a", "a/sub", "a/deep/er", "link", "gone")
			tt.do(r)
			r.wait()
		})
	}
}

// TestFoldersThatMove verifies that a folder is watched wherever it goes, and what takes its place is too.
func TestFoldersThatMove(t *testing.T) {
	for _, again := range []string{"renamed", "removed and made", "replaced"} {
		t.Run(again, func(t *testing.T) {
			r := newRig(t, Options{})
			r.mkdir("a/sub/er")
			r.follow(".", "a", "a/sub", "a/sub/er")
			switch again {
			case "renamed":
				r.must(os.Rename(r.at("a"), r.at("b")))
				r.wait()
				r.follow(".", "b", "b/sub", "b/sub/er")
				r.write("b/sub/er/post.md")
			case "removed and made":
				r.must(os.RemoveAll(r.at("a/sub")))
				r.mkdir("a/sub/er")
				r.wait()
				r.follow(".", "a", "a/sub", "a/sub/er")
				r.write("a/sub/er/post.md")
			case "replaced":
				r.mkdir("new/sub/er")
				r.wait()
				r.must(os.Rename(r.at("a"), r.at("old")))
				r.must(os.Rename(r.at("new"), r.at("a")))
				r.wait()
				r.follow(".", "a", "a/sub", "a/sub/er")
				r.write("a/sub/er/post.md")
			}
			r.wait()
		})
	}
}

// TestUnfollowed verifies that what is not followed any more, and what does not matter, such as the file that Vim tries a folder with, is
// not noticed: only the context's end ends the wait.
func TestUnfollowed(t *testing.T) {
	r := newRig(t, Options{})
	r.mkdir("a")
	r.mkdir("b")
	r.follow("a", "b")
	r.Follow([]string{r.at("b")})
	r.write("a/post.md")
	r.write("b/4913")
	r.must(os.Remove(r.at("b/4913")))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := r.Wait(ctx, time.Time{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("noticed a change in a folder that is not followed: %v", err)
	}
}

// A fake is a system's watches in a test's hand.
type fake struct {
	mu     sync.Mutex
	room   int // for so many
	added  []string
	events chan fsnotify.Event
	errs   chan error
}

func newFake(room int) *fake {
	return &fake{room: room, events: make(chan fsnotify.Event), errs: make(chan error)}
}

func (f *fake) open() (*native, error) {
	return &native{notifier: f, events: f.events, errors: f.errs}, nil
}

func (f *fake) Add(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.added) >= f.room {
		return fmt.Errorf("add %s: %w", path, syscall.ENOSPC)
	}
	f.added = append(f.added, path)
	return nil
}

func (*fake) Remove(string) error { return nil }

func (f *fake) Close() error { close(f.events); close(f.errs); return nil }

// watched makes a Watcher of f that reports to the returned slice.
func watched(t *testing.T, f *fake, o Options) (*Watcher, *[]error) {
	var reported []error
	o.open, o.Report = f.open, func(err error) { reported = append(reported, err) }
	w := New(o)
	t.Cleanup(func() { _ = w.Close() })
	return w, &reported
}

// since is how long f took, by the bubble's clock.
func since(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// TestDebounce verifies that a change is told when things are quiet, and a long one meanwhile.
func TestDebounce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every time.Duration
		n     int
		want  time.Duration
	}{
		{"one save", 0, 1, DefaultQuiet},
		{"a save in steps", DefaultQuiet / 2, 3, 2 * DefaultQuiet},
		{"a long copy", DefaultQuiet / 2, 100, DefaultMost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(10)
				w := New(Options{open: f.open})
				done := make(chan struct{})
				go func() {
					defer close(done)
					for range tt.n {
						f.events <- fsnotify.Event{Name: "/nowhere/post.md", Op: fsnotify.Write}
						time.Sleep(tt.every)
					}
				}()
				if got := since(func() { _ = w.Wait(t.Context(), time.Time{}) }); got != tt.want {
					t.Errorf("told after %s, want %s", got, tt.want)
				}
				<-done
				_ = w.Close()
			})
		})
	}
}

// TestDue verifies that Wait returns at a time that it is told, and when the context ends.
func TestDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(10)
		w := New(Options{open: f.open})
		defer func() { _ = w.Close() }()
		if got := since(func() { _ = w.Wait(t.Context(), time.Now().Add(time.Hour)) }); got != time.Hour {
			t.Errorf("told after %s, want an hour", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := w.Wait(ctx, time.Time{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
	})
}

// TestOverflow verifies that news that were lost count as news, and that all folders are watched anew then.
func TestOverflow(t *testing.T) {
	f := newFake(10)
	w, reported := watched(t, f, Options{})
	dir := t.TempDir()
	w.Follow([]string{dir})
	if err := w.Wait(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	f.errs <- fsnotify.ErrEventOverflow
	if err := w.Wait(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	w.Follow([]string{dir})
	if len(f.added) != 2 || len(*reported) > 0 {
		t.Errorf("added %q, reported %v", f.added, *reported)
	}
}

// TestLimits verifies that a system without room for watches is looked at every so often instead, and that somebody is told, once.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dirs := []string{t.TempDir(), t.TempDir()}
		none := Options{open: func() (*native, error) { return nil, syscall.EMFILE }}
		few := newFake(1)
		for name, o := range map[string]Options{"no watcher": none, "too few watches": {open: few.open}} {
			var reported []error
			o.Report = func(err error) { reported = append(reported, err) }
			w := New(o)
			w.Follow(dirs)
			if !w.Polls() {
				t.Errorf("%s: it does not poll", name)
			}
			if name == "too few watches" {
				_ = w.Wait(t.Context(), time.Time{}) // for what was not seen before
			}
			w.Follow(dirs)
			if got := since(func() { _ = w.Wait(t.Context(), time.Time{}) }); got != DefaultPoll {
				t.Errorf("%s: told after %s, want %s", name, got, DefaultPoll)
			}
			if len(reported) != 1 || !errors.Is(reported[0], ErrLimit) {
				t.Errorf("%s: reported %v, want ErrLimit once", name, reported)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestFar verifies that a folder into which other machines write is looked at every so often too.
func TestFar(t *testing.T) {
	f := newFake(10)
	w, _ := watched(t, f, Options{far: func(string) bool { return true }})
	if w.Polls() {
		t.Error("it polls for nothing")
	}
	if w.Follow([]string{t.TempDir()}); !w.Polls() {
		t.Error("it does not poll")
	}
}
