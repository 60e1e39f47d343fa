package source

import (
	"encoding/hex"
	"net/url"
	"path"
	"strings"
	"testing"
)

const photo = "https://images.example.org/2023/09/a%20b.jpg"

// TestUnwrap has one row per shape of the wrappers' table; inner hosts are invented.
func TestUnwrap(t *testing.T) {
	q := url.QueryEscape
	ddg := func(inner string) string {
		return "https://external-content.duckduckgo.com/iu/?u=" + q(inner) + "&f=1&nofb=1&ipt=ca0d&ipo=images"
	}
	tests := []struct{ name, text, wrapper, want string }{
		{"DuckDuckGo", ddg(photo), "DuckDuckGo", photo},
		{"DuckDuckGo, other host", strings.Replace(ddg(photo), "external-content", "proxy", 1), "DuckDuckGo", photo},
		{"DuckDuckGo, inner http", ddg("http://images.example.org/a.jpg"), "DuckDuckGo", "http://images.example.org/a.jpg"},
		{"DuckDuckGo, inner query", ddg("https://images.example.org/a?e=1&v=beta&t=x"), "DuckDuckGo", "https://images.example.org/a?e=1&v=beta&t=x"},
		{"DuckDuckGo, plus signs", ddg("https://images.example.org/Screen+Shot.png"), "DuckDuckGo", "https://images.example.org/Screen+Shot.png"},
		{"DuckDuckGo, colons and stars", ddg("https://images.example.org/v2/resize:fit:1200/0*mH.jpg"), "DuckDuckGo", "https://images.example.org/v2/resize:fit:1200/0*mH.jpg"},
		{"DuckDuckGo, encoded twice", ddg(q(photo)), "DuckDuckGo", photo},
		{"DuckDuckGo, encoded three times", ddg(q(q(photo))), "DuckDuckGo", photo},
		{"DuckDuckGo, HTML entities", "https://external-content.duckduckgo.com/iu/?f=1&amp;u=" + q(photo) + "&amp;nofb=1", "DuckDuckGo", photo},
		{"DuckDuckGo, inner fragment", ddg(photo + "#x"), "DuckDuckGo", photo},
		{"DuckDuckGo, inner blank", ddg("https://images.example.org/a b.jpg"), "DuckDuckGo", "https://images.example.org/a%20b.jpg"},
		{"DuckDuckGo, viewer", "https://duckduckgo.com/?q=x&iax=images&ia=images&iai=" + q(photo), "DuckDuckGo", photo},
		{"DuckDuckGo over Bing", ddg("https://tse2.mm.bing.net/th?id=OIP.dG&pid=Api"), "DuckDuckGo", "https://tse2.mm.bing.net/th?id=OIP.dG&pid=Api"},
		{"DuckDuckGo over Photon", ddg("https://i0.wp.com/images.example.org/a.png?resize=696%2C139&ssl=1"), "DuckDuckGo", "https://images.example.org/a.png"},
		{"DuckDuckGo over Cloudinary", ddg("https://res.cloudinary.com/x/image/fetch/s--vr--/c_scale,w_1000/" + photo), "DuckDuckGo", photo},
		{"four deep", ddg(ddg(ddg(ddg(photo)))), "DuckDuckGo", photo},
		{"the fifth stays", ddg(ddg(ddg(ddg(ddg(photo))))), "DuckDuckGo", ddg(photo)},
		{"Google Images", "https://www.google.com/imgres?tbnid=h&imgurl=" + q(photo) + "&imgrefurl=https%3A%2F%2Fexample.com", "Google Images", photo},
		{"Google Images, national", "https://www.google.co.uk/imgres?imgurl=" + q(photo), "Google Images", photo},
		{"Google Images, inner escapes", "https://www.google.de/imgres?imgurl=https%3A%2F%2Fimages.example.org%2FX_%2528crop%2529.jpg", "Google Images", "https://images.example.org/X_%28crop%29.jpg"},
		{"Google gadgets", "https://images1-focus-opensocial.googleusercontent.com/gadgets/proxy?container=focus&url=" + q(photo), "Google", photo},
		{"Bing, lower-case escapes", "https://th.bing.com/th/id/R.4e0?rik=2R&riu=" + strings.ToLower(q(photo)) + "&ehk=vY%3d&risl=&pid=ImgRaw", "Bing", photo},
		{"Bing viewer", "https://www.bing.com/images/search?view=detailV2&mediaurl=" + q(photo), "Bing", photo},
		{"Brave", "https://imgs.search.brave.com/sig/rs:fit:860:0:0:0/g:ce/aHR0cHM6Ly9pbWFn/ZXMuZXhhbXBsZS5v/cmcvYS5qcGc", "Brave", "https://images.example.org/a.jpg"},
		{"Qwant", "https://s2.qwant.com/thumbr/0x380/a/b/c.jpg?u=" + q(photo) + "&q=0&b=1", "Qwant", photo},
		{"Startpage", "https://www.startpage.com/av/proxy-image?piurl=" + q(photo) + "&sp=1", "Startpage", photo},
		{"Photon with TLS", "https://i0.wp.com/images.example.org/2023/09/a%20b.jpg?fit=640%2C640&ssl=1", "Photon", photo},
		{"Photon without", "https://i3.wp.com/images.example.org/a.jpg?fit=640%2C640", "Photon", "http://images.example.org/a.jpg"},
		{"Photon, bucket in the path", "https://i1.wp.com/s3.example.com/bucket/a.jpg?resize=607%2C607&ssl=1", "Photon", "https://s3.example.com/bucket/a.jpg"},
		{"Photon, the origin's query", "https://i2.wp.com/images.example.org/a?ssl=1&q=id%3D5%26x%3D6", "Photon", "https://images.example.org/a?id=5&x=6"},
		{"weserv", "https://images.weserv.nl/?url=" + photo, "weserv", photo},
		{"weserv, no slash, no scheme", "https://images.weserv.nl?url=images.example.org/download/zm&&a=entropy", "weserv", "http://images.example.org/download/zm"},
		{"weserv, ssl:", "https://wsrv.nl/?w=5&url=ssl:images.example.org/a.webp", "weserv", "https://images.example.org/a.webp"},
		{"weserv, encoded", "https://wsrv.nl/?url=" + q(photo) + "&w=300", "weserv", photo},
		{"Next.js", "https://www.example.com/_next/image?url=" + q(photo) + "&w=3840&q=75", "Next.js", photo},
		{"Next.js, relative, base path, port", "https://www.example.com:8443/blog/_next/image?url=%2Fimg%2Fa.jpg&w=64&q=75", "Next.js", "https://www.example.com:8443/img/a.jpg"},
		{"Vercel", "https://www.example.com/_vercel/image?url=%2Fimg%2Fa.jpg&w=64", "Vercel", "https://www.example.com/img/a.jpg"},
		{"Netlify", "https://www.example.com/.netlify/images?w=64&url=" + q(photo), "Netlify", photo},
		{"Netlify, protocol-relative", "https://www.example.com/.netlify/images?url=//images.example.org/a.jpg", "Netlify", "https://images.example.org/a.jpg"},
		{"Astro", "https://www.example.com/_image?href=%2F_astro%2Fa.jpg&f=webp", "Astro", "https://www.example.com/_astro/a.jpg"},
		{"Cloudinary, own host, encoded", "https://cdn.example.com/image/fetch/f_auto,q_auto:eco,w_1460/" + url.PathEscape("https://images.example.org/a.jpeg"), "Cloudinary", "https://images.example.org/a.jpeg"},
		{"Cloudinary, raw", "https://cdn.example.com/image/fetch/f_auto,q_auto:eco/https://images.example.org/a.jpeg", "Cloudinary", "https://images.example.org/a.jpeg"},
		{"Cloudinary, raw with query", "https://res.cloudinary.com/x/image/fetch/w_5/https://images.example.org/a?v=1", "Cloudinary", "https://images.example.org/a?v=1"},
		{"Cloudinary, encoded: the query is the wrapper's", "https://res.cloudinary.com/x/image/fetch/w_5/https%3A%2F%2Fimages.example.org%2Fa?_a=BAMA", "Cloudinary", "https://images.example.org/a"},
		{"Cloudinary, no transforms", "https://res.cloudinary.com/x/image/fetch/https://images.example.org/a", "Cloudinary", "https://images.example.org/a"},
		{"Cloudinary, slashes merged", "https://res.cloudinary.com/x/image/fetch/w_5/https:/images.example.org/a", "Cloudinary", "https://images.example.org/a"},
		{"Substack", "https://substackcdn.com/image/fetch/$s_!x!,w_1456,c_limit/https%3A%2F%2Fimages.example.org%2Fa_706x196.webp", "Cloudinary", "https://images.example.org/a_706x196.webp"},
		{"Cloudflare", "https://www.example.com/cdn-cgi/image/width=80,quality=75/https://images.example.org/a.jpg", "Cloudflare", "https://images.example.org/a.jpg"},
		{"Cloudflare, same host", "https://www.example.com/cdn-cgi/image/width=80/uploads/a.jpg?v=2", "Cloudflare", "https://www.example.com/uploads/a.jpg?v=2"},
		{"DEV", "https://media2.dev.to/dynamic/image/width=1000,height=420,fit=cover/" + url.PathEscape(photo), "DEV", photo},
		{"DEV, options encoded", "https://media2.dev.to/dynamic/image/width%3D800%2Cheight%3D%2Cfit%3Dscale-down/" + url.PathEscape(photo), "DEV", photo},
		{"Yahoo", "https://s.yimg.com/ny/api/res/1.2/9Sxa--/YXBwaWQ9aGk-/https://images.example.org/en/4f5d", "Yahoo", "https://images.example.org/en/4f5d"},
		{"Yahoo in Yahoo's own host", "https://s.yimg.com/uu/api/res/1.2/8_d4--/YXBw/https://s.yimg.com/os/2021-11/3426", "Yahoo", "https://s.yimg.com/os/2021-11/3426"},
		{"Facebook", "https://external.xx.fbcdn.net/safe_image.php?d=AQ&w=130&url=" + q(photo) + "&_nc_hash=AQ", "Facebook", photo},
		{"GitHub", "https://camo.githubusercontent.com/d1e57/" + hex.EncodeToString([]byte(photo)), "GitHub", photo},
		{"Wayback Machine", "https://web.archive.org/web/20220411130413if_/" + photo, "Wayback Machine", photo},
		{"Wayback Machine, short stamp", "https://web.archive.org/web/2023id_/https://images.example.org/a.png?b=1", "Wayback Machine", "https://images.example.org/a.png?b=1"},
		{"Wayback Machine, no scheme", "https://web.archive.org/web/2023/images.example.org/a.png", "Wayback Machine", "http://images.example.org/a.png"},
		{"AMP cache", "https://images-example-org.cdn.ampproject.org/i/s/images.example.org/2023/09/a%20b.jpg", "AMP cache", photo},
		{"AMP cache, width, no TLS", "https://images-example-org.cdn.ampproject.org/ii/w820/images.example.org/a.jpg", "AMP cache", "http://images.example.org/a.jpg"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inner, wrapper, ok := mustParse(t, tt.text).Unwrap()
			if !ok || wrapper != tt.wrapper || inner.String() != tt.want {
				t.Errorf("Unwrap(%s)\n got %q, %q, %t\nwant %q, %q, true", tt.text, inner, wrapper, ok, tt.want, tt.wrapper)
			}
		})
	}
}

