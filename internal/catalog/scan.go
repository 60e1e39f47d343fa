package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
)

// Scan reads all posts under root. A post that cannot be read becomes a Problem; the error is for what stops the whole
// scan: an unreadable root, a Content folder that does not exist (the message names those that do), an ImageBase or a
// Fields slot that makes no sense, ctx's end.
//
// Folders whose name begins with a dot, dependencies, built pages and collections of people are not entered, nor are
// symbolic links to folders, which can form loops. Links to files are followed as long as they stay under the root.
// Memory grows with what is found, not with the posts' bodies.
func Scan(ctx context.Context, root *os.Root, o Options) (*Catalog, error) {
	s, err := newScanner(root, o)
	if err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	folders, err := s.layout.contentFolders(root, o.Content)
	if err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	workers := o.Workers
	if workers <= 0 {
		workers = 2 * runtime.GOMAXPROCS(0)
	}
	jobs := make(chan job, workers)
	found := collection{fields: map[string]string{}}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			reader := s.reader()
			for j := range jobs {
				s.read(ctx, j, reader, &found)
			}
		})
	}
	err = s.walk(ctx, folders, jobs, &found)
	close(jobs)
	wg.Wait()
	if err = cmp.Or(err, ctx.Err()); err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	c := found.catalog(s.layout.name, o.Last)
	c.public, c.rules, c.silenced = s.public, o.Rules, found.silenced
	return c, nil
}

// A scanner is one Scan; everything in it but files is fixed before the workers start.
type scanner struct {
	root    *os.Root
	o       Options
	layout  layout
	public  []string // folders that exist, in which local images are looked up
	fields  overrides
	base    imageBase
	folders folderCache
	now     time.Time     // of the whole scan
	heavy   chan struct{} // full while maxHeavy large blocks are parsed
}

// maxHeavy is how many large blocks of front matter are parsed at a time, however many workers there are: each can take 30
// MB, and a site has few.
const maxHeavy = 2

// reader makes a worker's Reader.
func (s *scanner) reader() *frontmatter.Reader {
	return &frontmatter.Reader{
		LeadingBlanks: s.layout.blanks,
		Unfenced:      s.layout.hexo,
		Heavy: func() func() {
			s.heavy <- struct{}{}
			return func() { <-s.heavy }
		},
	}
}

func newScanner(root *os.Root, o Options) (*scanner, error) {
	info, err := root.Stat(".")
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, errors.New("the site root is no folder")
	}
	s := &scanner{root: root, o: o, layout: detectLayout(root), now: time.Now(), heavy: make(chan struct{}, maxHeavy)}
	if o.Now != nil {
		s.now = o.Now()
	}
	s.public = s.layout.publicFolders(root)
	if s.fields, err = parseOverrides(o.Fields); err != nil {
		return nil, err
	}
	if s.base, err = parseImageBase(o.ImageBase); err != nil {
		return nil, err
	}
	if err := checkRules(o.Rules); err != nil {
		return nil, err
	}
	return s, nil
}

// A job is files of one folder: opening them beneath an open folder saves a walk from the root for each.
type job struct {
	dir   string
	names []string
	art   []string // files that may be a page bundle's image; only where names holds an index
}

// files are j's, as paths under the site root.
func (j job) files() []string {
	files := make([]string, len(j.names))
	for i, name := range j.names {
		files[i] = path.Join(j.dir, name)
	}
	return files
}

// jobSize bounds the files of a job, so that one large folder is shared among the workers.
const jobSize = 128

