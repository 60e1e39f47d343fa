package export

import (
	"strings"
)

// feed reads a JSON Feed. An item's picture is its image, else its banner_image, else the first of content_html; words
// stand in content_html alone.
func (j *jsonReader) feed(f *File) error {
	home, address := "", ""
	return j.fail(j.object(func(key string) (err error) {
		switch key {
		case "home_page_url":
			home, err = j.text()
		case "feed_url":
			address, err = j.text()
		case "items":
			err = j.list(func() error {
				p, err := j.feedItem(home, address)
				if p.Line > 0 {
					f.Posts = append(f.Posts, p)
				}
				return err
			})
		default:
			err = j.skip()
		}
		return err
	}))
}

func (j *jsonReader) feedItem(bases ...string) (Post, error) {
	row, lines := map[string]string{}, map[string]int{}
	first := 0
	err := j.object(func(key string) error {
		if first == 0 {
			first = j.line()
		}
		switch key {
		case "id", "url", "title", "image", "banner_image", "content_html", "date_modified", "date_published":
			text, err := j.text()
			row[key], lines[key] = strings.TrimSpace(text), j.line()
			return err
		}
		return j.skip()
	})
	if err != nil || first == 0 {
		return Post{}, err
	}
	p := Post{
		ID: short(row["id"]), Slug: slugOf(row["url"], row["title"], row["id"]), Title: short(row["title"]), Line: first,
		Modified: firstTime(row["date_modified"], row["date_published"]),
	}
	for _, key := range [...]string{"image", "banner_image"} {
		if row[key] != "" && p.Image.Raw == "" {
			p.Image = Image{Field: key, Raw: clip(row[key]), Line: lines[key]}
		}
	}
	p.Image.body("content_html", row["content_html"], lines["content_html"])
	p.Image.URL = resolve(p.Image.Raw, append([]string{row["url"]}, bases...)...)
	return p, nil
}
