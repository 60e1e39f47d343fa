package export

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// image writes the picture of a post and its words in one line.
func image(p *Post) string {
	if p.Image.Raw == "" {
		return "none"
	}
	got := p.Image.Field + " " + p.Image.URL
	for _, w := range p.Image.Words {
		got += " | " + w.Key + " " + w.Text
	}
	return got
}

// A row is an export and the pictures of its posts.
type row struct {
	name, text string
	want       []string
}

func checkRows(t *testing.T, format Format, rows []row) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			f := read(t, tt.text)
			if f.Format != format {
				t.Errorf("format %q", f.Format)
			}
			var got []string
			for i := range f.Posts {
				got = append(got, image(&f.Posts[i]))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestGhostShapes(t *testing.T) {
	checkRows(t, Ghost, []row{
		{"data alone", `{"meta":{"exported_on":1,"version":"5.0"},"data":{"posts":[{"id":1,"slug":"x","feature_image":"https://a.test/1.jpg"}],"posts_meta":[{"post_id":1,"feature_image_alt":"A"}]}}`, []string{"feature_image https://a.test/1.jpg | alt A"}},
		{"data without meta", `{"data":{"posts_meta":[{"post_id":"1","feature_image_alt":"A"}],"posts":[{"id":"1","feature_image":"https://a.test/1.jpg"}]}}`, []string{"feature_image https://a.test/1.jpg | alt A"}},
		{"the Content API", `{"posts":[{"id":"1","slug":"x","feature_image":"https://a.test/1.jpg","feature_image_alt":"A","feature_image_caption":"<b>C</b>","url":"https://a.test/x/"}],"meta":{"pagination":{"page":1}}}`, []string{"feature_image https://a.test/1.jpg | alt A | caption <b>C</b>"}},
		{"before version 1", `{"db":[{"meta":{"exported_on":1388805572000,"version":"000"},"data":{"posts":[{"id":5,"title":"T","image":"/content/images/2014/Jan/x.jpg","page":0,"status":"published"}]}}]}`, []string{"image /content/images/2014/Jan/x.jpg"}},
		{"both names", `{"posts":[{"feature_image":"https://a.test/1.jpg","image":"https://a.test/2.jpg"},{"image":"https://a.test/2.jpg","feature_image":"https://a.test/1.jpg"},{"image":"https://a.test/2.jpg","feature_image":null}]}`, []string{"feature_image https://a.test/1.jpg", "feature_image https://a.test/1.jpg", "image https://a.test/2.jpg"}},
		{"nothing said", `{"posts":[{"id":"1","feature_image":" ","feature_image_alt":"A"},{"id":"2","feature_image":"https://a.test/1.jpg","feature_image_alt":"","feature_image_caption":null}]}`, []string{"none", "feature_image https://a.test/1.jpg"}},
		{"words in two places", `{"posts":[{"id":"1","feature_image":"https://a.test/1.jpg","feature_image_alt":"Own"}],"posts_meta":[{"post_id":"1","feature_image_alt":"Other","feature_image_caption":"C"}]}`, []string{"feature_image https://a.test/1.jpg | alt Own | caption C"}},
		{"other values", `{"posts":{"id":1},"db":[{"data":[1,{"posts":[{"id":1}]}]},null,7]}`, nil},
	})
}

// wxr is a WordPress export of items.
func wxr(items ...string) string {
	return `<rss version="2.0" xmlns:excerpt="https://wordpress.org/export/1.1/excerpt/" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wp="https://wordpress.org/export/1.1/"><channel>` +
		strings.Join(items, "\n") + "</channel></rss>"
}

func wxrMeta(key, value string) string {
	return "<wp:postmeta><wp:meta_key>" + key + "</wp:meta_key><wp:meta_value><![CDATA[" + value + "]]></wp:meta_value></wp:postmeta>"
}

func wxrPost(inside ...string) string {
	return "<item><wp:post_id>1</wp:post_id><wp:post_type>post</wp:post_type><wp:status>publish</wp:status>" + strings.Join(inside, "") + "</item>"
}

func wxrPicture(inside ...string) string {
	return "<item><wp:post_id>2</wp:post_id><wp:post_type>attachment</wp:post_type><wp:attachment_url>https://a.test/wp-content/uploads/x.jpg</wp:attachment_url>" + strings.Join(inside, "") + "</item>"
}

func TestWordPressWords(t *testing.T) {
	shows := wxrPost(wxrMeta("_thumbnail_id", "2"))
	const at = "_thumbnail_id https://a.test/wp-content/uploads/x.jpg"
	camera := func(meta string) string { return wxrMeta("_wp_attachment_metadata", meta) }
	checkRows(t, WordPress, []row{
		{"none", wxr(shows, wxrPicture()), []string{at}},
		{"the attachment first", wxr(wxrPicture(wxrMeta("_wp_attachment_image_alt", "A")), shows), []string{at + " | alt A"}},
		{"empty", wxr(shows, wxrPicture(wxrMeta("_wp_attachment_image_alt", " "), wxrMeta("_media_credit", " "), "<excerpt:encoded/>")), []string{at}},
		{"twice", wxr(shows, wxrPicture(wxrMeta("_wp_attachment_image_alt", "A"), wxrMeta("_wp_attachment_image_alt", "B"))), []string{at + " | alt A"}},
		{"version 1.0, undeclared prefixes", strings.ReplaceAll(strings.ReplaceAll(wxr(shows, wxrPicture("<excerpt:encoded>C</excerpt:encoded>")), "https://wordpress.org/export/1.1/excerpt/", "http://wordpress.org/export/1.0/excerpt/"), "https://wordpress.org/export/1.1/", "http://wordpress.org/export/1.0/"), []string{at + " | caption C"}},
		{"an agency alone", wxr(shows, wxrPicture(wxrMeta("_navis_media_credit_org", "AP"))), []string{at + " | credit AP"}},
		{"image source control", wxr(shows, wxrPicture(wxrMeta("isc_image_source", "Ana"), wxrMeta("isc_image_source_url", "https://ana.test"), wxrMeta("isc_image_licence", "CC BY 4.0"))), []string{at + " | credit Ana | creditlink https://ana.test | license CC BY 4.0"}},
		{"a theme's own field", wxr(shows, wxrPicture(wxrMeta("photographer", "Ana"))), []string{at + " | photographer Ana"}},
		{"the camera", wxr(shows, wxrPicture(camera(`a:1:{s:10:"image_meta";a:2:{s:6:"credit";s:4:"Zoë";s:9:"copyright";s:3:"© Z";}}`))), []string{at}},
		{"the camera, counted in bytes", wxr(shows, wxrPicture(camera(`a:1:{s:10:"image_meta";a:2:{s:6:"credit";s:4:"Zoë";s:9:"copyright";s:4:"© Z";}}`))), []string{at + " | credit Zoë | copyright © Z"}},
		{"the camera beside a credit", wxr(shows, wxrPicture(wxrMeta("_media_credit", "Ana"), camera(`a:1:{s:10:"image_meta";a:1:{s:6:"credit";s:3:"Zoe";}}`))), []string{at + " | credit Ana"}},
		{"no thumbnail", wxr(wxrPost(wxrMeta("_thumbnail_id", "0")), wxrPost(wxrMeta("_thumbnail_id", "")), wxrPost()), []string{"none", "none", "none"}},
		{"a picture by its address", wxr(wxrPost(wxrMeta("fifu_image_url", "https://b.test/y.jpg"), wxrMeta("fifu_image_alt", "Y"))), []string{"fifu_image_url https://b.test/y.jpg | alt Y"}},
		{"other types", wxr("<item><wp:post_type>nav_menu_item</wp:post_type></item>", "<item><title>x</title></item>", shows, wxrPicture()), []string{at}},
		{"in the trash", wxr("<item><wp:post_type>post</wp:post_type><wp:status>trash</wp:status></item>"), nil},
	})
}

// TestJoin looks for attachments in other files of the same export, and in no other site's.
func TestJoin(t *testing.T) {
	site := func(name, text string) *File {
		f, err := Read(strings.NewReader(strings.Replace(text, "<channel>", "<channel><wp:base_blog_url>https://"+name+"</wp:base_blog_url>", 1)))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	post, picture := wxr(wxrPost(wxrMeta("_thumbnail_id", "2"))), wxr(wxrPicture(wxrMeta("_wp_attachment_image_alt", "A")))
	files := []*File{site("a.test", post), site("b.test", post), site("a.test", picture), {Format: RSS, Posts: []Post{{Slug: "x"}}}}
	Join(files)
	if p := files[0].Posts[0]; p.Image.Raw != "https://a.test/wp-content/uploads/x.jpg" || p.Image.Line != 1 || p.Image.Words[0] != (Word{Key: "alt", Text: "A"}) || p.Problem != "" {
		t.Errorf("got %+v", p)
	}
	if p := files[1].Posts[0]; p.Image.Raw != "" || p.Problem != "its featured image is attachment 2, which no export has" {
		t.Errorf("got %+v", p)
	}
	before := files[0].Posts[0].Image.Raw
	Join(files) // once more changes nothing
	if files[0].Posts[0].Image.Raw != before {
		t.Error("a second Join changed something")
	}
}

func TestRSSPictures(t *testing.T) {
	feed := func(inside string) string {
		return rssHead + "<item><link>https://a.test/x/</link>" + inside + "</item>" + rssTail
	}
	checkRows(t, RSS, []row{
		{"a group of sizes", feed(`<media:group><media:content url="https://a.test/s.jpg" width="100" medium="image"/><media:content url="https://a.test/l.jpg" width="900" medium="image"/><media:title>A fox at night</media:title><media:credit>Ana</media:credit></media:group>`), []string{"media:content https://a.test/l.jpg | desc A fox at night | credit Ana"}},
		{"the usual one of a group", feed(`<media:group><media:content url="https://a.test/s.jpg" isDefault="true" medium="image"/><media:content url="https://a.test/l.jpg" width="900" medium="image"/></media:group>`), []string{"media:content https://a.test/s.jpg"}},
		{"the first of equals", feed(`<media:content url="https://a.test/1.jpg"/><media:content url="https://a.test/2.jpg"/>`), []string{"media:content https://a.test/1.jpg"}},
		{"inner words before outer", feed(`<media:credit>Outer</media:credit><media:content url="https://a.test/1.jpg"><media:credit>Inner</media:credit></media:content>`), []string{"media:content https://a.test/1.jpg | credit Inner"}},
		{"a file's name is no title", feed(`<media:content url="https://a.test/1.jpg"><media:title type="html">IMG_2041</media:title></media:content>`), []string{"media:content https://a.test/1.jpg"}},
		{"several credits", feed(`<media:content url="https://a.test/1.jpg"><media:credit>Ana</media:credit><media:credit>AP</media:credit><media:credit>Ana</media:credit></media:content>`), []string{"media:content https://a.test/1.jpg | credit Ana, AP"}},
		{"an enclosure before a thumbnail", feed(`<media:thumbnail url="https://a.test/t.jpg"/><enclosure url="https://a.test/e.jpg" type="image/jpeg"/><media:credit>Ana</media:credit>`), []string{"enclosure https://a.test/e.jpg | credit Ana"}},
		{"an enclosure of no known type", feed(`<enclosure url="https://a.test/e.webp?x=1"/>`), []string{"enclosure https://a.test/e.webp?x=1"}},
		{"an image with an address inside", feed("<image>\n<url>https://a.test/i.jpg</url><title>T</title></image>"), []string{"image https://a.test/i.jpg"}},
		{"an image as text", feed("<image> https://a.test/i.jpg </image>"), []string{"image https://a.test/i.jpg"}},
		{"the text before the summary", feed(`<description>&lt;img src="https://a.test/d.jpg"&gt;</description><content:encoded><![CDATA[<img src="https://a.test/c.jpg">]]></content:encoded>`), []string{"content:encoded img https://a.test/c.jpg"}},
		{"words of the same picture alone", feed(`<enclosure url="https://a.test/up/fox.jpg" type="image/jpeg"/><description>&lt;img src="https://a.test/up/owl.jpg" alt="An owl"&gt;&lt;img src="https://i0.wp.com/a.test/up/fox-300x200.jpg?ssl=1" alt="A fox"&gt;</description>`), []string{"enclosure https://a.test/up/fox.jpg | alt A fox"}},
		{"RSS 1.0", `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel/><item><link>https://a.test/x</link><description>&lt;img src="y.jpg"&gt;</description></item></rdf:RDF>`, []string{"description img https://a.test/y.jpg"}},
		{"RSS 0.91", `<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd"><rss version="0.91"><channel><item><title>T</title><enclosure url="https://a.test/1.gif"/></item></channel></rss>`, []string{"enclosure https://a.test/1.gif"}},
	})
}

func TestAtomEntries(t *testing.T) {
	feed := func(inside string) string {
		return `<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/" xmlns:blogger="http://schemas.google.com/blogger/2018"><entry><id>1</id>` + inside + `</entry></feed>`
	}
	checkRows(t, Atom, []row{
		{"a film's thumbnail", feed(`<media:group><media:title>A film of foxes</media:title><media:content url="https://v.test/1" type="application/x-shockwave-flash"/><media:thumbnail url="https://v.test/1.jpg" width="480" height="360"/><media:description>D</media:description></media:group>`), []string{"media:thumbnail https://v.test/1.jpg | desc A film of foxes | caption D"}},
		{"text is no HTML", feed(`<content>&lt;img src="https://a.test/1.jpg"&gt;</content>`), []string{"none"}},
		{"a base of its own", feed(`<content type="html" xml:base="https://a.test/b/">&lt;img src="1.jpg"&gt;</content>`), []string{"content img https://a.test/b/1.jpg"}},
		{"a summary", feed(`<summary type="html">&lt;img src="https://a.test/1.jpg"&gt;</summary>`), []string{"summary img https://a.test/1.jpg"}},
		{"a comment of Blogger's", feed(`<blogger:type>COMMENT</blogger:type><content type="html">&lt;img src="https://a.test/1.jpg"&gt;</content>`), nil},
		{"a template of Blogger's", feed(`<category scheme="http://schemas.google.com/g/2005#kind" term="http://schemas.google.com/blogger/2008/kind#template"/>`), nil},
		{"a post of Blogger's", feed(`<blogger:type>POST</blogger:type><blogger:status>LIVE</blogger:status><category scheme="http://schemas.google.com/g/2005#kind" term="http://schemas.google.com/blogger/2008/kind#post"/>`), []string{"none"}},
	})
}

func TestBodyPictures(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"none", "x < y", ""},
		{"in order", `<img src=a.jpg alt=A><p><img src='b.jpg'></p>`, "a.jpg:A: b.jpg::"},
		{"a figure", `<figure><a href="x"><img src="a.jpg" alt="A"></a><figcaption>C <em>d</em></figcaption></figure>`, "a.jpg:A:C <em>d</em>"},
		{"a caption first", `<figure><figcaption>C</figcaption><img src="a.jpg"></figure>`, "a.jpg::C"},
		{"a gallery", `<figure><figure><img src="a.jpg"><figcaption>A</figcaption></figure><figure><img src="b.jpg"></figure><figcaption>All</figcaption></figure>`, "a.jpg::A b.jpg::"},
		{"a caption of two", `<figure><img src="a.jpg"><img src="b.jpg"><figcaption>Both</figcaption></figure>`, "a.jpg:: b.jpg::"},
		{"a caption of the old kind", `<div class="wp-caption alignleft"><div><img src="a.jpg"></div><p class="wp-caption-text">C</p></div><p>x</p>`, "a.jpg::C"},
		{"loaded late", `<img src="data:image/gif;base64,R0" data-src="a.jpg">`, "a.jpg::"},
		{"a picture in the text itself", `<img src="data:image/gif;base64,R0">`, ""},
		{"pixels, emoji, avatars", `<img src="p.gif" width="1" height="1"><img class="wp-smiley" src="s.png"><img src="https://s.w.org/images/core/emoji/15/72x72/1f600.png"><img src="https://secure.gravatar.com/avatar/1"><img src="a.jpg">`, "a.jpg::"},
		{"in comments and scripts", `<!-- <img src="a.jpg"> --><script>"<img src='b.jpg'>"</script><img src="c.jpg">`, "c.jpg::"},
		{"not closed", `<figure><img src="a.jpg"><figcaption>C`, "a.jpg::"},
		{"a caption with a caption in it", `<figure><img src="a.jpg"><figcaption>A<!-- x --><figcaption>B</figcaption>C</figcaption></figure>`, "a.jpg::A<figcaption>B</figcaption>C"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range bodyPictures(tt.text) {
				got = append(got, p.src+":"+p.alt+":"+p.caption)
			}
			if joined := strings.Join(got, " "); joined != tt.want {
				t.Errorf("got %q, want %q", joined, tt.want)
			}
		})
	}
}

