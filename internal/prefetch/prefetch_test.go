package prefetch

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/manifest"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
)

func TestRunMakesEverythingOnce(t *testing.T) {
	r := twoPosts(t)
	res := r.run()
	if res.Pictures != 2 || len(res.Failures) != 0 || res.Written != res.Files || res.Unchanged != 0 || res.Documents != 1 {
		t.Fatalf("got %+v", res)
	}
	m := r.manifest()
	fox := m.Images["https://origin.example/Fox Pic.jpg"]
	if fox == nil || fox.Source != foxURL || m.Pages["_posts/1999-01-01-fox.md"].Image != "https://origin.example/Fox Pic.jpg" {
		t.Fatalf("the key is not what the front matter has: %v", m.Pages)
	}
	var widths []int
	for _, f := range fox.Formats["webp"] {
		widths = append(widths, f.Width)
	}
	if want := []int{160, 320, 500}; !slices.Equal(widths, want) {
		t.Errorf("widths %v, want %v", widths, want)
	}
	if fox.Formats["png"] != nil || fox.Presets["card"]["jpeg"].Height != 100 || fox.Presets["hero"]["webp"].Width != 500 {
		t.Errorf("got %v and %v", fox.Formats, fox.Presets)
	}
	// Every file is there, with the size that was promised, and names are of one file each.
	tree := r.tree()
	for _, i := range m.Images {
		for _, f := range i.Files() {
			if got := int64(len(body(tree, f.OutputPath))); got != f.Size || f.URL != "/"+f.OutputPath {
				t.Errorf("%s has %d bytes and URL %s, want %d", f.OutputPath, got, f.URL, f.Size)
			}
		}
	}
	if name := one(tree, "assets/cutline/fox-pic-320-"); !strings.HasSuffix(body(tree, name), " by Ann") {
		t.Errorf("%q holds %q", name, body(tree, name))
	}
	if !strings.Contains(fox.HTML, "<figcaption>") || strings.Contains(fox.Picture, "figcaption") || strings.Contains(fox.HTML, "160w") {
		t.Errorf("markup:\n%s\n%s", fox.HTML, fox.Picture)
	}
}

func TestRunAgainDoesNothing(t *testing.T) {
	r := twoPosts(t)
	r.run()
	r.old()
	before, writes := r.tree(), r.writes
	builds, _ := r.count()
	res := r.run()
	same(t, "the second run", before, r.tree())
	if now, _ := r.count(); now != builds || r.writes != writes || res.Written != 0 || res.Unchanged != res.Files || res.Documents != 0 {
		t.Errorf("%d builds, %d writes, %+v", now-builds, r.writes-writes, res)
	}
}

// TestRunFollowsChanges has one thing change and says which pictures are made again, and how many files are written.
func TestRunFollowsChanges(t *testing.T) {
	const files = 8 // of one picture: 160, 320, 500 and the card's 100 in two formats
	for _, tt := range []struct {
		name   string
		change func(*rig)
		fox    bool
		writes int // of files
	}{
		{"words", func(r *rig) {
			r.write(map[string]string{"_posts/1999-01-01-fox.md": post("https://origin.example/Fox Pic.jpg", "Eve")})
		}, true, 4},
		{"a file is gone", func(r *rig) { r.remove("assets/cutline/fox-pic-160-") }, true, 1},
		{"a file is damaged", func(r *rig) { r.damage("assets/cutline/fox-pic-160-") }, true, 1},
		{"a file is cut", func(r *rig) { r.write(map[string]string{one(r.tree(), "assets/cutline/fox-pic-160-"): "x"}) }, true, 1},
		{"the URL", func(r *rig) { r.options.URL = "https://cdn.example/" }, true, 0},
		{"the engine", func(r *rig) { r.options.Rev = func(transform.Format) string { return "other" } }, true, 0},
		{"the quality", func(r *rig) { r.options.Quality = map[transform.Format]int{transform.JPEG: 50} }, true, 0},
		{"the manifest is gone", func(r *rig) { r.write(map[string]string{"_data/cutline.json": ""}) }, true, 0},
		{"somebody edits a credit there", func(r *rig) { r.replace("_data/cutline.json", `"credit": "Ann"`, `"credit": "Eve"`) }, true, 0},
		{"the title of the post", func(r *rig) { r.replace("_posts/1999-01-01-fox.md", "title: T", "title: U") }, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := twoPosts(t)
			if res := r.run(); res.Files != 2*files {
				t.Fatalf("%d files, want %d", res.Files, 2*files)
			}
			tt.change(r)
			before := r.builds[foxURL]
			res := r.run()
			if again := r.builds[foxURL] > before; again != tt.fox || res.Written != tt.writes {
				t.Errorf("made again: %v, %d files written; want %v, %d", again, res.Written, tt.fox, tt.writes)
			}
			if i := r.manifest().Images["https://origin.example/Fox Pic.jpg"]; tt.name != "words" && i.Credit != "Ann" {
				t.Errorf("the credit is %q", i.Credit)
			}
			if again := r.run(func(o *Options) { o.DryRun = true }); len(again.Changes) > 0 {
				t.Errorf("afterwards something is to be changed: %q", again.Changes)
			}
		})
	}
}

