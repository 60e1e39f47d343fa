package export

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// A wordpressItem is a row of WordPress's table of posts: a post, a page, an attachment, or something else.
type wordpressItem struct {
	post      Post
	link      string
	kind      string
	status    string
	password  string
	name      string
	modified  string
	published string
	body      word // of an attachment: its description
	excerpt   word // its caption
	address   string
	meta      map[string]word // those of wantedMeta
}

// A word is a text and its line.
type word struct {
	text string
	line int
}

// The fields of posts and attachments (postmeta) that are read.
const (
	metaThumbnail = "_thumbnail_id"
	metaFile      = "_wp_attached_file"
	metaCamera    = "_wp_attachment_metadata"
	metaAgency    = "_navis_media_credit_org" // of Newspack and Largo, beside _media_credit
)

// metaWords are fields of attachments that are words, WordPress's own first, then those of plugins that newsrooms use
// (Media Credit, Newspack and Largo; Image Source Control; Credit Tracker), and names that themes give to fields of their own.
var metaWords = []struct{ meta, key string }{
	{"_wp_attachment_image_alt", "alt"},
	{"_media_credit", "credit"}, {"_media_credit_url", "creditlink"},
	{"isc_image_source", "credit"}, {"isc_image_source_url", "creditlink"}, {"isc_image_licence", "license"},
	{"credit-tracker-author", "photographer"}, {"credit-tracker-publisher", "credit"}, {"credit-tracker-license", "license"}, {"credit-tracker-link", "creditlink"},
	{"media_credit", "credit"}, {"photo_credit", "credit"}, {"image_credit", "credit"}, {"credit", "credit"}, {"_credit", "credit"},
	{"photographer", "photographer"}, {"photographer_name", "photographer"}, {"_photographer_name", "photographer"}, {"photographer_url", "creditlink"}, {"_photographer_url", "creditlink"},
	{"copyright", "copyright"}, {"_copyright", "copyright"}, {"license", "license"}, {"license_url", "license"}, {"_license_url", "license"},
}

// metaPictures are fields of posts by which plugins feature a picture that is no attachment, with those of its alternative text.
var metaPictures = []struct{ picture, alt string }{
	{"fifu_image_url", "fifu_image_alt"},
	{"_knawatfibu_url", "_knawatfibu_alt"},
	{"_nelioefi_url", "_nelioefi_alt"},
}

func wantedMeta(key string) bool {
	switch key {
	case metaThumbnail, metaFile, metaCamera, metaAgency:
		return true
	}
	for _, m := range metaWords {
		if key == m.meta {
			return true
		}
	}
	for _, m := range metaPictures {
		if key == m.picture || key == m.alt {
			return true
		}
	}
	return false
}

// wordpressItem reads an item: posts and pages go into f.Posts, attachments into f.media.
func (x *xmlReader) wordpressItem(f *File, line int) error {
	i := wordpressItem{post: Post{Line: line}, meta: map[string]word{}}
	if err := x.children(func(e xml.StartElement, line int) error { return i.element(x, e, line) }); err != nil {
		return err
	}
	switch i.kind {
	case "attachment":
		if image := i.attachment(); image.Raw != "" {
			if f.media == nil {
				f.media = map[string]*Image{}
			}
			f.media[short(i.post.ID)] = &image
		}
	case "post", "page":
		if i.status != "trash" && i.status != "auto-draft" {
			f.Posts = append(f.Posts, i.finish())
		}
	}
	return nil
}

func (i *wordpressItem) element(x *xmlReader, e xml.StartElement, line int) (err error) {
	into := func(to *string) error {
		*to, err = x.text()
		return err
	}
	switch name(e.Name) {
	case "title":
		return into(&i.post.Title)
	case "link":
		return into(&i.link)
	case "wp:post_id":
		return into(&i.post.ID)
	case "wp:post_type":
		return into(&i.kind)
	case "wp:status":
		return into(&i.status)
	case "wp:post_password":
		return into(&i.password)
	case "wp:post_name":
		return into(&i.name)
	case "wp:post_modified_gmt":
		return into(&i.modified)
	case "wp:post_date_gmt":
		return into(&i.published)
	case "wp:attachment_url":
		return into(&i.address)
	case "excerpt:encoded":
		i.excerpt.line = line
		return into(&i.excerpt.text)
	case "content:encoded":
		i.body.line = line
		return into(&i.body.text)
	case "wp:postmeta":
		return i.field(x)
	}
	return x.skip()
}

