package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog/export"
	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
)

// Posts that stand in exports and feeds: package export reads them, and what follows takes them for posts like all others.

// An opened export is one that was read, or was to be read.
type opened struct {
	name     string // slash path under the site root
	file     *export.File
	modified time.Time
}

// exports reads the wanted exports, or where nothing is wanted and nothing was found the one that is there, and returns the
// names of those it read. Where the last scan took none, this one does not either: a site that loses its last post has not
// become another one. What it took is taken again as long as it is there: a file that is no export any more is being written.
func (s *scanner) exports(ctx context.Context, wanted []string, found *collection) ([]string, error) {
	again := s.o.Last == nil || len(s.o.Last.Exports) > 0
	if len(s.o.Content) == 0 && s.layout.name == "plain" && again && found.nothing() {
		wanted = s.findExports()
		if s.o.Last != nil {
			for _, name := range s.o.Last.Exports {
				if !slices.Contains(wanted, name) && s.isFile(name) {
					wanted = append(wanted, name)
				}
			}
			slices.Sort(wanted)
		}
	}
	files, err := s.readExports(ctx, wanted, found)
	if len(files) > 0 && found.posts == found.inExports {
		s.layout.name = exportLayout(files)
	}
	return wanted, err
}

// hidden notes a post that is left out.
func (c *collection) hidden() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drafts++
}

// nothing reports whether no post was found, published or not, and none that cannot be read.
func (c *collection) nothing() bool {
	return c.posts == 0 && c.drafts == 0 && len(c.unread) == 0
}

// readExports reads the named exports, one after the other, and adds their posts. One that is wanted and no export is an
// error, unless it may have been one at the last scan: then somebody is writing it.
func (s *scanner) readExports(ctx context.Context, names []string, found *collection) ([]*export.File, error) {
	var read []opened
	var files []*export.File
	for _, name := range names {
		o, err := s.readExport(ctx, name)
		if errors.Is(err, export.ErrUnknown) && s.o.Last == nil {
			return nil, fmt.Errorf("content %q: expected a folder of posts, or a file that is an export of Ghost or WordPress or an RSS, Atom or JSON feed", name)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			found.exportFailed(name, err)
		}
		if o.file != nil {
			read = append(read, o)
			files = append(files, o.file)
		}
	}
	export.Join(files)
	taken := map[string]bool{}
	for _, o := range read {
		for i := range o.file.Posts {
			s.exported(&o, &o.file.Posts[i], taken, found)
		}
	}
	return files, nil
}

// exportFailed notes an export that cannot be read, or not to its end. What it showed in the last scan stays.
func (c *collection) exportFailed(name string, err error) {
	p := problem(codeBadExport, name, 0, "cannot be read: %v", err)
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		p.Message = fmt.Sprintf("cannot be read: %v", pe.Err)
	}
	if se, ok := errors.AsType[*export.SyntaxError](err); ok {
		p.Line, p.Message = se.Line, "cannot be read from here on: "+se.Message+": export it again"
	}
	c.problem(p)
	c.lost(err, name)
}

// readExport reads one, again where somebody wrote into it meanwhile.
func (s *scanner) readExport(ctx context.Context, name string) (opened, error) {
	o := opened{name: name}
	f, err := openRegular(s.root, name)
	if err != nil {
		return o, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return o, err
	}
	if !info.Mode().IsRegular() {
		return o, errNotRegular
	}
	const tries = 3
	for range tries {
		file, err := export.Read(&patient{ctx: ctx, file: f})
		after, statErr := f.Stat()
		if statErr != nil || after.Size() == info.Size() && after.ModTime().Equal(info.ModTime()) {
			o.file, o.modified = file, info.ModTime()
			return o, err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return o, err
		}
		info = after
	}
	return o, errUnsettled
}

var errUnsettled = errors.New("somebody is writing it")

// A patient reader ends with its context.
type patient struct {
	ctx  context.Context //nolint:containedctx // of one Read of an export, which takes an io.Reader
	file io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.file.Read(b)
}

// exported adds one post of an export.
func (s *scanner) exported(o *opened, x *export.Post, taken map[string]bool, found *collection) {
	if x.Hidden != "" && !s.o.Drafts {
		found.hidden()
		return
	}
	p := Post{
		Path: exportPath(o.name, x, taken), Slug: x.Slug, Title: fold(x.Title), Field: fieldName(x.Image.Field),
		Line: x.Image.Line, Modified: x.Modified, Export: o.name, format: o.file.Format,
	}
	if p.Modified.IsZero() {
		p.Modified = o.modified
	}
	r := result{post: p}
	switch {
	case x.Problem != "":
		r.problems = append(r.problems, p.problem(codeBadExport, x.Image.Line, "%s: %s", x.Problem, exportAgain(o.file.Format)))
	case x.Image.Raw != "":
		s.exportedImage(&r, o, &x.Image)
	}
	found.add(r)
}