func (r *rig) remove(prefix string) { r.write(map[string]string{one(r.tree(), prefix): ""}) }

// damage changes a file and not its size.
func (r *rig) damage(prefix string) {
	tree := r.tree()
	name := one(tree, prefix)
	r.write(map[string]string{name: strings.Repeat("x", len(body(tree, name)))})
}

func (r *rig) replace(name, old, new string) {
	r.t.Helper()
	text := body(r.tree(), name)
	if !strings.Contains(text, old) {
		r.t.Fatalf("%s has no %q", name, old)
	}
	r.write(map[string]string{name: strings.Replace(text, old, new, 1)})
}

func TestLocalOriginalsAreLookedAt(t *testing.T) {
	r := newRig(t, map[string]string{"_config.yml": "a: b\n", "_posts/1999-01-01-a.md": post("/img/a.jpg", "Ann"), "img/a.jpg": "x"})
	r.originals["/img/a.jpg"] = "one"
	r.run()
	_, made := r.count()
	if r.run(); func() bool { _, now := r.count(); return now != made }() {
		t.Error("a file of the site that did not change was made again")
	}
	r.originals["/img/a.jpg"] = "two"
	if res := r.run(func(o *Options) { o.DryRun = true }); !contains(res.Changes, `image "/img/a.jpg" is another picture`) {
		t.Errorf("got %q", res.Changes)
	}
	if res := r.run(); res.Written == 0 || res.Leftovers != res.Files {
		t.Errorf("another picture in its place: %+v", res)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	r := twoPosts(t)
	before := r.tree()
	dry := func(o *Options) { o.DryRun = true }
	res := r.run(dry)
	same(t, "a first dry run", before, r.tree())
	if builds, _ := r.count(); builds != 0 || !contains(res.Changes, `image "https://origin.example/Fox Pic.jpg" is new`) || len(res.Changes) != 2 {
		t.Errorf("%d builds, changes %q", builds, res.Changes)
	}
	r.run()
	for _, tt := range []struct {
		name, says string
		change     func()
	}{
		{"nothing", "", func() {}},
		{"a file is gone", "lacks its file fox-pic-160-", func() { r.remove("assets/cutline/fox-pic-160-") }},
		{"a file is damaged", "lacks its file owl-160-", func() { r.damage("assets/cutline/owl-160-") }},
		{"a blank in the manifest", "cutline.json is not as it would be written", func() { r.replace("_data/cutline.json", "{\n", "{ \n") }},
		{"a page in the manifest", "1999-01-02-owl.md: the page is new", func() {
			r.replace("_data/cutline.json", `"_posts/1999-01-02-owl.md"`, `"_posts/x.md"`)
		}},
		{"a word in the manifest", "was changed by hand in the manifest", func() { r.replace("_data/cutline.json", `"credit": "Ann"`, `"credit": "Eve"`) }},
		{"a word in the post", `has other words`, func() { r.replace("_posts/1999-01-02-owl.md", "Bob", "Eve") }},
		{"a post is gone", `image "` + owlURL + `" is gone`, func() { r.write(map[string]string{"_posts/1999-01-02-owl.md": ""}) }},
	} {
		r.run()
		tt.change()
		before := r.tree()
		res := r.run(dry)
		same(t, tt.name, before, r.tree())
		if tt.says == "" && len(res.Changes) > 0 || !contains(res.Changes, tt.says) {
			t.Errorf("%s: changes %q, want %q", tt.name, res.Changes, tt.says)
		}
	}
}

func TestFailuresKeepWhatThereWas(t *testing.T) {
	r := twoPosts(t)
	delete(r.originals, owlURL)
	res := r.run()
	if len(res.Failures) != 1 || res.Failures[0].Kept || res.Pictures != 1 || len(r.manifest().Pages) != 1 {
		t.Fatalf("got %+v", res)
	}
	r.originals[owlURL] = "owl"
	r.run()
	before := r.tree()
	delete(r.originals, owlURL)
	r.options.URL = "/elsewhere/" // everything is to be made again
	r.originals[foxURL] = "another fox"
	res = r.run(func(o *Options) { o.Prune = true })
	if len(res.Failures) != 1 || !res.Failures[0].Kept || res.Pictures != 2 {
		t.Fatalf("got %+v", res)
	}
	after := r.tree()
	for name := range before {
		if strings.HasPrefix(name, "assets/cutline/owl-") && after[name] != before[name] {
			t.Errorf("%s of the picture that failed has changed", name)
		}
	}
	if m := r.manifest(); m.Images[owlURL].Formats["webp"][0].URL[:8] != "/assets/" || m.Images["https://origin.example/Fox Pic.jpg"].Formats["webp"][0].URL[:11] != "/elsewhere/" {
		t.Error("the row of the picture that failed is not the one from before, or the other's is")
	}
	r.originals[owlURL] = "owl"
	if res := r.run(); len(res.Failures) != 0 {
		t.Errorf("got %+v", res)
	}
}

func TestWhatIsTakenDownGoes(t *testing.T) {
	r := twoPosts(t)
	r.run()
	r.withdrawn = owlURL
	res := r.run(func(o *Options) { o.Prune = true })
	if len(res.Failures) != 1 || res.Failures[0].Kept || res.Removed != 8 || r.manifest().Images[owlURL] != nil || one(r.tree(), "assets/cutline/owl-") != "" {
		t.Errorf("got %+v", res)
	}
}

func TestPruneRemovesNothingForeign(t *testing.T) {
	r := twoPosts(t)
	r.run()
	tree := r.tree()
	fox := one(tree, "assets/cutline/fox-pic-320-")
	r.write(map[string]string{
		"_posts/1999-01-01-fox.md":                 "",
		"assets/cutline/fox-320-0badc0de.webp":     "a name like ours, but not these bytes",
		"assets/cutline/sub/" + filepath.Base(fox): body(tree, fox), // ours would not be in a folder
		"assets/cutline/.fox-1-00000000.webp.temp": "of somebody else: ours has no dot before its name",
		"assets/cutline/holiday.jpg":               "x",
		"assets/cutline/fox-1-12345678.webp.temp":  "that a run left when it was killed",
		"_data/cutline.json.temp":                  "and of the manifest",
		"_data/other.json.temp":                    "of somebody else",
		"assets/cutline/lone-7-2d711642.webp":      "x", // SHA-256 of "x" begins with 2d711642: nobody else gives a file such a name
	})
	if res := r.run(); res.Removed != 0 || res.Leftovers != 9 {
		t.Errorf("without --prune: %+v", res)
	}
	for _, name := range []string{"assets/cutline/fox-1-12345678.webp.temp", "_data/cutline.json.temp"} {
		if _, ok := r.tree()[name]; ok {
			t.Errorf("%s, which was being written when a run was killed, is still there", name)
		}
	}
	if _, ok := r.tree()["_data/other.json.temp"]; !ok {
		t.Error("a file that is not ours is gone")
	}
	if res := r.run(func(o *Options) { o.DryRun, o.Prune = true, true }); len(res.Changes) != 9 {
		t.Errorf("what was in the manifest two runs ago has the right name and bytes: %q", res.Changes)
	}
	before := r.tree()
	r.run(func(o *Options) { o.Prune = true })
	after := r.tree()
	for name := range before {
		_, there := after[name]
		ours := strings.HasPrefix(name, "assets/cutline/fox-pic-") || strings.HasPrefix(name, "assets/cutline/lone-")
		if there == ours {
			t.Errorf("%s: there %v, ours %v", name, there, ours)
		}
	}
}

func TestOnlyLeavesTheOthersAlone(t *testing.T) {
	r := twoPosts(t)
	onlyOwl := func(o *Options) { o.Only = func(e *catalog.Entry) bool { return e.Source.String() == owlURL } }
	if res := r.run(onlyOwl); res.Pictures != 1 || r.builds[foxURL] != 0 {
		t.Fatalf("got %+v", res)
	}
	r.run()
	r.options.URL = "/elsewhere/"
	r.run(onlyOwl)
	m := r.manifest()
	if len(m.Images) != 2 || m.Images[owlURL].Formats["jpeg"][0].URL[:11] != "/elsewhere/" || r.builds[foxURL] != 1 {
		t.Errorf("%d pictures, %d builds of the other", len(m.Images), r.builds[foxURL])
	}
}

func TestAsk(t *testing.T) {
	r := twoPosts(t)
	r.run()
	before := r.tree()
	if r.run(func(o *Options) { o.Ask = true }); r.asked != 2 {
		t.Errorf("%d origins were asked, want 2", r.asked)
	}
	same(t, "asked, and nothing is new", before, r.tree())
	r.failing = owlURL
	if res := r.run(func(o *Options) { o.Ask = true }); len(res.Failures) != 0 || !slices.Equal(res.Stale, []string{owlURL}) {
		t.Errorf("an origin that fails, of a picture that was kept: %+v", res)
	}
	r.failing = ""
	r.originals[owlURL] = "another owl"
	if res := r.run(); res.Written != 0 {
		t.Errorf("unasked: %+v", res)
	}
	if res := r.run(func(o *Options) { o.Ask = true }); res.Written != 8 {
		t.Errorf("asked: %+v", res)
	}
}

// TestPausesAreWaitedFor has an origin that wants to be left alone, for as long as it says and no longer.
func TestPausesAreWaitedFor(t *testing.T) {
	busy := func(after time.Duration) error { return &render.Error{Class: render.Busy, RetryAfter: after} }
	paused := func(after time.Duration) error {
		return &render.Error{Class: render.Down, RetryAfter: after, Err: &fetch.DownError{After: after, Paused: true}}
	}
	for _, tt := range []struct {
		name  string
		errs  []error
		took  time.Duration
		fails bool
	}{
		{"once", []error{busy(30 * time.Second)}, 30 * time.Second, false},
		{"twice", []error{busy(30 * time.Second), busy(time.Minute)}, 90 * time.Second, false},
		{"for longer than anybody waits", []error{busy(3 * time.Minute), busy(3 * time.Minute)}, 3 * time.Minute, true},
		{"this machine", []error{busy(0), busy(0)}, 2 * time.Second, false},
		{"a host that failed too often", []error{&render.Error{Class: render.Down, RetryAfter: time.Second, Err: &fetch.DownError{After: time.Second}}}, 0, true},
		{"its host, after another picture", []error{paused(20 * time.Second)}, 20 * time.Second, false},
		{"a moment ago", []error{&render.Error{Class: render.Down, RetryAfter: 5 * time.Second}}, 5 * time.Second, false},
		{"a host that does not answer", []error{&render.Error{Class: render.TimedOut}}, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := twoPosts(t)
			synctest.Test(t, func(t *testing.T) {
				r.errs[owlURL] = slices.Clone(tt.errs)
				var waits []time.Duration
				began := time.Now()
				res, err := r.try(t.Context(), func(o *Options) {
					o.Report = func(p Progress) {
						if p.Waits > 0 {
							waits = append(waits, p.Waits)
						}
					}
				})
				if err != nil || len(res.Failures) > 0 != tt.fails || time.Since(began) != tt.took || len(waits) > 0 != (tt.took > 0) {
					t.Errorf("took %s and told of %v, failures %v, error %v", time.Since(began), waits, res.Failures, err)
				}
			})
		})
	}
}