func TestUnwrapLeavesAlone(t *testing.T) {
	for _, text := range []string{
		photo,
		"/iu/?u=https%3A%2F%2Fimages.example.org%2Fa.jpg",
		"https://evil.example/iu/?u=https%3A%2F%2Fimages.example.org%2Fa.jpg",
		"https://external-content.duckduckgo.com.evil.example/iu/?u=https%3A%2F%2Fimages.example.org%2Fa.jpg",
		"https://external-content.duckduckgo.com/iu/?u=",
		"https://external-content.duckduckgo.com/iu/?u=%zz",
		"https://external-content.duckduckgo.com/iu/?u=file%3A%2F%2F%2Fetc%2Fpasswd",
		"https://external-content.duckduckgo.com/iu/?u=javascript%3Aalert(1)",
		"https://external-content.duckduckgo.com/iu/?u=https%3A%2F%2Fuser%3Apw%40images.example.org%2Fa.jpg",
		"https://external-content.duckduckgo.com/iu/?u=http%3A%2F%2F127.1%2F",
		"https://www.google.com/url?sa=i&url=https%3A%2F%2Fexample.org%2Fpage.html",
		"https://www.google.evil.example/imgres?imgurl=https%3A%2F%2Fimages.example.org%2Fa.jpg",
		"https://encrypted-tbn0.gstatic.com/images?q=tbn:ANd9",
		"https://th.bing.com/th/id/OIP.4iy?w=271&h=180",
		"https://i0.wp.com/localfile/x",
		"https://res.cloudinary.com/x/image/upload/v1/a.jpg",
		"https://res.cloudinary.com/x/image/fetch/w_5/ftp://images.example.org/a",
		"https://camo.githubusercontent.com/d1e57/nothex",
		"https://camo.githubusercontent.com/d1e57/ff00",
		"https://web.archive.org/web/*/https://images.example.org/a.png",
		"https://www.example.com/cdn-cgi/image/a.jpg",
		"https://cdn.ampproject.org/v0.js",
	} {
		if inner, wrapper, ok := mustParse(t, text).Unwrap(); ok || !inner.IsZero() || wrapper != "" {
			t.Errorf("Unwrap(%s) = %q, %q, %t; want nothing", text, inner, wrapper, ok)
		}
	}
	if _, _, ok := (Source{}).Unwrap(); ok {
		t.Error("Unwrap of the zero Source is ok")
	}
}