// exportedImage makes of a picture what front matter would be, so that it is looked up and judged alike.
func (s *scanner) exportedImage(r *result, o *opened, image *export.Image) {
	f := finder{s: s, root: &frontmatter.Node{Kind: frontmatter.Map, Line: image.Line}, dir: path.Dir(o.name), export: o.file.Format}
	h, ok := f.scalar(&frontmatter.Node{Kind: frontmatter.String, Text: image.Raw, Line: image.Line}, false)
	if !ok {
		return // a placeholder, or no address
	}
	said := &frontmatter.Node{Kind: frontmatter.Map, Line: image.Line}
	for _, w := range image.Words {
		if w.Camera && len(named(w.Text)) == 0 {
			continue
		}
		value := &frontmatter.Node{Kind: frontmatter.String, Text: w.Text, Line: w.Line}
		said.Pairs = append(said.Pairs, frontmatter.Pair{Key: w.Key, Line: w.Line, Value: value})
	}
	h.field, h.inside, h.means = image.Field, []*frontmatter.Node{said}, image.URL
	if image.Path != "" {
		h.local = s.unpacked(image.Path, f.dir)
	}
	s.show(r, &f, h)
}

// unpacked finds the copy of a program's file: under the site root or beside the export, in the program's own folders or in
// the innermost of them alone, as archives of WordPress's uploads have it. "" is none.
func (s *scanner) unpacked(name, dir string) string {
	names := []string{name}
	if rest, ok := strings.CutPrefix(name, "wp-content/"); ok {
		names = append(names, rest)
	}
	for _, each := range names {
		for _, place := range [...]string{path.Join(dir, each), path.Join("/", each)[1:]} {
			if decoded, err := url.PathUnescape(place); err == nil && !s.isFile(place) {
				place = decoded
			}
			if !strings.HasPrefix(place, "../") && s.isFile(place) {
				return place
			}
		}
	}
	return ""
}

// exportPath names a post of an export as if the export were a folder: its slug in it, and behind that its ID where another
// post has the same. The name has no extension, so that it can be written with and without one.
func exportPath(file string, x *export.Post, taken map[string]bool) string {
	whole := file + "/" + strings.ReplaceAll(x.Slug, ".", "-")
	for name, n := whole, 2; ; n++ {
		if !taken[name] {
			taken[name] = true
			return name
		}
		switch id := strings.ReplaceAll(exportID(x.ID), ".", "-"); {
		case n == 2 && id != "":
			name = whole + "-" + id
		default:
			name = fmt.Sprintf("%s-%d", whole, n)
		}
	}
}

// exportID is an ID that can stand in a path: numbers and the like; the URLs of feeds cannot.
func exportID(id string) string {
	if len(id) > 40 || strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-'
	}) {
		return ""
	}
	return id
}

// exportAgain says how to mend what an export lacks.
func exportAgain(format export.Format) string {
	if format == export.WordPress {
		return "export “All content”, which has the media too, and name all files of the export in content.folders"
	}
	return "export it again"
}

// maxSniffed bounds the files of the site root that are looked at for an export.
const maxSniffed = 200

// findExports returns the files of the site root that are exports of Ghost or WordPress, where they are of one kind: of
// WordPress's export several parts, of Ghost's one file. Feeds are left alone, since many sites have one that is made of their posts.
func (s *scanner) findExports() []string {
	dir, err := s.root.Open(".")
	if err != nil {
		return nil
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxSniffed)
	if err != nil {
		return nil
	}
	var names []string
	var kind export.Format
	for _, e := range entries {
		if editors(e.Name()) || !hasExtension(e.Name(), []string{".json", ".xml", ".wxr"}) || !e.Type().IsRegular() {
			continue
		}
		format := s.sniff(e.Name())
		if format != export.Ghost && format != export.WordPress {
			continue
		}
		if kind != "" && (format != kind || kind == export.Ghost) {
			return nil // which one?
		}
		kind = format
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}

// sniffed is how much of a file is looked at.
const sniffed = 8 << 10

func (s *scanner) sniff(name string) export.Format {
	f, err := openRegular(s.root, name)
	if err != nil {
		return ""
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, sniffed))
	if err != nil {
		return ""
	}
	return export.Detect(head)
}

// exportLayout is the layout of a site that is nothing but exports: their format, where they have one.
func exportLayout(files []*export.File) string {
	if len(files) == 0 || slices.ContainsFunc(files, func(f *export.File) bool { return f.Format != files[0].Format }) {
		return "plain"
	}
	return string(files[0].Format)
}

// exportExample says where the program that made an export takes a word from.
func exportExample(format export.Format, sl slot) string {
	switch format {
	case export.Ghost:
		if sl == slotAlt {
			return "one to the feature image in Ghost (Alt)"
		}
		return "one to the feature image's caption in Ghost"
	case export.WordPress:
		if sl == slotAlt {
			return "an “Alternative Text” to the picture in WordPress's media library,"
		}
		return "a “Caption” to the picture in WordPress's media library,"
	case export.JSONFeed:
		if sl == slotAlt {
			return "an alt to the picture's <img> in content_html"
		}
		return "a <figcaption> to the picture in content_html"
	}
	switch sl {
	case slotAlt:
		return "an alt to the picture's <img> in the text"
	case slotCutline:
		return "a <media:description>, or a <figcaption> in the text,"
	default:
		return "a <media:credit>"
	}
}
