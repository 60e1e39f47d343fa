package catalog

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/caption"
)

// A family is one convention: front matter and what must come out of it.
type family struct {
	name   string
	text   string // YAML unless it begins with "+++" or "{"
	field  string // "" means no image
	source string
	words  caption.Words
}

const remote = "https://example.org/a.jpg"

func checkFamilies(t *testing.T, families []family, o Options) {
	t.Helper()
	for _, tt := range families {
		t.Run(tt.name, func(t *testing.T) {
			text := tt.text
			if !strings.HasPrefix(text, "+++") && !strings.HasPrefix(text, "{") {
				text = "---\n" + strings.ReplaceAll(text, "URL", remote) + "\n---\n"
			}
			c := scanSite(t, map[string]string{"post.md": text}, o)
			if tt.field == "" {
				if len(c.Entries) > 0 {
					t.Fatalf("got %s at %s, want no image", c.Entries[0].Source, c.Entries[0].Posts[0].Field)
				}
				return
			}
			if len(c.Entries) != 1 {
				t.Fatalf("got %d entries, want 1; problems %v", len(c.Entries), c.Problems)
			}
			e := c.Entries[0]
			want := tt.source
			if want == "" {
				want = remote
			}
			if got := e.Posts[0].Field; got != tt.field {
				t.Errorf("got field %q, want %q", got, tt.field)
			}
			if got := e.Source.String(); got != want {
				t.Errorf("got source %q, want %q", got, want)
			}
			if diff := cmp.Diff(tt.words, e.Words); diff != "" {
				t.Errorf("words (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFamilies has one row for each convention of the common generators and themes.
func TestFamilies(t *testing.T) {
	checkFamilies(t, []family{
		{"jekyll-news", "featured-image:\n  path: \"URL\"\n  cutline: A bridge\n  credit: Mara Lind\n  alt-text: Four arches", "featured-image.path", "", caption.Words{Cutline: "A bridge", Credit: "Mara Lind", Alt: "Four arches"}},
		{"student newspaper", "teaser: Words\nfeatured_image:\n  url: bridge/cover.jpg\n  caption: (Mara Lind/Daily)\nog_image: x.jpg", "featured_image.url", "/bridge/cover.jpg", caption.Words{Cutline: "(Mara Lind/Daily)"}},
		{"seo-tag, scalar", "image: /img/a.jpg", "image", "/img/a.jpg", caption.Words{}},
		{"seo-tag, map", "image:\n  path: /img/a.jpg\n  height: 10\n  alt: A", "image.path", "/img/a.jpg", caption.Words{Alt: "A"}},
		{"seo-tag, twitter", "image:\n  twitter: URL", "image.twitter", "", caption.Words{}},
		{"agency blog", "image: /a.png\nimage_alt: |\n  One\n  two\nimage_figcaption: <a href=\"https://x.test\">Ship</a> by the Navy", "image", "/a.png", caption.Words{Alt: "One two", Cutline: `<a href="https://x.test">Ship</a> by the Navy`}},
		{"minimal mistakes", "header:\n  teaser: /t.jpg\n  overlay_image: /o.jpg\n  image_description: Alt\n  caption: \"Photo: [**X**](https://x.test)\"", "header.overlay_image", "/o.jpg", caption.Words{Alt: "Alt", Cutline: "Photo: [**X**](https://x.test)"}},
		{"feeling responsive", "header:\n  image_fullwidth: w.jpg\n  caption: C\nteaser: summary.jpg", "header.image_fullwidth", "/w.jpg", caption.Words{Cutline: "C"}},
		{"feeling responsive, thumb", "image:\n  thumb: t.jpg\nthumbnail: URL", "thumbnail", "", caption.Words{}},
		{"hpstr", "image:\n  feature: f.jpg\n  credit: Ana\n  creditlink: https://ana.test/", "image.feature", "/f.jpg", caption.Words{Credit: "Ana", CreditURL: "https://ana.test/"}},
		{"anchors", "image:\n  path: &i /a.jpg\n  feature: *i\n  caption: C", "image.path", "/a.jpg", caption.Words{Cutline: "C"}},
		{"chirpy", "image:\n  lqip: data:image/webp;base64,AAAA\n  path: /a.webp\n  alt: A", "image.path", "/a.webp", caption.Words{Alt: "A"}},
		{"beautiful jekyll", "cover-img: /c.jpg\nthumbnail-img: /t.jpg\nshare-img: /s.jpg", "cover-img", "/c.jpg", caption.Words{}},
		{"beautiful jekyll, list of maps", "cover-img:\n  - \"/c.jpg\": \"Bryce (2006)\"\n  - \"/d.jpg\": D", "cover-img[0]", "/c.jpg", caption.Words{Cutline: "Bryce (2006)"}},
		{"beautiful hugo", "bigimg: [{src: \"/p.jpg\", desc: \"Path\"}, {src: /q.jpg}]", "bigimg[0].src", "/p.jpg", caption.Words{Cutline: "Path"}},
		{"bulma clean", "hero_image: /h.jpg\nhero_image_alt: A", "hero_image", "/h.jpg", caption.Words{Alt: "A"}},
		{"flexible", "img: a.jpg", "img", "/a.jpg", caption.Words{}},
		{"papermod", "cover:\n  image: URL\n  alt: A\n  caption: \"C [x](y)\"\n  relative: false", "cover.image", "", caption.Words{Alt: "A", Cutline: "C [x](y)"}},
		{"clarity", "featureImage: URL\nfeatureImageAlt: A\nfeatureImageCap: C\nthumbnail: t.jpg", "featureImage", "", caption.Words{Alt: "A", Cutline: "C"}},
		{"ananke, list", "images:\n  - URL\n  - /b.jpg", "images[0]", "", caption.Words{}},
		{"loveit", "images: []\nresources:\n- name: featured-image\n  src: featured.png", "resources[name=featured-image].src", "/featured.png", caption.Words{}},
		{"hugo resources", "resources:\n- name: doc\n  src: a.pdf\n- name: hero\n  src: h.jpg\n  title: What one sees\n  params:\n    credit: Ana\n    caption: C", "resources[name=hero].src", "/h.jpg", caption.Words{Alt: "What one sees", Credit: "Ana", Cutline: "C"}},
		{"hugo params", "params:\n  image: URL\n  image_alt: A", "params.image", "", caption.Words{Alt: "A"}},
		{"hugo blox", "cover:\n  image: URL\nimage:\n  caption: of the bundle's file", "cover.image", "", caption.Words{}},
		{"astro hero", "heroImage: URL\nheroImageAlt: A", "heroImage", "", caption.Words{Alt: "A"}},
		{"astro map", "image:\n  url: URL\n  alt: A", "image.url", "", caption.Words{Alt: "A"}},
		{"astro cover", "coverImage:\n  src: ./c.png\n  alt: A", "coverImage.src", "/c.png", caption.Words{Alt: "A"}},
		{"astro cover, light and dark", "cover:\n  lightSrc: ./l.png\n  darkSrc: ./d.png\ncoverAlt: A", "cover.lightSrc", "/l.png", caption.Words{Alt: "A"}},
		{"gatsby", "featuredImage: URL\nfeaturedImageAlt: A\nfeaturedImageCredit: Ana\nfeaturedImageCreditUrl: https://ana.test/", "featuredImage", "", caption.Words{Alt: "A", Credit: "Ana", CreditURL: "https://ana.test/"}},
		{"next, hero beside", "featuredImage:\n  src: /p.png\n  alt: ''\nhero:\n  imageSrc: /h.webp\n  imageAlt: H", "featuredImage.src", "/p.png", caption.Words{Decorative: true}},
		{"next, hero alone", "hero:\n  imageSrc: URL\n  imageAlt: H", "hero.imageSrc", "", caption.Words{Alt: "H"}},
		{"blog-starter", "coverImage: URL\nogImage:\n  url: /o.jpg", "coverImage", "", caption.Words{}},
		{"image service", "bannerCloudinaryId: unsplash/photo-1\nbannerAlt: A\nbannerCredit: Photo by [K](https://k.test)", "bannerCloudinaryId", "/unsplash/photo-1", caption.Words{Alt: "A", Credit: "Photo by [K](https://k.test)"}},
		{"zola", "+++\ntitle = \"T\"\n[extra]\nsocial_media_card = \"c.jpg\"\nheader = {img = \"img/main.webp\", img_alt = \"site\"}\n+++\n", "extra.social_media_card", "/c.jpg", caption.Words{}},
		{"zola, hero", "+++\n[extra]\nhero = \"h.jpg\"\nhero_alt = \"A\"\n+++\n", "extra.hero", "/h.jpg", caption.Words{Alt: "A"}},
		{"butterfly", "cover: false\ntop_img: URL", "top_img", "", caption.Words{}},
		{"fluid", "index_img: /i.png\nbanner_img: /b.png", "banner_img", "/b.png", caption.Words{}},
		{"inside", "thumbnail: 'URL #111'", "thumbnail", "", caption.Words{}},
		{"quarto", "image: a.png\nimage-alt: A", "image", "/a.png", caption.Words{Alt: "A"}},
		{"quarto, none", "image: false", "", "", caption.Words{}},
		{"ropensci", "socialImg: blog/a.png\nsocialAlt: A\nsocial: \"A post by @x\"", "socialImg", "/blog/a.png", caption.Words{Alt: "A"}},
		{"hashnode", "cover: URL\nogImage: https://example.org/o.jpg", "cover", "", caption.Words{}},
		{"dev.to", "cover_image: URL\nseries:", "cover_image", "", caption.Words{}},
		{"wordpress", "featured_image: URL\nfeatured_image_alt: A\nfeatured_image_caption: C", "featured_image", "", caption.Words{Alt: "A", Cutline: "C"}},
		{"iris", "image: URL\nimage-caption: >\n    Two\n    lines. Photo credit: F.", "image", "", caption.Words{Cutline: "Two lines. Photo credit: F."}},
		{"single sightings", "featured-image: URL\nfeatured-alt-txt: A\nphoto-credit: Ana\nphoto-credit-link: https://ana.test/", "featured-image", "", caption.Words{Alt: "A", Credit: "Ana", CreditURL: "https://ana.test/"}},
		{"json", "{\"title\": \"T\", \"cover\": {\"image\": \"https://example.org/a.jpg\", \"alt\": \"A\"}}\n", "cover.image", "", caption.Words{Alt: "A"}},
		{"starlight", "hero:\n  tagline: T\n  image:\n    file: ../../assets/h.png\n    alt: A", "hero.image.file", "/assets/h.png", caption.Words{Alt: "A"}},
		{"blank key, then another", "featured-image:\nimage: ''\nthumbnail: URL", "thumbnail", "", caption.Words{}},
		{"seo block", "seo:\n  image: URL", "seo.image", "", caption.Words{}},
	}, Options{})
}

func TestFalseFriends(t *testing.T) {
	checkFamilies(t, []family{
		{"teaser text", "teaser: A summary.jpg", "", "", caption.Words{}},
		{"booleans", "hero: true\ncover: yes\ntop_img: false\nimage: off", "", "", caption.Words{}},
		{"numbers", "image: 12\nposter: 3", "", "", caption.Words{}},
		{"null", "image:\nthumbnail: ~", "", "", caption.Words{}},
		{"words under wordy keys", "cover: The best songs\npreview: true story\nphoto: of a day\nbanner: Sale", "", "", caption.Words{}},
		{"splash page", "hero:\n  title: T\n  tagline: x.jpg\n  actions: [{text: a, link: /b.jpg}]\nbanner:\n  content: Hello", "", "", caption.Words{}},
		{"galleries", "gallery: [/a.jpg]\nlogos: [/b.jpg]\nsections: [{image: /c.jpg}]\nfeature_row: [{image_path: /d.jpg}]", "", "", caption.Words{}},
		{"card type", "twitter:\n  card: summary_large_image", "", "", caption.Words{}},
		{"caption without URL", "image:\n  caption: C\n  focal_point: top", "", "", caption.Words{}},
		{"header of another kind", "header: Big news\nresources: [{src: a.jpg}, {name: icon, src: b.png}]", "", "", caption.Words{}},
		{"text over lines", "image: |\n  a.jpg\n  b.jpg", "", "", caption.Words{}},
		{"placeholder", "image: /assets/default-card.png", "", "", caption.Words{}},
		{"commented out", "# cover-img: /a.jpg\ntitle: T", "", "", caption.Words{}},
		{"the article's own words", "image: URL\nauthor: A\nbyline: B\nsource: S\nlicense: CC-BY\ncopyright: C\nlicensor: L\nlicensor_url: https://l.test/\nsource_type: print\ncredits: [D]\ndescription: E\ncaptions: F\nsummary: G", "image", "", caption.Words{}},
		{"the page's own words", "og_image: URL\nog_description: D\npost_author: A\npost_licensor: L\nog_source_type: print", "og_image", "", caption.Words{}},
		{"a recipe's own words", "images: [URL]\nsalt: 1 tsp\nscap: x\nscredit: y\nsauthor: z", "images[0]", "", caption.Words{}},
		{"the header's own words", "resources:\n- {name: header, src: URL}\nheaderDescription: D\nheader_author: A", "resources[name=header].src", "", caption.Words{}},
		{"gallery last", "images: [{path: /g.jpg}]\nthumbnail-img: URL", "thumbnail-img", "", caption.Words{}},
	}, Options{Placeholders: []string{"/assets/default-card.png"}})
}

func TestWords(t *testing.T) {
	checkFamilies(t, []family{
		{"beside a map", "image:\n  path: URL\nimage-alt: A\nimage_credit: Ana\nimage_credit_url: //ana.test/x", "image.path", "", caption.Words{Alt: "A", Credit: "Ana", CreditURL: "https://ana.test/x"}},
		{"inside goes before beside", "image:\n  path: URL\n  alt: in\nalt: out", "image.path", "", caption.Words{Alt: "in"}},
		{"blank inside, said beside", "image:\n  path: URL\n  caption: ''\nimage_caption: C", "image.path", "", caption.Words{Cutline: "C"}},
		{"decorative", "image: URL\nimage_alt: \"\"", "image", "", caption.Words{Decorative: true}},
		{"null alt is forgotten, not decorative", "image:\n  path: URL\n  alt:", "image.path", "", caption.Words{}},
		{"photographer is the credit", "image:\n  path: URL\n  photographer: Ana", "image.path", "", caption.Words{Credit: "Ana"}},
		{"photographer beside a credit", "image:\n  path: URL\n  credit: Gazette\n  photographer: Ana\n  copyright: © 2026 Gazette\n  license: https://cc.test/by", "image.path", "", caption.Words{Credit: "Gazette", Creator: "Ana", Copyright: "© 2026 Gazette", License: "https://cc.test/by"}},
		{"copyright alone is the credit", "image:\n  path: URL\n  copyright: © Ana", "image.path", "", caption.Words{Credit: "© Ana"}},
		{"licence beside", "image: URL\nimage-credit: Ana\nimage-license: CC BY\nimage-copyright: © Ana", "image", "", caption.Words{Credit: "Ana", License: "CC BY", Copyright: "© Ana"}},
		{"creator", "image:\n  path: URL\n  creator: Ana", "image.path", "", caption.Words{Creator: "Ana"}},
		{"several names", "image:\n  path: URL\n  credit: [Ana, Bo]", "image.path", "", caption.Words{Credit: "Ana, Bo"}},
		{"a number as words", "image:\n  path: URL\n  caption: 1984", "image.path", "", caption.Words{Cutline: "1984"}},
		{"folded and composed", "image:\n  path: URL\n  caption: \"  cafe\\u0301 \\n\\t at\\u00a0night\\u0007x \"", "image.path", "", caption.Words{Cutline: "café at\u00a0night x"}},
		{"licensor", "image:\n  path: URL\n  licensor: Ana's archive\n  licensor-url: https://ana.test/buy\n  source-type: digitalCapture", "image.path", "", caption.Words{Licensor: "Ana's archive", LicensorURL: "https://ana.test/buy", SourceType: sourceTypeScheme + "digitalCapture"}},
		{"licensor beside", "image: URL\nimage_licensor: Ana\nimage_licensor_url: //ana.test/buy\nimage_digital_source_type: https://cv.iptc.org/newscodes/digitalsourcetype/print", "image", "", caption.Words{Licensor: "Ana", LicensorURL: "https://ana.test/buy", SourceType: sourceTypeScheme + "print"}},
		{"licensor after the stem", "heroImage: URL\nheroLicensorName: Ana\nheroAcquireLicensePage: https://ana.test/\nheroSourceType: Screen capture", "heroImage", "", caption.Words{Licensor: "Ana", LicensorURL: "https://ana.test/", SourceType: sourceTypeScheme + "screenCapture"}},
		{"a licensor's link that is no URL", "image:\n  path: URL\n  licensor: A\n  licensor-url: javascript:alert(1)", "image.path", "", caption.Words{Licensor: "A"}},
		{"a link that is no URL", "image:\n  path: URL\n  credit: A\n  creditlink: javascript:alert(1)", "image.path", "", caption.Words{Credit: "A"}},
	}, Options{})
}

func TestFields(t *testing.T) {
	fields := map[string][]string{
		"image":    {"params.hero.file", "gallery.0.src"},
		"alt":      {"params.hero.says"},
		"credit":   {"foto_von"},
		"cutline":  {"params.hero.text"},
		"licensor": {"agency.name"}, "licensor-url": {"agency.shop"}, "source-type": {"made_by"},
	}
	checkFamilies(t, []family{
		{"dotted path", "image: /not.jpg\nparams:\n  hero: {file: URL, says: A, text: C}\nFoto-von: Ana", "params.hero.file", "", caption.Words{Alt: "A", Cutline: "C", Credit: "Ana"}},
		{"words of the map", "params:\n  hero: {file: URL, alt: A}", "params.hero.file", "", caption.Words{Alt: "A"}},
		{"element of a list", "gallery: [{src: URL}]", "gallery.0.src", "", caption.Words{}},
		{"rights", "image: URL\nagency: {name: Ana, shop: 'https://ana.test/'}\nmade-by: humanEdits", "image", "", caption.Words{Licensor: "Ana", LicensorURL: "https://ana.test/", SourceType: sourceTypeScheme + "humanEdits"}},
		{"defaults still hold", "image: URL", "image", "", caption.Words{}},
	}, Options{Fields: fields})
}

func TestBundles(t *testing.T) {
	art := map[string]string{"content/p/Featured.JPG": "x", "content/p/cover.png": "x", "content/p/thumbnail.png": "x", "content/p/notes.txt": "x"}
	for _, tt := range []struct {
		name, text    string
		without       []string
		field, source string
		words         caption.Words
	}{
		{"feature", "title: T", nil, "*feature*", "/content/p/Featured.JPG", caption.Words{}},
		{"cover, with words", "coverAlt: A\ncoverCaption: C", []string{"content/p/Featured.JPG"}, "*cover*", "/content/p/cover.png", caption.Words{Alt: "A", Cutline: "C"}},
		{"thumbnail", "title: T", []string{"content/p/Featured.JPG", "content/p/cover.png"}, "*thumbnail*", "/content/p/thumbnail.png", caption.Words{}},
		{"hugo blox", "image:\n  caption: C\n  alt_text: A", nil, "*feature*", "/content/p/Featured.JPG", caption.Words{Alt: "A", Cutline: "C"}},
		{"feature alt", "featureAlt: A", nil, "*feature*", "/content/p/Featured.JPG", caption.Words{Alt: "A"}},
		{"the author's own pattern", "feature: \"COV*\"\nfeatureAlt: A", nil, "feature", "/content/p/cover.png", caption.Words{Alt: "A"}},
		{"a key goes first", "image: cover.png", nil, "image", "/content/p/cover.png", caption.Words{}},
		{"resource by pattern", "resources:\n- name: cover\n  src: \"**COV*\"\n  title: A", nil, "resources[name=cover].src", "/content/p/cover.png", caption.Words{Alt: "A"}},
	} {
		for _, layout := range []string{"hugo.toml", "plain.txt"} {
			t.Run(fmt.Sprintf("%s, %s", tt.name, layout), func(t *testing.T) {
				files := map[string]string{layout: "", "content/p/index.md": "---\n" + tt.text + "\n---\n", "content/other.md": "---\ntitle: no bundle\n---\n"}
				maps.Copy(files, art)
				for _, name := range tt.without {
					delete(files, name)
				}
				c := scanSite(t, files, Options{})
				if len(c.Entries) != 1 || len(c.Problems) != 0 {
					t.Fatalf("got %v, problems %v, want one entry", rows(c), c.Problems)
				}
				e := c.Entries[0]
				if got := e.Posts[0]; got.Field != tt.field || e.Source.String() != tt.source || got.Slug != "p" || got.Line < 1 {
					t.Errorf("got %s at %s, slug %q, line %d; want %s at %s", e.Source, got.Field, got.Slug, got.Line, tt.source, tt.field)
				}
				if diff := cmp.Diff(tt.words, e.Words); diff != "" {
					t.Errorf("words (-want +got):\n%s", diff)
				}
			})
		}
	}
}