func TestOpaque(t *testing.T) {
	tests := []struct{ text, want string }{
		{"https://th.bing.com/th/id/OIP.4iy?w=271&h=180&pid=1.7", "Bing"},
		{"https://th.bing.com/th?q=CSS+Icon&w=120", "Bing"},
		{"https://tse2.mm.bing.net/th?id=OIP.dG&pid=Api", "Bing"},
		{"https://external-content.duckduckgo.com/iu/?u=https%3A%2F%2Ftse2.mm.bing.net%2Fth%3Fid%3DOIP.dG%26pid%3DApi&f=1", "Bing"},
		{"https://encrypted-tbn0.gstatic.com/images?q=tbn:ANd9", "Google"},
		{"https://th.bing.com/th/id/R.4e0?riu=https%3a%2f%2fimages.example.org%2fa.jpg", ""},
		{"https://www.bing.com/themes/a.jpg", ""},
		{photo, ""},
		{"/th", ""},
	}
	for _, tt := range tests {
		if got, ok := mustParse(t, tt.text).Opaque(); got != tt.want || ok != (tt.want != "") {
			t.Errorf("Opaque(%s) = %q, %t; want %q", tt.text, got, ok, tt.want)
		}
	}
}

func TestPage(t *testing.T) {
	tests := []struct{ text, want string }{
		{"https://unsplash.com/photos/2wFRkQ", "images.unsplash.com"},
		{"https://unsplash.com/de/photos/ein-haus-2wFRkQ", "images.unsplash.com"},
		{"https://source.unsplash.com/random", "shut down"},
		{"https://www.pexels.com/photo/a-cat-123/", "images.pexels.com"},
		{"https://pixabay.com/photos/cat-123/", "download the picture"},
		{"https://drive.google.com/file/d/1cvi/view?usp=sharing", "https://drive.google.com/uc?export=view&id=1cvi"},
		{"https://drive.google.com/open?id=1cvi", "https://drive.google.com/uc?export=view&id=1cvi"},
		{"https://drive.google.com/uc?export=view&amp;id=1chR", "https://drive.google.com/uc?export=view&id=1chR"},
		{"https://imgur.com/a/Tteit", "i.imgur.com"},
		{"https://imgur.com/Tteit", "https://i.imgur.com/Tteit.jpg"},
		{"https://github.com/o/r/blob/main/a%20b.png", "https://raw.githubusercontent.com/o/r/main/a%20b.png"},
		{"https://gitlab.com/o/r/-/blob/main/a.png", "https://gitlab.com/o/r/-/raw/main/a.png"},
		{"https://www.google.com/url?sa=i&url=https%3A%2F%2Fwww.example.org%2Fpage.html%0A&psig=x", "https://www.example.org/page.html:"},
		{"https://www.google.com/search?q=cat&tbm=isch", "search results"},
		{"https://commons.wikimedia.org/wiki/File:Z%C3%BCrich.jpg", "Special:FilePath/Z%C3%BCrich.jpg"},
		{"https://www.flickr.com/photos/someone/123/", "live.staticflickr.com"},
		{"https://www.dropbox.com/s/abc/a.jpg?dl=0", "raw=1"},
		{"https://photos.app.goo.gl/abc", "Google Photos"},
		{"https://www.instagram.com/p/abc/", "Instagram"},

		{"https://www.google.com/imgres?imgurl=https%3A%2F%2Fimages.example.org%2Fa.jpg", "https://images.example.org/a.jpg"},
		{"https://images.google.de/imgres?imgurl=https%3A%2F%2Fimages.example.org%2Fa.jpg", "https://images.example.org/a.jpg"},
		{"https://www.bing.com/images/search?view=detailV2&mediaurl=https%3A%2F%2Fimages.example.org%2Fa.jpg", "https://images.example.org/a.jpg"},
		{"https://duckduckgo.com/?q=cat&iax=images&ia=images&iai=https%3A%2F%2Fimages.example.org%2Fa.jpg", "https://images.example.org/a.jpg"},
		{"https://duckduckgo.com/?q=cat&iax=images&ia=images", "search results"},
		{"https://imgur.com/r/cats/Tteit", "i.imgur.com"},
		{"https://imgur.com/user/someone", "i.imgur.com"},
		{"https://drive.google.com/drive/folders/1cvi", "folder of Google Drive"},
		{"https://de.wikipedia.org/wiki/Datei:Z%C3%BCrich.jpg", "Special:FilePath/Z%C3%BCrich.jpg"},

		{"https://unsplash.com/photos/2wFRkQ/download", ""},
		{"https://external-content.duckduckgo.com/iu/?u=https%3A%2F%2Fimages.example.org%2Fa.jpg", ""},
		{"https://duckduckgo.com/i/a1b2.png", ""},
		{"https://images.unsplash.com/photo-123", ""},
		{"https://images.pexels.com/photos/123/a.jpeg", ""},
		{"https://cdn.pixabay.com/photo/2020/a.jpg", ""},
		{"https://drive.google.com/uc?export=view&id=1chR", ""},
		{"https://imgur.com/Tteit.png", ""},
		{"https://imgur.com/download/Tteit", ""},
		{"https://i.imgur.com/Tteit.png", ""},
		{"https://github.com/o/r/blob/main/a.png?raw=true", ""},
		{"https://github.com/o/r/raw/main/a.png", ""},
		{"https://www.dropbox.com/s/abc/a.jpg?raw=1", ""},
		{"https://unsplash.com.evil.example/photos/2wFRkQ", ""},
		{"/photos/2wFRkQ", ""},
	}
	for _, tt := range tests {
		hint, ok := mustParse(t, tt.text).Page()
		if ok != (tt.want != "") || !strings.Contains(hint, tt.want) || strings.ContainsAny(hint, "\r\n") {
			t.Errorf("Page(%s) = %q, %t; want a hint with %q", tt.text, hint, ok, tt.want)
		}
	}
}