// walk sends the files of all folders. It reads one folder at a time: listing is a small part of a scan.
func (s *scanner) walk(ctx context.Context, folders []string, jobs chan<- job, found *collection) error {
	stack := slices.Clone(folders)
	slices.Reverse(stack)
	for len(stack) > 0 {
		dir := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		l, err := s.list(dir)
		if err != nil {
			if slices.Contains(folders, dir) {
				return err
			}
			found.unreadable(dir, err)
			continue
		}
		for _, name := range l.odd {
			found.unreadable(path.Join(dir, name), errNotRegular)
		}
		for _, name := range l.folders {
			stack = append(stack, path.Join(dir, name))
		}
		for names := range slices.Chunk(l.posts, jobSize) {
			select {
			case jobs <- job{dir: dir, names: names, art: l.art}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// A listing is what one folder holds for the scan.
type listing struct {
	folders []string
	posts   []string
	odd     []string // pipes, devices and sockets named like posts: never opened, because opening one can block
	art     []string // images named like a bundle's
}

func (s *scanner) list(dir string) (listing, error) {
	var l listing
	f, err := s.root.Open(dir)
	if err != nil {
		return l, err
	}
	defer f.Close()
	bundle := false
	for {
		entries, err := f.ReadDir(512)
		for _, e := range entries {
			name := e.Name()
			switch {
			case e.IsDir():
				if !s.skips(dir, name) {
					l.folders = append(l.folders, name)
				}
			case editors(name):
			case hasExtension(name, postExtensions):
				if t := e.Type(); t != 0 && t != fs.ModeSymlink {
					l.odd = append(l.odd, name)
					continue
				}
				l.posts = append(l.posts, name)
				bundle = bundle || isIndex(name)
			case s.layout.bundles && isBundleArt(name):
				l.art = append(l.art, name)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return l, err
		}
	}
	slices.SortFunc(l.folders, func(a, b string) int { return strings.Compare(b, a) }) // a stack turns it round
	slices.Sort(l.art)
	if !bundle {
		l.art = nil
	}
	return l, nil
}

// editors reports whether a file is hidden or an editor's own: its lock (".#post.md"), autosave ("#post.md#") or copy
// ("post.md~"). Generators pass those over.
func editors(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "~")
}

// isIndex reports whether name is the post of a page bundle: index.md, _index.md, index.de.md.
func isIndex(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	return stem == "index" || stem == "_index"
}

var errNotRegular = errors.New("not a regular file")

func unreadable(name string, err error) Problem {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err // the path is in File already
	}
	return problem(codeBadFrontMatter, name, 0, "cannot be read: %v", err)
}

// openRegular opens a file without blocking on a pipe that took its place since it was listed.
func openRegular(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// read reads the posts of one job, or as many as ctx leaves time for.
func (s *scanner) read(ctx context.Context, j job, reader *frontmatter.Reader, found *collection) {
	dir := s.root
	if j.dir != "." {
		sub, err := s.root.OpenRoot(j.dir)
		if err != nil {
			found.problem(unreadable(j.dir, err))
			found.lost(err, j.files()...) // not the folder: what is below it may be read
			return
		}
		defer sub.Close()
		dir = sub
	}
	for _, name := range j.names {
		if ctx.Err() != nil {
			return
		}
		file := path.Join(j.dir, name)
		f, err := openRegular(dir, name)
		if err != nil && dir != s.root {
			f, err = openRegular(s.root, file) // a link may leave its folder and stay in the site
		}
		if err != nil {
			found.unreadable(file, err)
			continue
		}
		s.readFile(f, file, j, reader, found)
		f.Close()
	}
}

func (s *scanner) readFile(f *os.File, file string, j job, reader *frontmatter.Reader, found *collection) {
	info, err := f.Stat()
	switch {
	case err != nil:
		found.unreadable(file, err)
		return
	case info.IsDir():
		return // a link to a folder
	case !info.Mode().IsRegular():
		found.unreadable(file, errNotRegular)
		return
	}
	doc, info, err := readSettled(f, info, reader)
	if info == nil || info.Size() == 0 {
		found.empty(file)
		return
	}
	if errors.Is(err, frontmatter.ErrNone) {
		return
	}
	if err != nil {
		if se, ok := errors.AsType[*frontmatter.SyntaxError](err); ok {
			found.add(result{problems: []Problem{problem(codeBadFrontMatter, file, se.Line, "front matter cannot be read: %s", se.Message)}})
			found.lost(se, file)
			return
		}
		found.unreadable(file, err)
		return
	}
	if !s.o.Drafts && s.unpublished(doc.Root, file) {
		return
	}
	r := s.post(doc, file, j)
	r.post.Modified = info.ModTime()
	found.add(r)
}

// A collection gathers what the workers find.
type collection struct {
	mu       sync.Mutex
	entries  []*Entry          // one per post, until catalog merges them
	fields   map[string]string // one copy of each Post.Field: a site has a few, a hundred thousand times
	problems []Problem
	posts    int
	silenced map[string][]string
	unread   map[string]bool // posts that could not be read, and folders
	blank    []string        // of them, empty files
}

func (c *collection) problem(p Problem) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, p)
}

func (c *collection) add(r result) {
	var e *Entry
	if !r.source.IsZero() {
		e = &Entry{ID: entryID(r.source, r.words, r.focus), Source: r.source, Words: r.words, Focus: r.focus, Posts: []Post{r.post}}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, r.problems...)
	c.posts++
	if len(r.silenced) > 0 {
		if c.silenced == nil {
			c.silenced = map[string][]string{}
		}
		c.silenced[r.post.Path] = r.silenced
	}
	if e == nil {
		return
	}
	p := &e.Posts[0]
	if field, ok := c.fields[p.Field]; ok {
		p.Field = field
	} else if len(c.fields) < 1000 {
		c.fields[p.Field] = p.Field
	}
	c.entries = append(c.entries, e)
}

// catalog merges the posts that show the same picture with the same words, and puts everything into the order that Catalog
// promises, whatever order the workers finished in.
func (c *collection) catalog(layout string, last *Catalog) *Catalog {
	kept := c.keep(last)
	pictured := len(c.entries)
	slices.SortFunc(c.entries, func(a, b *Entry) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.Posts[0].Path, b.Posts[0].Path))
	})
	entries := c.entries[:0]
	for _, e := range c.entries {
		if last := len(entries) - 1; last >= 0 && entries[last].ID == e.ID {
			entries[last].Posts = append(entries[last].Posts, e.Posts[0])
			continue
		}
		entries = append(entries, e)
	}
	clear(c.entries[len(entries):])
	slices.SortFunc(entries, func(a, b *Entry) int {
		return cmp.Or(
			strings.Compare(a.Posts[0].Path, b.Posts[0].Path),
			strings.Compare(a.Source.String(), b.Source.String()))
	})
	if last != nil {
		reuse(entries, last)
	}
	sortProblems(c.problems)
	return &Catalog{Layout: layout, Entries: entries, Problems: c.problems, Posts: c.posts, PostsWithImage: pictured, Kept: kept}
}
