package prefetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/manifest"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/srcset"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A maker is a Renderer whose renditions say what they are made of.
type maker struct {
	t         testing.TB
	mu        sync.Mutex
	originals map[string]string // by source; absent is not found
	info      transform.Info
	errs      map[string][]error // by source, for one call each
	builds    map[string]int     // by source
	asked     int                // builds that ask
	made      int                // renditions
	gate      func(source string)
	withdrawn string // a source
	failing   string // a source whose origin does not deliver any more
}

func newMaker(t testing.TB) *maker {
	return &maker{
		t: t, originals: map[string]string{}, errs: map[string][]error{}, builds: map[string]int{},
		info: transform.Info{Format: transform.JPEG, Width: 500, Height: 250, Frames: 1},
	}
}

func (m *maker) Build(ctx context.Context, b render.Build) (*render.Original, []*render.Rendition, error) {
	src := b.Source.String()
	if m.gate != nil {
		m.gate(src)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.builds[src]++
	if b.Ask {
		m.asked++
	}
	if errs := m.errs[src]; len(errs) > 0 {
		m.errs[src] = errs[1:]
		return nil, nil, errs[0]
	}
	body, ok := m.originals[src]
	if !ok {
		return nil, nil, &render.Error{Class: render.NotFound, Source: b.Source}
	}
	o := &render.Original{Info: m.info, Sum: sha256.Sum256([]byte(body)), Bytes: int64(len(body))}
	if src == m.failing {
		o.Failure = render.Upstream
	}
	var rends []*render.Rendition
	for _, spec := range b.Choose(o) {
		spec = spec.Resolve(m.info.Width, m.info.Height, 2560, 0)
		rend := &render.Rendition{Spec: spec, Body: fmt.Appendf(nil, "%s of %s", spec, body)}
		switch {
		case spec.Format == transform.PNG && spec.Width <= 64:
			rend.Body = imagetest.PNG(m.t, spec.Width, spec.Height, false)
		case spec.Width >= 200:
			rend.Body = fmt.Appendf(rend.Body, " by %s", b.Words.Credit)
		}
		rends = append(rends, rend)
		m.made++
	}
	return o, rends, ctx.Err()
}

func (m *maker) Withdrawn(_ context.Context, src source.Source) bool {
	return src.String() == m.withdrawn
}

func (m *maker) count() (builds, made int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.builds {
		builds += n
	}
	return builds, m.made
}

// A rig is a site with a maker.
type rig struct {
	*maker
	t       testing.TB
	site    string
	options Options
	writes  int
}

func newRig(t testing.TB, files map[string]string) *rig {
	t.Helper()
	r := &rig{maker: newMaker(t), t: t, site: t.TempDir()}
	r.write(files)
	template, err := ParseTemplate(DefaultTemplate)
	if err != nil {
		t.Fatal(err)
	}
	r.options = Options{
		Renderer: r.maker,
		Choice: srcset.Choice{
			Presets: map[string]transform.Spec{"hero": {Width: 1600}, "card": {Width: 100, Height: 100, Fit: transform.Cover}},
			Widths:  []int{24, 160, 320, 640}, Formats: []transform.Format{transform.WebP, transform.JPEG, transform.PNG}, MaxOutput: 2560,
		},
		Rev: func(f transform.Format) string { return "rev of " + f.Ext() },
		Out: filepath.Join(r.site, "assets/cutline"), OutputPath: "assets/cutline/", URL: "/assets/cutline/", Template: template,
		Data: filepath.Join(r.site, "_data/cutline.json"),
		Write: func(name string, body []byte) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.writes++
			return os.WriteFile(name, body, 0o600)
		},
		Temp: func(name string) (string, bool) {
			of, ok := strings.CutSuffix(name, ".temp")
			return of, ok
		},
	}
	return r
}

// write puts files into the site; "" removes one.
func (r *rig) write(files map[string]string) {
	r.t.Helper()
	for name, text := range files {
		at := filepath.Join(r.site, filepath.FromSlash(name))
		if text == "" {
			if err := os.Remove(at); err != nil {
				r.t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
}

// run scans the site and runs.
func (r *rig) run(change ...func(*Options)) *Result {
	r.t.Helper()
	res, err := r.try(r.t.Context(), change...)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func (r *rig) try(ctx context.Context, change ...func(*Options)) (*Result, error) {
	r.t.Helper()
	root, err := os.OpenRoot(r.site)
	if err != nil {
		r.t.Fatal(err)
	}
	defer root.Close()
	c, err := catalog.Scan(context.Background(), root, catalog.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	o := r.options
	o.Entries = c.Entries
	for _, f := range change {
		f(&o)
	}
	return Run(ctx, o)
}

// manifest reads what was written.
func (r *rig) manifest() *manifest.Manifest {
	r.t.Helper()
	text, err := os.ReadFile(r.options.Data)
	if err != nil {
		r.t.Fatal(err)
	}
	m, err := manifest.Decode(text, manifest.JSON)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// tree is every file of the site with its bytes and its date.
func (r *rig) tree() map[string]string {
	r.t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(r.site, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(r.site, name)
		found[filepath.ToSlash(rel)] = info.ModTime().Format(time.RFC3339Nano) + "\n" + string(body)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

// same reports how two trees differ.
func same(t *testing.T, what string, before, after map[string]string) {
	t.Helper()
	if maps.Equal(before, after) {
		return
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			t.Errorf("%s: %s is gone", what, name)
		} else if before[name] != after[name] {
			t.Errorf("%s: %s has changed", what, name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("%s: %s is new", what, name)
		}
	}
}

// old makes every file a day old, so that a write shows.
func (r *rig) old() {
	r.t.Helper()
	day := time.Now().Add(-24 * time.Hour).Truncate(time.Second)
	err := filepath.WalkDir(r.site, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return os.Chtimes(name, day, day)
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// post is a post that shows src.
func post(src, credit string) string {
	return fmt.Sprintf("---\ntitle: T\nfeatured-image:\n  path: %q\n  alt-text: A\n  credit: %q\n---\n", src, credit)
}

const (
	foxURL = "https://origin.example/Fox%20Pic.jpg"
	owlURL = "https://origin.example/owl.jpg"
)

// twoPosts is a rig with two pictures.
func twoPosts(t testing.TB) *rig {
	t.Helper()
	r := newRig(t, map[string]string{
		"_config.yml":                "title: x\n",
		"_posts/1999-01-01-fox.md":   post("https://origin.example/Fox Pic.jpg", "Ann"),
		"_posts/1999-01-02-owl.md":   post(owlURL, "Bob"),
		"assets/cutline/hello.txt":   "not ours",
		"assets/cutline/.temporary":  "not ours",
		"assets/cutline/a-1-00.webp": "not ours",
	})
	r.originals[foxURL], r.originals[owlURL] = "fox", "owl"
	return r
}

func one(files map[string]string, prefix string) (name string) {
	for candidate := range files {
		if strings.HasPrefix(candidate, prefix) && (name == "" || candidate < name) {
			name = candidate
		}
	}
	return name
}

// body is the file's content in a tree.
func body(tree map[string]string, name string) string {
	_, text, _ := strings.Cut(tree[name], "\n")
	return text
}

func contains(list []string, part string) bool {
	return bytes.Contains([]byte(strings.Join(list, "\n")), []byte(part))
}
