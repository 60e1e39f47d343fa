package export

import (
	"strings"
)

// ghostURL stands in Ghost's exports for the address of the site, since version 4.
const ghostURL = "__GHOST_URL__"

// ghost reads the posts and pages of an export: db[0].data, data alone, or the bare posts of the Content API. Words stand
// in a table of their own, posts_meta, or, from the API, in the post.
func (j *jsonReader) ghost(f *File) error {
	words := map[string][]Word{} // by post
	err := j.ghostTables(f, words)
	for i := range f.Posts {
		if p := &f.Posts[i]; p.Image.Raw != "" {
			for _, w := range words[p.ID] {
				p.Image.word(w)
			}
		}
	}
	return j.fail(err)
}

func (j *jsonReader) ghostTables(f *File, words map[string][]Word) error {
	return j.object(func(key string) error {
		switch key {
		case "db":
			return j.list(func() error { return j.ghostTables(f, words) })
		case "data":
			return j.ghostTables(f, words)
		case "posts":
			return j.list(func() error {
				p, err := j.ghostPost()
				if p.Line > 0 {
					f.Posts = append(f.Posts, p)
				}
				return err
			})
		case "posts_meta":
			return j.list(func() error { return j.ghostMeta(words) })
		}
		return j.skip()
	})
}

// ghostPost reads one post; its Line is 0 where the value is none, or was cut off.
func (j *jsonReader) ghostPost() (Post, error) {
	var p Post
	var image Image
	line := 0
	row := map[string]string{}
	err := j.object(func(key string) error {
		if line == 0 {
			line = j.line()
		}
		switch key {
		case "feature_image", "image":
			raw, err := j.text()
			if raw = strings.TrimSpace(raw); raw != "" && (image.Raw == "" || key == "feature_image") {
				image.Field, image.Raw, image.Line = key, clip(raw), j.line()
			}
			return err
		case "feature_image_alt", "feature_image_caption":
			text, err := j.text()
			image.say(ghostWords[key], text, j.line())
			return err
		case "id", "slug", "title", "status", "visibility", "updated_at", "published_at":
			text, err := j.text()
			row[key] = short(text)
			return err
		}
		return j.skip()
	})
	if err != nil || line == 0 {
		return Post{}, err
	}
	p = Post{ID: row["id"], Slug: slug(row["slug"], row["title"], row["id"]), Title: row["title"], Line: line, Hidden: ghostHidden(row)}
	p.Modified = firstTime(row["updated_at"], row["published_at"])
	if image.Raw != "" {
		image.URL, image.Path = ghostPlace(image.Raw)
		p.Image = image
	}
	return p, nil
}

// ghostWords are the columns of words, in posts_meta or a post.
var ghostWords = map[string]string{"feature_image_alt": "alt", "feature_image_caption": "caption"}

// ghostHidden says why a row is of no public post. "sent" is a newsletter that is on no page.
func ghostHidden(row map[string]string) string {
	if s := row["status"]; s != "" && s != "published" {
		return "status " + s
	}
	if v := row["visibility"]; v != "" && v != "public" {
		return "visibility " + v
	}
	return ""
}

// ghostPlace is what a value means, and where the site's files have it.
func ghostPlace(raw string) (address, file string) {
	rest, ok := strings.CutPrefix(raw, ghostURL)
	if !ok {
		rest = raw
	}
	if strings.HasPrefix(rest, "/content/images/") {
		file, _, _ = strings.Cut(strings.TrimPrefix(rest, "/"), "?")
	}
	return rest, file
}

func (j *jsonReader) ghostMeta(words map[string][]Word) error {
	var post string
	var image Image
	err := j.object(func(key string) error {
		text, err := j.text()
		switch key {
		case "post_id":
			post = short(text)
		case "feature_image_alt", "feature_image_caption":
			image.say(ghostWords[key], text, j.line())
		}
		return err
	})
	if post != "" && len(image.Words) > 0 {
		words[post] = image.Words
	}
	return err
}
