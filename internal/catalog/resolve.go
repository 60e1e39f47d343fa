package catalog

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
	"github.com/dd8bf596/cutline/internal/source"
)

// A target is where a value leads. The zero source means nowhere; code is "" where nothing is to be said.
type target struct {
	source   source.Source
	code     string
	severity Severity // "" means the code's own
	message  string
	fix      string // what to write instead; "" where a person has to decide
}

func badURL(format string, args ...any) target {
	return target{code: codeBadURL, message: fmt.Sprintf(format, args...)}
}

// resolve finds what a value names: a URL, a file of the site, or a key of the site's image service.
func (s *scanner) resolve(h hit, f *finder) target {
	raw := h.raw
	switch {
	case len(raw) > source.MaxLen && !strings.HasPrefix(raw, "data:"):
		return badURL("%s is longer than %d bytes", quote(raw), source.MaxLen)
	case strings.ContainsFunc(raw, unicode.IsControl):
		return badURL("%s holds a control character", quote(raw))
	case h.file != "":
		return s.file(path.Join(f.dir, h.file))
	case strings.HasPrefix(raw, "data:"):
		return badURL("a data: URI holds the picture itself and cannot be served: save it as a file of the site and name that")
	case strings.Contains(raw, "{{") || strings.Contains(raw, "{%") || strings.Contains(raw, "${"):
		return badURL("%s is a template expression, which front matter does not evaluate: write the path itself", quote(raw))
	case strings.HasPrefix(raw, "//"):
		return s.remote(raw)
	}
	if scheme, rest, ok := strings.Cut(raw, ":"); ok && isScheme(scheme) {
		switch {
		case len(scheme) == 1 && strings.HasPrefix(rest, `\`) || len(scheme) == 1 && strings.HasPrefix(rest, "/"):
			return badURL("%s is a path on one computer: put the file into the site and write its path from the site root, with forward slashes", quote(raw))
		case strings.HasPrefix(rest, "//"), strings.EqualFold(scheme, "http"), strings.EqualFold(scheme, "https"),
			slices.Contains([]string{"file", "javascript", "blob", "cid", "mailto", "about"}, strings.ToLower(scheme)):
			return s.remote(raw)
		}
	}
	if strings.Contains(raw, `\`) {
		return badURL("%s has backslashes: write forward slashes", quote(raw))
	}
	return s.local(raw, f)
}

// remote reads a URL as authors paste it: with a fragment, which no server sees, and with "&amp;" copied from a page's source.
func (s *scanner) remote(raw string) target {
	text, _, _ := strings.Cut(raw, "#")
	text = strings.TrimSpace(text)
	unescaped := strings.ReplaceAll(text, "&amp;", "&")
	src, err := source.ParseURL(unescaped)
	if err != nil {
		return badURL("%s cannot be fetched: %s: write the picture's https:// address or a path under the site root", quote(raw), reason(err))
	}
	t := target{source: src}
	if unescaped != text {
		t.code, t.severity = codeBadURL, Warning
		t.message = "the URL holds the HTML entity &amp;, which was read as &: write & in front matter"
		t.fix = strings.ReplaceAll(raw, "&amp;", "&")
	} else if strings.HasSuffix(text, ")") && !strings.Contains(text, "(") {
		t.code, t.severity = codeBadURL, Warning
		t.message = "the URL ends in a bracket that nothing opens, as one copied out of a Markdown link does: delete it"
	}
	return t
}

// reason is err without the package's own lead, for a message that says so already.
func reason(err error) string {
	return strings.TrimPrefix(err.Error(), source.ErrInvalid.Error()+": ")
}

// quote shortens a value for a message; a data: URI or a pasted page can be very long.
func quote(raw string) string {
	const most = 120
	if len(raw) > most {
		raw = strings.ToValidUTF8(raw[:most], "") + "…"
	}
	return strings.ReplaceAll(fmt.Sprintf("%q", raw), `\\`, `\`)
}

// withheld is the finding about a file that is never served (source.Withheld).
func withheld(name, why string) target {
	return badURL("%s is never served: %s: name a picture", quote(name), why)
}

func (s *scanner) file(name string) target {
	if why, ok := source.Withheld(name); ok {
		return withheld(name, why)
	}
	src, err := source.Local(name)
	if err != nil {
		return badURL("%s cannot be a source: %s: rename the file", quote(name), reason(err))
	}
	return target{source: src}
}

// local looks a path up in the site. What is not found is still a source, so that the entry is listed, with a problem that
// says what to do.
func (s *scanner) local(raw string, f *finder) target {
	name := cutQuery(raw)
	if name == "" {
		return badURL("%s names no file", quote(raw))
	}
	names := []string{name}
	if name != raw {
		names = []string{raw, name} // a file may really be called "c#.png"
	}
	if decoded, err := url.PathUnescape(name); err == nil && decoded != name {
		names = append(names, decoded)
	}
	var places []string
	for _, each := range names {
		for _, place := range s.places(each, f) {
			if s.isFile(place) {
				return s.file(place)
			}
			places = append(places, place)
		}
	}
	relative := strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../")
	if s.base.set() && !relative {
		if sub := f.subpaths(); len(sub) > 0 && !strings.HasPrefix(name, "/") {
			name = path.Join(sub[0], name)
		}
		return s.base.resolve(name)
	}
	return s.missing(raw, name, relative, places, f)
}

// places lists the paths under the site root at which a value may stand, best first; those that would leave the root are
// left out.
func (s *scanner) places(name string, f *finder) []string {
	var places []string
	add := func(elem ...string) {
		p := path.Join(elem...)
		if p != "." && p != ".." && !strings.HasPrefix(p, "../") && !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	for _, alias := range [...]string{"~/", "@/"} {
		if rest, ok := strings.CutPrefix(name, alias); ok {
			add("src", rest) // what Astro's and Vite's configurations mean by these
			add(rest)
			return places
		}
	}
	rest, rooted := strings.CutPrefix(name, "/")
	rest = strings.TrimLeft(rest, "/")
	if !rooted {
		for _, sub := range f.subpaths() {
			add(sub, name)
		}
		add(f.dir, name)
	}
	if strings.HasPrefix(rest, "../") {
		return places
	}
	add(rest)
	for _, folder := range s.public {
		add(folder, rest)
	}
	if rooted {
		for dir := f.dir; dir != "."; dir = path.Dir(dir) {
			add(dir, "static", rest)
			add(dir, "public", rest)
		}
	}
	return places
}

// subpaths are the folders in which the post's own key puts its pictures (Chirpy).
func (f *finder) subpaths() []string {
	var found []string
	for _, key := range [...]string{"mediasubpath", "imgpath"} {
		if n := valueOf(lookup(f.root, key)); n != nil && n.Kind == frontmatter.String && len(n.Text) <= source.MaxLen {
			found = append(found, strings.TrimLeft(strings.TrimSpace(n.Text), "/"))
		}
	}
	return found
}

func (s *scanner) isFile(name string) bool {
	info, err := s.root.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// missing is the source that a value means though no file is there: beside the post for ./ and ../, else under the site
// root, which "../" never leaves.
func (s *scanner) missing(raw, name string, relative bool, places []string, f *finder) target {
	t := target{code: codeMissingFile}
	at := name
	if relative {
		at = path.Join("/", f.dir, name)
	}
	src, err := source.Local(at)
	if err != nil {
		return badURL("%s cannot be a source: %s", quote(raw), reason(err))
	}
	if why, ok := source.Withheld(src.Path()); ok {
		return withheld(raw, why)
	}
	t.source = src
	if len(places) == 0 {
		t.message = fmt.Sprintf("%s leaves the site root: move the file into the site", quote(raw))
		return t
	}
	const fix = "add the file or correct the path"
	for _, place := range places {
		actual, ok := s.folders.otherSpelling(s.root, place)
		if ok && norm.NFC.String(actual) == norm.NFC.String(place) {
			t.message = fmt.Sprintf("no file %s in these bytes: the file's name has its accents in another Unicode form (%+q), as names from a Mac have: rename the file", quote(place), actual)
			return t
		}
		if ok {
			t.message = fmt.Sprintf("no file %s, but %s: only the case differs, which works on a Mac and breaks on Linux: write it as the file is named", quote(place), quote(actual))
			t.fix = respelled(raw, place, actual)
			return t
		}
	}
	if relative {
		t.message = fmt.Sprintf("no file %s beside the post: %s", quote(raw), fix)
		return t
	}
	t.message = fmt.Sprintf("no file %s beside the post or under the site root: %s; if it is a key of an image service, set content.image_base to the service's URL with {path}", quote(raw), fix)
	return t
}

// respelled is raw, which means place, with its names as the file actual has them; "" where raw is written with escapes or a
// query, or reaches place by another way than by its end.
func respelled(raw, place, actual string) string {
	tail := strings.TrimPrefix(path.Clean("/"+raw), "/")
	if !strings.HasSuffix(raw, tail) || !strings.HasSuffix(place, tail) || len(actual) != len(place) {
		return ""
	}
	return strings.TrimSuffix(raw, tail) + actual[len(actual)-len(tail):]
}

// A folderCache remembers what folders hold, for findings about many posts that name the same few folders. Its zero value
// is ready; it is safe for concurrent use.
type folderCache struct {
	mu      sync.Mutex
	folders map[string]folder
	entries int
}

// A folder is what one folder holds.
type folder struct {
	names  []string          // sorted
	folded map[string]string // a name as foldName spells it → the name
}

// maxCached bounds the names that a folderCache keeps: about 10 MB.
const maxCached = 100_000

// folder lists a folder; it is empty where there is none.
func (c *folderCache) folder(root *os.Root, dir string) folder {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.folders[dir]; ok {
		return f
	}
	var listed folder
	if f, err := root.Open(dir); err == nil {
		listed.names, _ = f.Readdirnames(maxCached) // of a folder that cannot be listed nothing is known
		f.Close()
	}
	slices.Sort(listed.names)
	listed.folded = make(map[string]string, len(listed.names))
	for _, name := range listed.names {
		listed.folded[foldName(name)] = name
	}
	if c.entries += len(listed.names) + 1; c.folders == nil || c.entries > maxCached {
		c.folders, c.entries = map[string]folder{}, len(listed.names)+1
	}
	c.folders[dir] = listed
	return listed
}

// foldName is one spelling for names that a Mac takes for the same: lower case, accents composed (NFC).
func foldName(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// otherSpelling finds the file that name would be if neither case nor the Unicode form of accents mattered.
func (c *folderCache) otherSpelling(root *os.Root, name string) (string, bool) {
	at := "."
	for part := range strings.SplitSeq(name, "/") {
		f := c.folder(root, at)
		if _, exact := slices.BinarySearch(f.names, part); !exact {
			var ok bool
			if part, ok = f.folded[foldName(part)]; !ok {
				return "", false
			}
		}
		at = path.Join(at, part)
	}
	info, err := root.Stat(at)
	return at, err == nil && info.Mode().IsRegular() && at != name
}

// An imageBase is Options.ImageBase, split at {path}.
type imageBase struct{ before, after string }

func parseImageBase(template string) (imageBase, error) {
	if template == "" {
		return imageBase{}, nil
	}
	before, after, ok := strings.Cut(template, "{path}")
	if !ok {
		return imageBase{}, fmt.Errorf("image base %q: expected a URL with {path} in it, such as https://img.example/{path}", template)
	}
	if _, err := source.ParseURL(before + "x" + after); err != nil {
		return imageBase{}, fmt.Errorf("image base %q: %w", template, err)
	}
	return imageBase{before: before, after: after}, nil
}

func (b imageBase) set() bool { return b.before != "" }

// resolve puts a value into the template: in the path with its slashes kept, behind a "?" as one value, so that no key can
// add a parameter of its own.
func (b imageBase) resolve(name string) target {
	if decoded, err := url.PathUnescape(name); err == nil {
		name = decoded
	}
	name = strings.TrimLeft(name, "/")
	escaped := (&url.URL{Path: name}).EscapedPath()
	if strings.Contains(b.before, "?") {
		escaped = url.QueryEscape(name)
	}
	src, err := source.ParseURL(b.before + escaped + b.after)
	if err != nil {
		return badURL("%s gives no usable URL with content.image_base: %s", quote(name), reason(err))
	}
	return target{source: src}
}
