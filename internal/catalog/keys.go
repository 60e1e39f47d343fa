package catalog

import (
	"strings"

	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
)

// The tables below are fitted to 3,055 featured images of 16 sites whose templates say which picture is meant. Keys are
// normalised: lower-case, without "-", "_", "." and blanks. Order is meaning: with "images" above "thumbnail", 33 of the 35
// posts of one site come out as their gallery.

// imageKeys is the ladder: the first key that yields an image wins. "images" is last of the plain ones because it is often
// a gallery; "resources" and "header" have rules of their own.
var imageKeys = []string{
	"featuredimage", "featuredimg", "featureimage", "featureimg", "featuredphoto", "featurephoto", "featuredmedia",
	"coverimage", "coverphoto", "coverimg", "cover",
	"heroimage", "heroimg", "hero",
	"headerimage", "headerimg",
	"bannerimage", "bannerimg", "banner", "bannercloudinaryid",
	"leadimage", "mainimage", "postimage", "titleimage",
	"image", "img", "photo", "picture",
	"thumbnail", "thumbnailimage", "thumbnailimg", "thumb", "thumbimage", "indeximg", "previewimage", "preview", "poster",
	"ogimage", "ogimg", "opengraphimage", "socialimage", "socialimg", "socialmediacard", "shareimage", "shareimg",
	"sharingimage", "twitterimage", "twitterimg", "metaimage", "localimage", "topimg", "bigimg", "backgroundimage", "bgimg",
	"images", "resources", "header",
}

// wordyKeys also name things that are no image: booleans, headings, blocks of a splash page. Their scalars must look like
// an image.
var wordyKeys = set("cover", "hero", "banner", "photo", "picture", "thumb", "preview", "poster", "headerimage", "topimg", "bigimg")

// nestedKeys hold maps in which the ladder is climbed once more.
var nestedKeys = []string{"params", "extra", "seo", "opengraph", "social"}

// urlKeys name the image inside a map.
var urlKeys = []string{
	"path", "src", "url", "image", "file", "filename", "href", "imagesrc", "imageurl", "feature", "overlayimage",
	"imagefullwidth", "teaser", "thumbnail", "ogimage", "facebook", "twitter", "lightsrc",
}

// headerKeys name the image inside "header", where "img" and others mean the site's banner.
var headerKeys = []string{"image", "overlayimage", "imagefullwidth", "teaser", "ogimage"}

// resourceNames are patterns for the name of a Hugo page resource that is the featured image.
var resourceNames = []string{"featured*", "feature*", "cover*", "hero", "header", "banner", "thumbnail", "image"}

// A slot is one of the words.
type slot uint8

const (
	slotAlt slot = iota
	slotCutline
	slotCredit
	slotCreditURL
	slotCreator
	slotCopyright
	slotLicense
	slotLicensor
	slotLicensorURL
	slotSourceType
	slotFocus // no words, but found where they are
	slots
)

// slotKeys says where the words of a slot stand.
type slotKeys struct {
	inside   []string // keys inside the image's map
	suffixes []string // of a key beside the image's: "featured-image" + "alt"; also after its stem, "featured" + "alt"
	beside   []string // whole keys beside the image's
}

// wordKeys never names the article's own keys: author, byline, source, license, licensor, copyright, credits and description
// beside an image are the text's, and captions are a video's.
var wordKeys = [slots]slotKeys{
	slotAlt: {
		inside:   []string{"alt", "alttext", "alternativetext", "imagealt", "imagealttext", "imagedescription"},
		suffixes: []string{"alt", "alttext", "alttxt", "description", "desc"},
		beside:   []string{"imagealt", "imagealttext", "imagedescription", "alt"},
	},
	slotCutline: {
		inside:   []string{"cutline", "caption", "figcaption", "imagecaption", "legend", "desc"},
		suffixes: []string{"cutline", "caption", "figcaption", "cap"},
		beside:   []string{"imagecutline", "imagecaption", "imagefigcaption", "photocaption", "cutline", "caption"},
	},
	slotCredit: {
		inside:   []string{"credit", "credits", "photocredit", "imagecredit", "photographer", "attribution", "author", "source", "copyright"},
		suffixes: []string{"credit", "attribution", "source", "copyright", "author"},
		beside:   []string{"imagecredit", "photocredit", "photographer"},
	},
	slotCreditURL: {
		inside:   []string{"creditlink", "crediturl"},
		suffixes: []string{"crediturl", "creditlink"},
		beside:   []string{"photocreditlink", "photocrediturl", "imagecrediturl", "imagecreditlink"},
	},
	slotCreator: {
		inside:   []string{"creator", "photographer"},
		suffixes: []string{"creator", "photographer"},
		beside:   []string{"imagecreator", "photographer"},
	},
	slotCopyright: {
		inside:   []string{"copyright", "copyrightnotice"},
		suffixes: []string{"copyright", "copyrightnotice"},
		beside:   []string{"imagecopyright", "photocopyright"},
	},
	slotLicense: {
		inside:   []string{"licenseurl", "licenceurl", "license", "licence"},
		suffixes: []string{"licenseurl", "licenceurl", "license", "licence"},
		beside:   []string{"imagelicenseurl", "imagelicense", "imagelicence", "photolicense", "photolicence"},
	},
	slotLicensor: {
		inside:   []string{"licensor", "licensorname"},
		suffixes: []string{"licensor", "licensorname"},
		beside:   []string{"imagelicensor", "photolicensor"},
	},
	slotLicensorURL: {
		inside:   []string{"licensorurl", "licensorlink", "acquirelicensepage"},
		suffixes: []string{"licensorurl", "licensorlink", "acquirelicensepage"},
		beside:   []string{"imagelicensorurl", "imagelicensorlink", "photolicensorurl", "photolicensorlink"},
	},
	slotSourceType: {
		inside:   []string{"sourcetype", "digitalsourcetype"},
		suffixes: []string{"sourcetype", "digitalsourcetype"},
		beside:   []string{"imagesourcetype", "imagedigitalsourcetype", "photosourcetype"},
	},
	slotFocus: {
		inside:   []string{"focalpoint", "focus", "focuspoint", "objectposition", "anchor"},
		suffixes: []string{"focalpoint", "focus", "focuspoint", "objectposition"},
		beside:   []string{"imagefocalpoint", "imagefocus", "imageposition", "focalpoint", "focuspoint"},
	},
}

