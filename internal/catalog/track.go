package catalog

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"time"

	"github.com/dd8bf596/cutline/internal/source"
)

// What a scan notes for the next one, and for who watches the site: Options.Track and Options.Trust.

// A Trail is what a scan rests on: where something has to change, or until when, before another scan finds something else.
type Trail struct {
	// Folders are those that were listed, those that pictures are in, and those in which one that is missing would come to be: slash
	// paths under the site root, sorted, "." among them.
	Folders []string
	// Links are the posts and pictures that are symbolic links, sorted: what they lead to may be in other folders.
	Links []string
	// Exports are the exports and feeds that posts were read from, sorted; their folders are among Folders.
	Exports []string
	// Next is when, by a date in its front matter, a post that was left out is to appear or one that was read is to go; the
	// earliest of all, zero where there is none.
	Next time.Time
}

// A stamp tells one state of a file from the next.
type stamp struct {
	size    int64
	written int64 // modification time
	inode   uint64
	changed int64 // of the inode
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), written: info.ModTime().UnixNano()}
	s.inode, s.changed = inode(info)
	return s
}

// unsettled is how young a file is whose stamp says nothing: another write in the same tick of the file system's clock leaves it
// as it is. FAT's ticks are the longest.
const unsettled = 2 * time.Second

// settled reports whether who wrote the file after now would have changed its stamp. The clock of a file server may be ahead.
func (s stamp) settled(now time.Time) bool {
	return max(s.written, s.changed) < now.Add(-unsettled).UnixNano()
}

// A known is what one file said, for as long as it looks the same.
type known struct {
	stamp    stamp
	until    time.Time // dates in the front matter change what it says then; zero is never
	posted   bool      // it is a post, and published
	entry    *Entry    // that shows it; nil where it has no picture
	post     int32     // its number there
	problems []Problem
	art      []string // what the folder had for a bundle's picture
	missing  []string // where its picture was looked for before it was found
	silenced []string // codes that it switches off
}

// maxMissing bounds known.missing: where a picture was looked for in more places, and each of them had to be looked at again, the
// post is as soon read.
const maxMissing = 4

// again is what is known of the file, where it and all that it rests on look as they did. picture is the stamp of its picture,
// where that is a file of the site.
func (s *scanner) again(dir *os.Root, name, file string, j job) (k known, picture stamp, ok bool) {
	if s.known == nil {
		return k, picture, false
	}
	if k, ok = s.known[file]; !ok || !k.until.IsZero() && !s.now.Before(k.until) || !slices.Equal(k.art, j.art) {
		return k, picture, false
	}
	info, err := dir.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || stampOf(info) != k.stamp || slices.ContainsFunc(k.missing, s.isFile) {
		return k, picture, false
	}
	if k.entry == nil || k.entry.Source.Remote() {
		return k, picture, true
	}
	info, err = s.root.Lstat(k.entry.Source.Path())
	if err != nil || !info.Mode().IsRegular() {
		return k, picture, false // a link may lead elsewhere
	}
	return k, stampOf(info), true
}

// picture looks at the file that src is; link says that it is reached through one.
func (s *scanner) picture(src source.Source) (at stamp, link bool) {
	info, err := s.root.Lstat(src.Path())
	if err == nil && info.Mode().Type() == fs.ModeSymlink {
		link = true
		info, err = s.root.Stat(src.Path())
	}
	if err != nil {
		return stamp{}, link
	}
	return stampOf(info), link
}

// A track is what one scan notes. collection.mu guards it.
type track struct {
	files    map[string]known
	pictures map[source.Source]stamp
	folders  map[string]bool
	links    map[string]bool
	next     time.Time
}

func newTrack() *track {
	return &track{
		files: map[string]known{}, pictures: map[source.Source]stamp{},
		folders: map[string]bool{".": true}, links: map[string]bool{},
	}
}

func (t *track) soonest(at time.Time) {
	if !at.IsZero() && (t.next.IsZero() || at.Before(t.next)) {
		t.next = at
	}
}

// folder notes a folder that the scan lists, and the links in it.
func (c *collection) folder(dir string, l listing) {
	if c.track == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.track.folders[dir] = true
	for _, name := range l.links {
		c.track.links[path.Join(dir, name)] = true
	}
}

// remember notes what file said and, of what it said, what a watch has to know.
func (c *collection) remember(s *scanner, file string, info fs.FileInfo, r result, k known) {
	if c.track == nil {
		return
	}
	var at stamp
	var link bool
	local := !r.source.IsZero() && !r.source.Remote()
	if local {
		at, link = s.picture(r.source)
	}
	near := s.nearest(r.missing, local && at == stamp{})
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.track
	t.soonest(k.until)
	for _, dir := range near {
		t.folders[dir] = true
	}
	if local {
		t.pictures[r.source] = at
		if link {
			t.links[r.source.Path()] = true
		}
	}
	k.stamp, k.problems, k.missing, k.silenced = stampOf(info), r.problems, r.missing, r.silenced
	if k.stamp.settled(s.now) && !r.volatile && !(local && at == stamp{}) && len(r.missing) <= maxMissing {
		t.files[file] = k
	}
}

// nearest are the folders in which a file at one of places would show up: their own, or the closest that is there.
func (s *scanner) nearest(places []string, missing bool) (dirs []string) {
	if !missing {
		return nil
	}
	for _, place := range places {
		dir := path.Dir(place)
		for dir != "." {
			if info, err := s.root.Stat(dir); err == nil && info.IsDir() {
				break
			}
			dir = path.Dir(dir)
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// reuse adds what is known of a file that looks as it did.
func (c *collection) reuse(file string, k known, picture stamp) {
	var e *Entry
	if k.entry != nil {
		p := k.entry.Posts[k.post]
		e = &Entry{ID: k.entry.ID, Source: k.entry.Source, Words: k.entry.Words, Focus: k.entry.Focus, Posts: []Post{p}}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.track.soonest(k.until)
	c.track.files[file] = k
	c.problems = append(c.problems, k.problems...)
	if k.posted {
		c.posts++
	}
	c.silence(file, k.silenced)
	if e == nil {
		return
	}
	c.entries = append(c.entries, e)
	if !e.Source.Remote() {
		c.track.pictures[e.Source] = picture
	}
}

// finish gives what was noted to the catalog.
func (t *track) finish(c *Catalog) {
	for _, name := range c.Exports {
		t.folders[path.Dir(name)] = true
	}
	for _, e := range c.Entries {
		if at, looked := t.pictures[e.Source]; !e.Source.Remote() && (!looked || at != stamp{}) {
			t.folders[path.Dir(e.Source.Path())] = true
		}
		for i := range e.Posts {
			if k, ok := t.files[e.Posts[i].Path]; ok {
				k.entry, k.post = e, int32(i)
				t.files[e.Posts[i].Path] = k
			}
		}
	}
	c.Trail = &Trail{Folders: slices.Sorted(maps.Keys(t.folders)), Links: slices.Sorted(maps.Keys(t.links)), Exports: slices.Sorted(slices.Values(c.Exports)), Next: t.next}
	c.files, c.pictures = t.files, t.pictures
}

// replaced reports whether another file is in the place of e's picture than last noted.
func (c *Catalog) replaced(e *Entry, last *Catalog) bool {
	now, ok := c.pictures[e.Source]
	before, had := last.pictures[e.Source]
	return ok && had && now != before
}