func TestSamePicture(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"https://a.test/up/fox.jpg", "https://a.test/up/fox.jpg?w=300", true},
		{"https://a.test/up/fox.jpg", "/up/fox-1024x683.jpg", true},
		{"https://a.test/up/fox-scaled.jpg", "https://i0.wp.com/a.test/up/fox-300x200.jpg", true},
		{"https://a.test/content/images/2024/01/fox.jpg", "https://a.test/content/images/size/w1000/2024/01/fox.jpg", true},
		{"https://a.test/up/fox.jpg", "https://a.test/up/owl.jpg", false},
		{"https://a.test/one/image.jpg", "https://a.test/two/image.jpg", false},
		{"https://a.test/", "https://b.test/", false},
		{"", "https://b.test/x.jpg", false},
	} {
		if got := samePicture(tt.a, tt.b); got != tt.want {
			t.Errorf("%s, %s: got %v", tt.a, tt.b, got)
		}
	}
}

func TestSlugs(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{slug("two-herons"), "two-herons"},
		{slug("%d0%bf%d1%80%d0%b8"), "при"},
		{slug("", "Zwei Füße & ein Hund!"), "zwei-füße-ein-hund"},
		{slug("../../etc/passwd"), "etc-passwd"},
		{slug("a/b\\c\x00d\u202ee"), "a-b-c-d-e"},
		{slug(".", "x"), "x"},
		{slug(strings.Repeat("é", 500)), strings.Repeat("é", 98)},
		{slugOf("https://a.test/2026/fox.html?x=1", "T", ""), "fox"},
		{slugOf("https://a.test/", "The fox", ""), "the-fox"},
		{slugOf("", "", "https://a.test/fox/"), "fox"},
		{slugOf("", "", "urn:uuid:1"), "urn-uuid-1"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	if a, b := slug("", "", ""), slug("", "!", ""); a == "" || a == b {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestTimes(t *testing.T) {
	want := time.Date(2026, 2, 10, 7, 0, 0, 0, time.UTC)
	for _, text := range []string{
		"2026-02-10T07:00:00Z", "2026-02-10T08:00:00.000+01:00", "Tue, 10 Feb 2026 07:00:00 GMT", "Tue, 10 Feb 2026 08:00:00 +0100",
		"10 Feb 2026 07:00:00 +0000", "2026-02-10 07:00:00", "1770706800000",
	} {
		if got := firstTime("", "nonsense", "0000-00-00 00:00:00", text); !got.Equal(want) {
			t.Errorf("%s: got %v", text, got)
		}
	}
	if got := firstTime("", "soon"); !got.IsZero() {
		t.Errorf("got %v", got)
	}
}

func TestCameraWords(t *testing.T) {
	deep := strings.Repeat(`a:1:{i:0;`, 1000)
	for _, tt := range []struct{ text, credit, copyright string }{
		{`a:1:{s:10:"image_meta";a:2:{s:6:"credit";s:3:"Ana";s:9:"copyright";s:1:"A";}}`, "Ana", "A"},
		{`a:3:{s:1:"x";N;s:1:"y";d:1.5;s:10:"image_meta";a:1:{s:6:"credit";s:3:"Ana";}}`, "Ana", ""},
		{`a:1:{s:10:"image_meta";s:3:"Ana";}`, "", ""},
		{`a:1:{s:10:"image_meta";a:1:{s:6:"credit";s:99:"Ana";}}`, "", ""},
		{`a:1:{s:10:"image_meta";a:1:{s:6:"credit";s:-1:"Ana";}}`, "", ""},
		{`a:999999999:{`, "", ""},
		{`a:1:{i:0;O:8:"stdClass":0:{}s:10:"image_meta";a:1:{s:6:"credit";s:3:"Ana";}}`, "", ""},
		{`a:2:{i:0;` + deep, "", ""},
		{"", "", ""},
		{"b:1;", "", ""},
	} {
		if credit, copyright := cameraWords(tt.text); credit != tt.credit || copyright != tt.copyright {
			t.Errorf("%.60s: got %q, %q", tt.text, credit, copyright)
		}
	}
}

func TestDetect(t *testing.T) {
	for _, tt := range []struct {
		head string
		want Format
	}{
		{`{"db":[{"me`, Ghost},
		{`{"meta":{"exported_on":1,"version":"6"},"data":{"benefits":[`, Ghost},
		{`{"data":{"posts":[`, Ghost},
		{`{"posts":[`, Ghost},
		{`{"posts":{}}`, ""},
		{`{"title":"x","version":"https://jsonfeed.org/version/1"`, JSONFeed},
		{`{"items":[{}],"version":"https://jsonfeed.org/version/1"}`, JSONFeed},
		{`{"items":[{"id":"1"},{"version":"https://jsonfeed.org/version/1"`, JSONFeed},
		{`{"items":[{}],"version":2}`, ""},
		{"\ufeff \n{\"posts\":[", Ghost},
		{`<rss version="2.0"><ch`, RSS},
		{`<?xml version="1.0"?><!-- ` + strings.Repeat("x", 4000) + ` --><rss xmlns:wp="http://wordpress.org/export/1.2/"><`, WordPress},
		{`<rss xmlns:wp="http://wordpress.org/export/1.2/`, ""},
		{`<feed xmlns="http://www.w3.org/2005/Atom">`, Atom},
		{`<feed>`, ""},
		{`<html>`, ""},
		{"", ""},
	} {
		if got := Detect([]byte(tt.head)); got != tt.want {
			t.Errorf("%.60s: got %q, want %q", tt.head, got, tt.want)
		}
	}
}
