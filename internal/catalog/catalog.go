// Package catalog reads a site's posts and collects their featured images with the words beside them.
//
// It reads front matter and file names, never pixels and never the network.
package catalog

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/source"
)

// Errors of the look-ups.
var (
	ErrUnknownPost   = errors.New("no such post")           // no post of that path or slug has a featured image
	ErrAmbiguousPost = errors.New("several posts share it") // a slug that more than one post has
)

// A Catalog is every featured image of a site, in a stable order. It is immutable and safe for concurrent use.
type Catalog struct {
	Layout         string    // the detected generator: "jekyll", "hugo", "eleventy", "astro", "zola", "hexo", "plain"
	Entries        []*Entry  // sorted by the first post's path, then by source
	Problems       []Problem // of reading: bad front matter, duplicate keys, missing files … sorted by file and line
	Posts          int       // files with front matter
	PostsWithImage int
}

// An Entry is one catalog row: a picture, its words, and the posts that use both. The same picture with other words is
// another Entry.
type Entry struct {
	// ID is 16 characters of lower-case base32, a hash of source and words: other words, another ID, another URL, so that
	// no CDN can show an old credit.
	ID     string
	Source source.Source
	Words  caption.Words
	Posts  []Post // ≥ 1, sorted by Path
}

// A Post is one use of an Entry.
type Post struct {
	Path     string    // slash path under the site root, with extension: "_posts/2023-09-18-kim.md"
	Slug     string    // as the post's URL would have it: front matter's slug, else the file name without date and extension
	Title    string    // front matter's title; may be empty
	Field    string    // where the image stands: "featured-image.path", "bigimg[0].src", "resources[name=hero].src"
	Raw      string    // the source exactly as it stands in the front matter; a file name for a page-bundle image
	Line     int       // of the image value in the file, from 1
	Modified time.Time // the post file's
}

// Severity orders problems.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // the picture will not be shown, or the post cannot be read
	Warning Severity = "warning" // the picture is shown, but something is missing or will break
)

// A Problem is one finding about a post.
type Problem struct {
	File     string   `json:"file"` // slash path under the site root
	Line     int      `json:"line"` // from 1; 0 when no line can be named
	Severity Severity `json:"severity"`
	Code     string   `json:"code"` // "missing-alt"; see Codes
	Message  string   `json:"message"`
}

// Options says how to scan. The zero value detects everything.
type Options struct {
	// Content lists the folders that hold posts, as slash paths under the site root; empty means those of the layout.
	Content []string
	// Fields adds or overrides front matter names by slot ("image", "alt", "cutline", "credit", "credit-url", "creator",
	// "copyright", "license"), each a list of dotted paths ("params.hero.file"), tried first to last before the defaults.
	Fields map[string][]string
	// ImageBase is a URL template with {path} ("https://img.example/{path}") for values that are keys of an image service:
	// those that are neither URLs nor files of the site.
	ImageBase string
	// Placeholders lists values that a theme takes for "no image", such as "/assets/images/default-card.png".
	Placeholders []string
	// Workers reads that many posts at a time; 0 means 2 × GOMAXPROCS.
	Workers int
}

// Scan reads all posts under root. A post that cannot be read becomes a Problem; the error is for what stops the whole
// scan: an unreadable root, a Content folder that does not exist (the message names those that do), ctx's end.
func Scan(ctx context.Context, root *os.Root, o Options) (*Catalog, error) {
	return nil, errors.New("scan: not built")
}

// ByID returns the entry with that ID.
func (c *Catalog) ByID(id string) (*Entry, bool) { return nil, false }

// BySource returns the entries that show src; usually one.
func (c *Catalog) BySource(src source.Source) []*Entry { return nil }

// ByPost returns the entry that a post shows. name is the post's path under the site root without extension, or its file
// name without extension, or its slug, where these name one post. It returns ErrUnknownPost or ErrAmbiguousPost, with the
// candidates in the message.
func (c *Catalog) ByPost(name string) (*Entry, *Post, error) { return nil, nil, ErrUnknownPost }

// Lint returns all findings: the Problems of reading and what the entries' words and sources lack, sorted by file, line, code.
func (c *Catalog) Lint() []Problem { return nil }
