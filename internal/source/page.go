package source

import (
	"net/url"
	"strings"
)

// A page is an address that people take for a picture's.
type page struct {
	hosts []string             // as parts.at takes them
	path  string               // as parts.at takes it
	hint  func(p parts) string // what to use instead; "" when this one is no page after all
}

var pages = []page{
	{[]string{"unsplash.com", "www.unsplash.com"}, "/photos/", download("a page of Unsplash: use the picture's address at images.unsplash.com, or this one with /download behind it")},
	{[]string{"source.unsplash.com"}, "", says("source.unsplash.com was shut down: use the picture's address at images.unsplash.com")},
	{[]string{"pexels.com", "www.pexels.com"}, "/photo/", download("a page of Pexels: use the picture's address at images.pexels.com")},
	{[]string{"pixabay.com", "www.pixabay.com"}, "/photos/", says(pixabay)},
	{[]string{"pixabay.com", "www.pixabay.com"}, "/illustrations/", says(pixabay)},
	{[]string{"pixabay.com", "www.pixabay.com"}, "/vectors/", says(pixabay)},
	{[]string{"drive.google.com"}, "^/file/d/", driveFile},
	{[]string{"drive.google.com"}, "^/open$", driveParam},
	{[]string{"drive.google.com"}, "^/uc$", driveEntity},
	{[]string{"photos.google.com", "photos.app.goo.gl"}, "", says("a Google Photos page: download the picture and keep it in the site")},
	{google, "^/url$", googleRedirect},
	{[]string{"drive.google.com"}, "/folders/", says("a folder of Google Drive: use the picture's own address there, https://drive.google.com/uc?export=view&id=ID")},
	{[]string{"duckduckgo.com", "www.duckduckgo.com"}, "^/$", says("a page of search results: use the picture's own address")},
	{google, "^/imgres$", says("a Google Images page: use the picture's own address")},
	{google, "^/search$", says("a page of search results: use the picture's own address")},
	{[]string{"www.bing.com", "bing.com"}, "^/images/search", says("a page of search results: use the picture's own address")},
	{[]string{"imgur.com", "www.imgur.com", "m.imgur.com"}, "^/", imgur},
	{[]string{"github.com"}, "/blob/", githubBlob},
	{[]string{"gitlab.com"}, "/-/blob/", gitlabBlob},
	{[]string{"commons.wikimedia.org", "*.wikipedia.org"}, "^/wiki/File:", wikiFile("/wiki/File:")},
	{[]string{"commons.wikimedia.org", "de.wikipedia.org"}, "^/wiki/Datei:", wikiFile("/wiki/Datei:")},
	{[]string{"www.flickr.com", "flickr.com", "flic.kr"}, "/p", flickr},
	{[]string{"www.dropbox.com", "dropbox.com"}, "^/s", dropbox},
	{[]string{"www.instagram.com", "instagram.com"}, "^/p/", says("a page of Instagram: keep a copy of the picture in the site")},
	{[]string{"www.pinterest.*", "pinterest.*"}, "^/pin/", says("a page of Pinterest: use the picture's address where it was first published")},
}

const pixabay = "a page of Pixabay: download the picture and keep it in the site"

// Page reports whether s is known to be a web page about a picture rather than the picture ("unsplash.com/photos/ID"),
// and says what to use instead. It knows addresses only: a false ok says nothing about what the server would answer.
func (s Source) Page() (hint string, ok bool) {
	if !s.Remote() {
		return "", false
	}
	if inner, wrapper, wrapped := s.Unwrap(); wrapped {
		if !s.WrapperPage() {
			return "", false
		}
		return "a page of " + wrapper + ": use the picture's own address " + inner.String(), true
	}
	p := s.split()
	for _, known := range pages {
		if !p.at(known.hosts, known.path) {
			continue
		}
		if hint := known.hint(p); hint != "" {
			return hint, true
		}
	}
	return "", false
}

func says(hint string) func(parts) string {
	return func(parts) string { return hint }
}

// download is for photo services whose page address with "/download" behind it redirects to the file.
func download(hint string) func(parts) string {
	return func(p parts) string {
		if strings.HasSuffix(strings.TrimSuffix(p.path, "/"), "/download") {
			return ""
		}
		return hint
	}
}

func driveURL(id string) string {
	return "a page of Google Drive: use https://drive.google.com/uc?export=view&id=" + id
}

func driveFile(p parts) string {
	id, _, _ := strings.Cut(p.after("/file/d/"), "/")
	return driveURL(id)
}

func driveParam(p parts) string {
	return driveURL(printable(p.param("id")))
}

// driveEntity catches a good address that was copied out of HTML: Drive sees no id in it and answers a page.
func driveEntity(p parts) string {
	if !strings.Contains(p.query, "&amp;") {
		return ""
	}
	return "the address holds the HTML entity &amp;: write & instead, as in https://drive.google.com/uc?export=view&id=" + printable(p.param("id"))
}

func googleRedirect(p parts) string {
	target := p.param("url")
	if target == "" {
		target = p.param("q")
	}
	return "a Google redirect to the page " + printable(target) + ": open it and use the address of its picture"
}

// imgur's one-segment addresses with an extension redirect to the file; those without are pages.
func imgur(p parts) string {
	kind, rest, nested := strings.Cut(strings.Trim(p.path, "/"), "/")
	switch {
	case kind == "a" || kind == "gallery" || kind == "t" || kind == "r" || kind == "user":
		return "an album page of Imgur: use the picture's address at i.imgur.com"
	case !nested && rest == "" && kind != "" && !strings.Contains(kind, "."):
		return "a page of Imgur: use https://i.imgur.com/" + kind + ".jpg"
	}
	return ""
}

func githubBlob(p parts) string {
	repository, file, _ := strings.Cut(p.path, "/blob/")
	if strings.Count(repository, "/") != 2 || p.param("raw") != "" {
		return ""
	}
	return "a page of GitHub: use https://raw.githubusercontent.com" + repository + "/" + file
}

func gitlabBlob(p parts) string {
	return "a page of GitLab: use " + p.site + strings.Replace(p.path, "/-/blob/", "/-/raw/", 1)
}

// wikiFile reads the name behind prefix, the namespace of files in the wiki's language.
func wikiFile(prefix string) func(parts) string {
	return func(p parts) string {
		name := p.after(prefix)
		return "the description page of " + readable(name) + ": use https://commons.wikimedia.org/wiki/Special:FilePath/" + name
	}
}

func flickr(p parts) string {
	if !strings.HasPrefix(p.path, "/photos/") && !strings.HasPrefix(p.path, "/p/") {
		return ""
	}
	return "a page of Flickr: use the picture's address at live.staticflickr.com"
}

func dropbox(p parts) string {
	shared := strings.HasPrefix(p.path, "/s/") || strings.HasPrefix(p.path, "/scl/fi/")
	if !shared || p.param("raw") == "1" || p.param("dl") == "1" {
		return ""
	}
	return "a page of Dropbox: put raw=1 in the place of dl=0"
}

// readable decodes a piece of a path for people; what cannot be decoded stays as it is.
func readable(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return printable(plain)
	}
	return text
}