// resourceAltKeys are where a Hugo page resource says what one sees, beside the usual keys.
var resourceAltKeys = []string{"description", "title"}

// pageStems are keys and stems that speak of the page rather than the picture: "og" + "description" is the article's, as is
// "post" + "author". After them only suffixes that nothing but a picture has are looked up.
var pageStems = set("og", "opengraph", "twitter", "meta", "social", "socialmediacard", "share", "sharing", "post", "title", "preview", "index", "local", "header")

// pageSuffixes are the suffixes that pageStems may not have.
var pageSuffixes = set(
	"description", "desc", "author", "source", "copyright", "attribution", "license", "licence", "licenseurl", "licenceurl", "creator", "copyrightnotice",
	"licensor", "licensorname", "licensorurl", "licensorlink", "acquirelicensepage", "sourcetype", "digitalsourcetype",
)

// The ranks of imageKeys, urlKeys and headerKeys: a map is then looked through once, however many names are asked for.
var (
	imageRank  = ranked(imageKeys)
	urlRank    = ranked(urlKeys)
	headerRank = ranked(headerKeys)
)

func ranked(keys []string) map[string]int {
	rank := make(map[string]int, len(keys))
	for i, key := range keys {
		rank[key] = i
	}
	return rank
}

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, name := range names {
		m[name] = true
	}
	return m
}

// normal lower-cases a key and drops what spellings differ in.
func normal(key string) string {
	out := make([]byte, 0, len(key))
	for i := range len(key) {
		if c, ok := normalByte(key[i]); ok {
			out = append(out, c)
		}
	}
	return string(out)
}

// maxKey is the longest key, in bytes, that can be a name of ours: the longest, an image's key with a suffix, has 36 letters.
// Longer keys are passed over, because a post may have a megabyte of them.
const maxKey = 64

// normalByte is c in a normal key; ok is false for the characters that a normal key has not.
func normalByte(c byte) (_ byte, ok bool) {
	switch {
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A', true
	case c == '-' || c == '_' || c == '.' || c == ' ':
		return 0, false
	}
	return c, true
}

// normalIs reports whether normal(key) == want, without making the string: it is asked some hundred times per post.
func normalIs(key, want string) bool {
	if len(key) < len(want) || len(key) > maxKey {
		return false
	}
	j := 0
	for i := range len(key) {
		c, ok := normalByte(key[i])
		if !ok {
			continue
		}
		if j == len(want) || want[j] != c {
			return false
		}
		j++
	}
	return j == len(want)
}

// lookup returns the first pair of n whose normalised key is want, or nil; n may be nil or no map.
func lookup(n *frontmatter.Node, want string) *frontmatter.Pair {
	if n == nil {
		return nil
	}
	for i := range n.Pairs {
		if normalIs(n.Pairs[i].Key, want) {
			return &n.Pairs[i]
		}
	}
	return nil
}

// stem cuts what says "image" from a normalised key: "featuredimage" → "featured". It is empty where nothing else is left,
// because "alt" and "source" alone are looked up, or refused, by name.
func stem(key string) string {
	if key == "images" { // what is left of the plural would begin "salt" and "scap"
		return ""
	}
	for _, cut := range [...]string{"cloudinaryid", "image", "img", "photo", "url"} {
		key = strings.Replace(key, cut, "", 1)
	}
	return key
}
