package source

import (
	"path"
	"slices"
	"strings"
)

// otherFiles are extensions of what a site folder holds beside pictures: posts and templates first, then programs,
// settings, keys, archives and media.
var otherFiles = strings.Fields(`
	md markdown mdown mkd mkdn mdx mdoc qmd rmd html htm xhtml njk liquid ejs pug hbs haml slim erb webc astro vue svelte
	rst adoc asciidoc org tex textile txt rtf
	css scss sass less js mjs cjs jsx ts tsx map wasm json jsonc json5 ndjson yaml yml toml xml rss atom csv tsv ini cfg conf
	env properties lock sum mod go rb py php pl sh bash zsh fish ps1 bat cmd java kt c h cc cpp rs swift sql db sqlite sqlite3
	pem key crt cer p12 pfx jks asc gpg pub kdbx htpasswd htaccess log bak old orig swp tmp dump
	zip tar gz tgz bz2 xz zst 7z rar pdf doc docx xls xlsx ppt pptx odt ods odp epub
	mp3 m4a ogg oga flac wav mp4 m4v mov webm mkv avi woff woff2 ttf otf eot exe dll so dylib`)

// Withheld reports whether the file at a slash path under the site root is never served, whatever it holds, because its
// name is no picture's: hidden files and folders (".git/config", ".env"), copies that editors leave ("post.md~"), and
// extensions of posts, programs, settings and the like. why says so to people. Files without an extension and with an
// unknown one are not withheld: their first bytes decide elsewhere. A link has its own name here, not its target's.
func Withheld(name string) (why string, ok bool) {
	for segment := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(segment, ".") && segment != "." && segment != ".." {
			return "hidden file or folder", true
		}
	}
	if strings.HasSuffix(name, "~") {
		return "an editor's copy", true
	}
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	if slices.Contains(otherFiles, ext) {
		return "." + ext + " is no picture's extension", true
	}
	return "", false
}