// field reads a field. Of several with one name the first counts, as in WordPress.
func (i *wordpressItem) field(x *xmlReader) error {
	key, value := "", word{}
	err := x.children(func(e xml.StartElement, line int) (err error) {
		switch name(e.Name) {
		case "wp:meta_key":
			key, err = x.text()
		case "wp:meta_value":
			value.line = line
			value.text, err = x.text()
		default:
			err = x.skip()
		}
		return err
	})
	if _, ok := i.meta[key]; !ok && wantedMeta(key) {
		i.meta[key] = value
	}
	return err
}

func (i *wordpressItem) finish() Post {
	p := i.post
	p.ID, p.Title = short(p.ID), short(p.Title)
	p.Slug = slug(i.name, p.Title, p.ID)
	p.Modified = firstTime(i.modified, i.published)
	switch {
	case i.status != "" && i.status != "publish":
		p.Hidden = "status " + short(i.status)
	case i.password != "":
		p.Hidden = "a password"
	}
	p.thumbnail = short(i.meta[metaThumbnail].text)
	if p.thumbnail != "" && p.thumbnail != "0" && p.thumbnail != "-1" {
		p.Image = Image{Field: metaThumbnail, Line: i.meta[metaThumbnail].line}
		return p
	}
	p.thumbnail = ""
	for _, m := range metaPictures {
		if raw := short(i.meta[m.picture].text); raw != "" && p.Image.Raw == "" {
			p.Image = Image{Field: m.picture, Raw: raw, URL: raw, Line: i.meta[m.picture].line}
			p.Image.say("alt", i.meta[m.alt].text, i.meta[m.alt].line)
		}
	}
	return p
}

// attachment is the picture that an item is, with what WordPress and plugins say of it.
func (i *wordpressItem) attachment() Image {
	image := Image{Raw: short(i.address)}
	image.URL = resolve(image.Raw, i.link)
	image.Path = uploadPath(image.URL, short(i.meta[metaFile].text))
	image.say("caption", i.excerpt.text, i.excerpt.line)
	image.say("desc", i.body.text, i.body.line)
	if agency := i.meta[metaAgency]; strings.TrimSpace(agency.text) != "" {
		credit := i.meta["_media_credit"]
		if strings.TrimSpace(credit.text) == "" {
			credit = agency
		} else {
			credit.text = strings.TrimSpace(credit.text) + " / " + strings.TrimSpace(agency.text)
		}
		image.say("credit", credit.text, credit.line)
	}
	for _, m := range metaWords {
		image.say(m.key, i.meta[m.meta].text, i.meta[m.meta].line)
	}
	if camera := i.meta[metaCamera]; camera.text != "" {
		credit, copyright := cameraWords(camera.text)
		if image.said("photographer") == "" { // a photographer whom somebody named is the credit already
			image.word(Word{Key: "credit", Text: short(credit), Line: camera.line, Camera: true})
		}
		image.word(Word{Key: "copyright", Text: short(copyright), Line: camera.line, Camera: true})
	}
	return image
}

// uploads is where WordPress keeps its files.
const uploads = "wp-content/uploads/"

// uploadPath is where a copy of the site's files has an attachment.
func uploadPath(address, attached string) string {
	if attached != "" && !strings.Contains(attached, "://") {
		return path.Join(uploads, path.Join("/", attached))
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if at := strings.Index(u.Path, "/"+uploads); at >= 0 {
		return strings.TrimPrefix(path.Clean(u.Path[at:]), "/")
	}
	return ""
}

// Join gives the posts of WordPress's exports their pictures, which may stand in another file: WordPress and its hosts cut
// large exports into several. IDs are of one site, so files of others are not asked.
func Join(files []*File) {
	for _, f := range files {
		for i := range f.Posts {
			p := &f.Posts[i]
			if p.thumbnail == "" {
				continue
			}
			p.join(f, files)
			p.thumbnail = ""
		}
	}
}

func (p *Post) join(own *File, files []*File) {
	if found := own.media[p.thumbnail]; found != nil {
		p.show(found, true)
		return
	}
	for _, other := range files {
		if found := other.media[p.thumbnail]; found != nil && other.site == own.site {
			p.show(found, false)
			return
		}
	}
	p.Problem = fmt.Sprintf("its featured image is attachment %s, which no export has", p.thumbnail)
}

// show takes over an attachment; near says that it is in the post's file.
func (p *Post) show(found *Image, near bool) {
	at := p.Image
	p.Image = *found
	p.Image.Field, p.Image.Line = at.Field, at.Line
	if near {
		return
	}
	p.Image.Words = make([]Word, len(found.Words))
	for i, w := range found.Words {
		w.Line = 0
		p.Image.Words[i] = w
	}
}