func TestWrapperPage(t *testing.T) {
	for text, want := range map[string]bool{
		"https://www.google.com/imgres?imgurl=https%3A%2F%2Fimages.example.org%2Fa.jpg":           true,
		"https://www.bing.com/images/search?mediaurl=https%3A%2F%2Fimages.example.org%2Fa.jpg":    true,
		"https://duckduckgo.com/?iai=https%3A%2F%2Fimages.example.org%2Fa.jpg":                    true,
		"https://www.google.com/imgres?imgurl=javascript:alert(1)":                                false,
		"https://external-content.duckduckgo.com/iu/?u=https%3A%2F%2Fimages.example.org%2Fa.jpg":  false,
		"https://i0.wp.com/www.google.com/imgres?imgurl=https%3A%2F%2Fimages.example.org%2Fa.jpg": false,
		"https://unsplash.com/photos/2wFRkQ":                                                      false,
		"/imgres":                                                                                 false,
	} {
		if got := mustParse(t, text).WrapperPage(); got != want {
			t.Errorf("WrapperPage(%s) = %t, want %t", text, got, want)
		}
	}
}

// TestPatterns proves the tables' constants, whose errors parts.at ignores.
func TestPatterns(t *testing.T) {
	var hosts []string
	for _, w := range wrappers {
		hosts = append(hosts, w.hosts...)
	}
	for _, w := range thumbnails {
		hosts = append(hosts, w.hosts...)
	}
	for _, p := range pages {
		hosts = append(hosts, p.hosts...)
	}
	for _, h := range hosts {
		if _, err := path.Match(h, "images.example.org"); err != nil || h != strings.ToLower(h) {
			t.Errorf("pattern %q: %v", h, err)
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	for _, w := range wrappers {
		host := "a.example"
		if len(w.hosts) > 0 {
			host = strings.NewReplacer("*", "a", "?", "d", "[0-3]", "1", "[0-9]", "1").Replace(w.hosts[0])
		}
		at := "https://" + host + strings.Trim(w.path, "^$")
		for _, rest := range []string{"?u=%68ttps%253A%252F%252Fb.example", "?url=/b&riu=http://b.example&imgurl=//b.example", "x/https://b.example/c?d", "/s/b.example/c"} {
			f.Add(at + rest)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseURL(text)
		if err != nil {
			return
		}
		inner, wrapper, ok := s.Unwrap()
		if ok != (wrapper != "") || ok == inner.IsZero() {
			t.Fatalf("Unwrap(%q) = %q, %q, %t", s, inner, wrapper, ok)
		}
		if !ok {
			return
		}
		checkCanonical(t, inner)
		if !inner.Remote() || inner == s {
			t.Errorf("Unwrap(%q) = %q", s, inner)
		}
	})
}

func BenchmarkUnwrap(b *testing.B) {
	for name, text := range map[string]string{
		"wrapped": "https://external-content.duckduckgo.com/iu/?u=https%3A%2F%2Fimages.example.org%2Fa%2Fb.jpg&f=1",
		"plain":   photo,
	} {
		s, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Unwrap()
			}
		})
	}
}