func TestInterruptedRunsGoOn(t *testing.T) {
	r := twoPosts(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := contextWithCause(t)
		r.gate = func(source string) {
			if source == owlURL { // the first picture is done
				cancel(errors.New("Ctrl-C"))
			}
		}
		if _, err := r.try(ctx, func(o *Options) { o.Workers = 1 }); err == nil || err.Error() != "Ctrl-C" {
			t.Fatalf("got %v", err)
		}
	})
	r.gate = nil
	if _, ok := r.tree()["_data/cutline.json"]; ok {
		t.Error("there is a manifest before all files are")
	}
	journal := "_data/.cutline.json.journal"
	text := body(r.tree(), journal)
	if !strings.Contains(text, foxURL) {
		t.Fatalf("the journal has %q", text)
	}
	r.write(map[string]string{journal: text + text[:len(text)/2]}) // killed in the middle of a line
	r.run()
	if r.builds[foxURL] != 1 {
		t.Errorf("what was finished was made %d times", r.builds[foxURL])
	}
	if _, ok := r.tree()[journal]; ok {
		t.Error("the journal is still there")
	}
}

func TestManifestsThatAreNotOurs(t *testing.T) {
	for text, want := range map[string]error{
		`{"version": 2}`:                      manifest.ErrNewer,
		`{"version": 1, "images": {}, "x":1}`: manifest.ErrForeign,
		"<html>":                              manifest.ErrForeign,
	} {
		r := twoPosts(t)
		r.write(map[string]string{"_data/cutline.json": text})
		before := r.tree()
		if _, err := r.try(t.Context()); !errors.Is(err, want) || !strings.Contains(err.Error(), "cutline.json") {
			t.Errorf("%s: got %v, want %v", text, err, want)
		}
		same(t, text, before, r.tree())
	}
}
