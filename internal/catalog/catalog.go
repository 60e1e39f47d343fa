// Package catalog reads a site's posts and collects their featured images with the words beside them.
//
// It reads front matter and file names, never pixels and never the network. Which keys hold an image, and which hold its
// words, follows the conventions of the common generators and themes; Options.Fields overrides them.
package catalog

import (
	"errors"
	"sync"
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
	Posts          int       // files with front matter, those of Options.Drafts aside
	PostsWithImage int       // of them, those whose featured image is in Entries
	Kept           []string  // posts that could not be read and are as in Options.Last, sorted

	rules    map[string]Severity // Options.Rules
	silenced map[string][]string // by post, the codes that its front matter switches off

	public []string // folders that the generator publishes at the site's root, best first; for ByPath

	once  sync.Once
	names *index // for the look-ups, made by the first of them
}

// An Entry is one catalog row: a picture, its words, and the posts that use both. The same picture with other words, or
// another focal point, is another Entry.
type Entry struct {
	// ID is 16 characters of lower-case base32, a hash of source, words and focus: other words, another ID, another URL, so
	// that no CDN can show an old credit.
	ID     string
	Source source.Source
	Words  caption.Words
	Focus  Focus  // what a crop must keep
	Posts  []Post // ≥ 1, sorted by Path; none of one that is Unposted
}

// Unposted is an Entry for a picture that no post shows: without words, and in no Catalog.
func Unposted(src source.Source) *Entry {
	return &Entry{ID: entryID(src, caption.Words{}, Focus{}), Source: src}
}

// A Post is one use of an Entry.
type Post struct {
	Path     string    // slash path under the site root, with extension: "_posts/2023-09-18-kim.md"
	Slug     string    // as the post's URL would have it: front matter's slug, else the file name without date and extension
	Title    string    // front matter's title; may be empty
	Field    string    // where the image stands: "featured-image.path", "bigimg[0].src", "resources[name=hero].src"; "*cover*" for a page bundle's file
	Raw      string    // the source exactly as it stands in the front matter, trimmed; a file name for a page-bundle image
	Line     int       // of the image value in the file, from 1; of the front matter's first line for a page-bundle image
	Modified time.Time // the post file's
	Lines    WordLines

	inside bool // the image stands in a map that its words share, so their keys are plain: "alt"
}

// WordLines says in which lines of a post's file the keys of the picture's words stand, from 1; 0 where there is no key.
type WordLines struct {
	Cutline, Credit, Alt, Creator, Copyright int
}

// Severity orders problems.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // the picture will not be shown, or the post cannot be read
	Warning Severity = "warning" // the picture is shown, but something is missing or will break
	// Off is a rule's: its findings are reported nowhere. No Problem has it.
	Off Severity = "off"
)

// A Problem is one finding about a post.
type Problem struct {
	File     string   `json:"file"` // slash path under the site root
	Line     int      `json:"line"` // from 1; 0 when no line can be named
	Severity Severity `json:"severity"`
	Code     string   `json:"code"` // "missing-alt"; see Codes
	Message  string   `json:"message"`
	// Fix is what stands in place of the picture's address once the finding is mended; "" where a person has to decide. See
	// Mend.
	Fix string `json:"fix,omitempty"`
	// Value is what the finding is about, as the post has it: the picture's address, a credit, a key. It may be empty. With
	// File and Code it knows the finding again when lines move and messages change. It may hold a password.
	Value string `json:"-"`
}

// Options says how to scan. The zero value detects everything.
type Options struct {
	// Content lists the folders that hold posts, as slash paths under the site root; empty means those of the layout.
	Content []string
	// Fields adds or overrides front matter names by slot ("image", "alt", "cutline", "credit", "credit-url", "creator",
	// "copyright", "license", "licensor", "licensor-url", "source-type", "focus"), each a list of dotted paths
	// ("params.hero.file"), tried first to last before the defaults. A number selects an element of a list ("gallery.0.src").
	Fields map[string][]string
	// ImageBase is a URL template with {path} ("https://img.example/{path}") for values that are keys of an image service:
	// those that are neither URLs nor files of the site.
	ImageBase string
	// Placeholders lists values that a theme takes for "no image", such as "/assets/images/default-card.png".
	Placeholders []string
	// Rules changes what findings are, by code; see Codes. A single finding that is milder than its code's own severity is at
	// most a warning.
	Rules map[string]Severity
	// Drafts reads unpublished posts too: Jekyll's _drafts, "draft: true", "isDraft: true", "status: draft", "published:
	// false", and what Jekyll and Hugo leave out for its date: a date or publishDate in the future, in the front matter or
	// (Jekyll) the file's name, and (Hugo) an expiryDate in the past. By default they are left out, because a catalog is
	// served: it must not announce a story before the newsroom does. A post whose time has come is in the next scan; a date
	// that cannot be read hides nothing.
	Drafts bool
	// Now is the time to which dates are compared, asked for once per scan; its zone is that of Jekyll's dates that name
	// none. nil means time.Now.
	Now func() time.Time
	// Workers reads that many posts at a time; 0 means 2 × GOMAXPROCS.
	Workers int
	// Last is an earlier scan of the same site, or nil. A post that cannot be read, or is in a folder that cannot, keeps the
	// picture that it had there: what somebody is writing at the moment takes nothing off a page. Entries in which nothing
	// changed are the same pointers.
	Last *Catalog
}
