package catalog

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
)

// What a scan takes from the one before it: Options.Last.

// unreadable notes a post or folder that cannot be read.
func (c *collection) unreadable(name string, err error) {
	c.problem(unreadable(name, err))
	c.lost(err, name)
}

// lost notes what is to be kept of posts or folders for err, the reason why they could not be read. What vanished since its
// folder was listed is gone.
func (c *collection) lost(err error, names ...string) {
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unread == nil {
		c.unread = map[string]bool{}
	}
	for _, name := range names {
		c.unread[name] = true
	}
}

// empty notes an empty file. It is no post; where it was one before, somebody is writing it: many programs empty a file first. Only
// there is it a problem.
func (c *collection) empty(name string) {
	c.lost(errEmpty, name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blank = append(c.blank, name)
}

// readSettled reads f, whose information is info, again where somebody wrote into it meanwhile: what was read may be the beginning
// of one save and the end of another, or nothing. It returns the information that belongs to what was read; nil is a file that
// does not settle.
func readSettled(f *os.File, info os.FileInfo, reader *frontmatter.Reader) (*frontmatter.Document, os.FileInfo, error) {
	const tries = 3
	for range tries {
		doc, err := reader.Read(f)
		after, statErr := f.Stat()
		if statErr != nil || after.Size() == info.Size() && after.ModTime().Equal(info.ModTime()) {
			return doc, info, err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, info, err
		}
		info = after
	}
	return nil, nil, nil
}

var errEmpty = errors.New("the file is empty")

// keep adds what last has of the posts that could not be read, says so in their problems, and returns their paths.
func (c *collection) keep(last *Catalog) (kept []string) {
	if last == nil || len(c.unread) == 0 {
		return nil
	}
	c.forgetHalf(last)
	why := map[string]bool{}
	for _, e := range last.Entries {
		for _, p := range e.Posts {
			name, ok := c.reason(p.Path)
			if !ok {
				continue
			}
			why[name], why[path.Dir(p.Path)] = true, true // a folder has a problem where it is the reason
			kept = append(kept, p.Path)
			c.silence(p.Path, last.silenced[p.Path])
			if p.Export != "" {
				c.posts++ // a file that cannot be read was counted
			}
			c.entries = append(c.entries, &Entry{ID: e.ID, Source: e.Source, Words: e.Words, Focus: e.Focus, Posts: []Post{p}})
		}
	}
	for _, name := range c.blank {
		if why[name] {
			c.problems = append(c.problems, unreadable(name, errEmpty))
		}
	}
	for i := range c.problems {
		if p := &c.problems[i]; (p.Code == codeBadFrontMatter || p.Code == codeBadExport) && p.Post == "" && why[p.File] {
			p.Message += "; what was read of it before is still shown"
		}
	}
	slices.Sort(kept)
	return kept
}

// forgetHalf drops the posts of exports that could not be read to their end, as far as last has them: their words may stand
// in the part that was not read.
func (c *collection) forgetHalf(last *Catalog) {
	had := map[string]bool{}
	for _, e := range last.Entries {
		for _, p := range e.Posts {
			had[p.Path] = c.unread[p.Export]
		}
	}
	read := len(c.entries)
	c.entries = slices.DeleteFunc(c.entries, func(e *Entry) bool { return had[e.Posts[0].Path] })
	c.posts -= read - len(c.entries)
}

// reason returns what could not be read of a post: its file, or a folder on the way to it.
func (c *collection) reason(post string) (name string, ok bool) {
	for name = post; name != "." && name != "/"; name = path.Dir(name) {
		if c.unread[name] {
			return name, true
		}
	}
	return "", false
}

// reuse puts last's entries in the place of those that say the same.
func reuse(entries []*Entry, last *Catalog) {
	for i, e := range entries {
		if old, ok := last.ByID(e.ID); ok && slices.Equal(old.Posts, e.Posts) {
			entries[i] = old
		}
	}
}

// Changes is how a catalog differs from an earlier one, in posts that show a picture.
type Changes struct {
	Added   int // show one, and did not
	Removed int // showed one, and do not
	Changed int // show another one, or other words beside it
	// Outdated are the entries that such posts showed, in the order of the earlier catalog: what others keep of them is old.
	Outdated []*Entry
	// Fresh are the entries, in the order of the later catalog, of which the earlier has none, and those whose picture is a file of
	// the site that was replaced: that is seen where both were scanned with Options.Track.
	Fresh []*Entry
}

// Since compares c with an earlier catalog.
func (c *Catalog) Since(last *Catalog) Changes {
	var d Changes
	shows := map[string]string{} // post → ID
	for _, e := range c.Entries {
		for _, p := range e.Posts {
			shows[p.Path] = e.ID
		}
	}
	for _, e := range last.Entries {
		outdated := false
		for _, p := range e.Posts {
			id, ok := shows[p.Path]
			delete(shows, p.Path)
			switch {
			case !ok:
				d.Removed++
				outdated = true
			case id != e.ID:
				d.Changed++
				outdated = true
			}
		}
		if outdated {
			d.Outdated = append(d.Outdated, e)
		}
	}
	d.Added = len(shows)
	for _, e := range c.Entries {
		if _, known := last.ByID(e.ID); !known || c.replaced(e, last) {
			d.Fresh = append(d.Fresh, e)
		}
	}
	return d
}
