package catalog

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// A layout is what one generator's sites have in common.
type layout struct {
	name    string
	content []string // folders that hold posts, those that exist; none means the whole root
	skip    []string // folder names that hold no posts, beside those that every layout skips
	public  []string // where local images stand, best first, before publicFolders
	bundles bool     // a file *feature*, *cover* or *thumbnail* beside index.md is the post's image
	hexo    bool     // front matter without an opening fence, tabs as indentation
	blanks  bool     // blanks before the opening fence
}

// layouts is in no order; detectLayout knows how to tell them apart.
var layouts = []layout{
	{name: "jekyll", skip: []string{"_layouts", "_includes", "_sass", "_data", "_plugins"}},
	{name: "hugo", content: []string{"content"}, public: []string{"assets", "static", "content"}, bundles: true, blanks: true},
	{name: "eleventy", skip: []string{"_includes", "_data", "_layouts"}},
	{name: "astro", content: []string{"src", "content"}, public: []string{"public", "src", "src/assets"}},
	{name: "zola", content: []string{"content"}, public: []string{"static", "content"}, blanks: true},
	{name: "hexo", content: []string{"source"}, public: []string{"source"}, skip: []string{"_data"}, hexo: true},
	{name: "plain", skip: []string{"archetypes"}, bundles: true},
}

// publicFolders is where sites keep the files that their pages name by root paths, in the order of how often it was met.
var publicFolders = []string{"static", "public", "assets", "src", "source", "content", "images", "img"}

// skipFolders hold other people's files, built pages, or portraits: a key "photo" or "picture" in a collection of people
// is a portrait and no post's featured image.
var skipFolders = []string{
	"node_modules", "bower_components", "vendor", "_site",
	"_people", "_authors", "authors", "_staff", "team",
}

// builtFolders are skipped where they hold an index.html: to some generators they are the output, to others a source.
var builtFolders = []string{"public", "dist", "build"}

// postExtensions are the files that may be posts if they begin with front matter: Markdown and its cousins, and the
// template languages that take front matter. Programs (.astro, .js, .vue) have fences of their own meaning.
var postExtensions = []string{
	".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".mdx", ".mdoc", ".qmd", ".rmd",
	".html", ".htm", ".xhtml", ".adoc", ".asciidoc", ".org", ".rst", ".textile", ".txt",
	".njk", ".liquid", ".hbs", ".ejs", ".pug", ".haml", ".slim", ".erb", ".webc",
}

// imageExtensions are what makes a value or a file name look like an image.
var imageExtensions = []string{
	".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".avif", ".svg", ".heic", ".heif", ".tif", ".tiff", ".bmp", ".jxl", ".ico",
}

// hasExtension reports whether name ends in one of extensions, in any case.
func hasExtension(name string, extensions []string) bool {
	ext := path.Ext(name)
	if ext == "" || len(ext) > len(".asciidoc") {
		return false
	}
	for _, e := range extensions {
		if strings.EqualFold(e, ext) {
			return true
		}
	}
	return false
}

// Matters reports whether a scan may look at a file of that name, as a post or as a picture.
func Matters(name string) bool {
	return !editors(name) && (hasExtension(name, postExtensions) || hasExtension(name, imageExtensions))
}

// detectLayout tells the generator from the root's files. Configuration files that only one generator has come first;
// config.toml and _config.yml are shared and need a second sign.
func detectLayout(root *os.Root) layout {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			_, err := root.Stat(name)
			return err == nil
		})
	}
	name := "plain"
	switch {
	case has("astro.config.mjs", "astro.config.js", "astro.config.ts", "astro.config.mts", "astro.config.cjs"):
		name = "astro"
	case has("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config/_default"):
		name = "hugo"
	case has(".eleventy.js", "eleventy.config.js", "eleventy.config.cjs", "eleventy.config.mjs", "eleventy.config.ts"):
		name = "eleventy"
	case has("config.toml") && has("content") && mentions(root, "config.toml", "base_url"):
		name = "zola"
	case has("config.toml", "config.yaml", "config.yml", "config.json") && has("content"):
		name = "hugo"
	case has("_config.yml") && (has("source/_posts", "scaffolds") || mentions(root, "package.json", `"hexo"`)):
		name = "hexo"
	case has("_config.yml", "_config.yaml", "_config.toml", "_posts"):
		name = "jekyll"
	}
	for _, l := range layouts {
		if l.name == name {
			return l
		}
	}
	return layout{name: name}
}

// mentions reports whether a configuration file of sane size holds text.
func mentions(root *os.Root, name, text string) bool {
	f, err := openRegular(root, name)
	if err != nil {
		return false
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return err == nil && bytes.Contains(head, []byte(text))
}

// contentFolders returns the folders to walk, none inside another, and the exports to read: the wanted ones, which must
// exist, else the layout's folders. Where exports alone are wanted, no folder is.
func (l layout) contentFolders(root *os.Root, wanted []string) (folders, exports []string, err error) {
	for _, name := range wanted {
		clean := path.Clean(strings.TrimPrefix(name, "/"))
		info, err := root.Stat(clean)
		switch {
		case err == nil && info.IsDir():
			folders = append(folders, clean)
		case err == nil && info.Mode().IsRegular():
			exports = append(exports, clean)
		default:
			return nil, nil, fmt.Errorf("content folder %q: expected a folder or an export file under the site root, which has %s", name, strings.Join(rootFolders(root), ", "))
		}
	}
	slices.Sort(exports)
	exports = slices.Compact(exports)
	if len(exports) > 0 && len(folders) == 0 {
		return nil, exports, nil
	}
	if len(wanted) == 0 {
		for _, name := range l.content {
			if info, err := root.Stat(name); err == nil && info.IsDir() {
				folders = append(folders, name)
			}
		}
	}
	if len(folders) == 0 || slices.Contains(folders, ".") {
		return []string{"."}, exports, nil
	}
	slices.Sort(folders)
	folders = slices.Compact(folders)
	return slices.DeleteFunc(folders, func(inner string) bool {
		return slices.ContainsFunc(folders, func(outer string) bool { return strings.HasPrefix(inner, outer+"/") })
	}), exports, nil
}

// rootFolders lists the root's visible folders for a message.
func rootFolders(root *os.Root) []string {
	f, err := root.Open(".")
	if err != nil {
		return nil
	}
	defer f.Close()
	entries, err := f.ReadDir(1000)
	if err != nil {
		return []string{"no folders"}
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return []string{"no folders"}
	}
	slices.Sort(names)
	return names[:min(len(names), 20)]
}

// skips reports whether the folder name, inside dir, holds no posts.
func (s *scanner) skips(dir, name string) bool {
	switch {
	case strings.HasPrefix(name, "."), slices.Contains(s.o.Ignore, path.Join(dir, name)), slices.Contains(skipFolders, name), slices.Contains(s.layout.skip, name):
		return true
	case name == "_drafts":
		return !s.o.Drafts
	case slices.Contains(builtFolders, name):
		_, err := s.root.Stat(path.Join(dir, name, "index.html"))
		return err == nil
	}
	return false
}

// public returns the folders of the site root in which a local image may stand, best first.
func (l layout) publicFolders(root *os.Root) []string {
	var found []string
	for _, name := range slices.Concat(l.public, publicFolders) {
		if slices.Contains(found, name) {
			continue
		}
		if info, err := root.Stat(name); err == nil && info.IsDir() {
			found = append(found, name)
		}
	}
	return found
}
