package source

import (
	"errors"
	"strings"
	"testing"
	"testing/quick"
)

func TestParseCanonical(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"as it is", "https://example.org/a.jpg", "https://example.org/a.jpg"},
		{"scheme and host lower, default port dropped, blank encoded", "HTTPS://Example.ORG:443/a b.jpg", "https://example.org/a%20b.jpg"},
		{"protocol-relative", "//example.org/a.jpg", "https://example.org/a.jpg"},
		{"surrounding blanks", "  https://example.org/a.jpg ", "https://example.org/a.jpg"},
		{"http keeps its port 443", "http://example.org:443/", "http://example.org:443/"},
		{"https keeps its port 80", "https://example.org:80/", "https://example.org:80/"},
		{"no path", "https://example.org", "https://example.org/"},
		{"no path but a query", "https://example.org?a=1", "https://example.org/?a=1"},
		{"empty query stays", "https://example.org/a?", "https://example.org/a?"},
		{"trailing dot of the host", "https://example.org./a", "https://example.org/a"},
		{"IDN", "https://bücher.example/ä.jpg", "https://xn--bcher-kva.example/%C3%A4.jpg"},
		{"IDN in escapes", "https://b%C3%BCcher.example/", "https://xn--bcher-kva.example/"},
		{"ß is kept apart from ss (UTS 46, non-transitional)", "https://straße.example/", "https://xn--strae-oqa.example/"},
		{"ideographic full stops", "https://www。example。org/", "https://www.example.org/"},
		{"underscore in the host", "https://my_bucket.example.org/", "https://my_bucket.example.org/"},
		{"hyphens where UTS 46 has none", "https://r3---sn-4g5e.example.org/", "https://r3---sn-4g5e.example.org/"},
		{"dot segments", "https://example.org/a/./b/../c", "https://example.org/a/c"},
		{"encoded dot segments", "https://example.org/a/%2e%2E/c", "https://example.org/c"},
		{"dot segments above the root", "https://example.org/../../c", "https://example.org/c"},
		{"dot segment at the end", "https://example.org/a/b/..", "https://example.org/a/"},
		{"slashes in the path stay", "https://example.org/x/https://example.com//a", "https://example.org/x/https://example.com//a"},
		{"escapes upper-case", "https://example.org/%c3%a4?u=%3a%2f", "https://example.org/%C3%A4?u=%3A%2F"},
		{"unreserved decoded", "https://example.org/%41%7e%2D?%5F=%61", "https://example.org/A~-?_=a"},
		{"reserved not decoded", "https://example.org/a%2Fb%3F%23", "https://example.org/a%2Fb%3F%23"},
		{"double encoding stays", "https://example.org/?u=https%253A%252F%252Fx", "https://example.org/?u=https%253A%252F%252Fx"},
		{"lonely percent signs", "https://example.org/100%/50%z?a=5%", "https://example.org/100%25/50%25z?a=5%25"},
		{"percent before an escape", "https://example.org/%4%31", "https://example.org/%2541"},
		{"brackets", "https://example.org/[a]?b[]=%5b", "https://example.org/%5Ba%5D?b%5B%5D=%5B"},
		{"quotes and braces", "https://example.org/\"{a}|`^<>\\", "https://example.org/%22%7Ba%7D%7C%60%5E%3C%3E%5C"},
		{"sub-delimiters stay", "https://example.org/a!$&'()*+,;=:@b?c!$&'()*+,;=:@/?d", "https://example.org/a!$&'()*+,;=:@b?c!$&'()*+,;=:@/?d"},
		{"plus is not a blank", "https://example.org/a+b?c+d", "https://example.org/a+b?c+d"},
		{"S44 escaped CR LF in path and query stay escaped", "https://example.org/a%0d%0ab?c%0D%0Ad", "https://example.org/a%0D%0Ab?c%0D%0Ad"},
		{"line separator", "https://example.org/a\u2028b", "https://example.org/a%E2%80%A8b"},
		{"IPv4", "http://192.0.2.1/", "http://192.0.2.1/"},
		{"S41 IPv4 with trailing dot", "http://127.0.0.1./", "http://127.0.0.1/"},
		{"circled IPv4", "http://①②⑦.⓪.⓪.①/", "http://127.0.0.1/"},
		{"full-width IPv4", "http://１２７.０.０.１/", "http://127.0.0.1/"},
		{"IPv6", "http://[2001:DB8:0:0::1]:8080/", "http://[2001:db8::1]:8080/"},
		{"S41 localhost", "http://LOCALHOST./", "http://localhost/"},
		{"S36 upper-case scheme", "HTTP://example.org/", "http://example.org/"},

		{"site path", "/img/a.jpg", "/img/a.jpg"},
		{"site path is literal", "/img/a b%20c?d#e.jpg", "/img/a b%20c?d#e.jpg"},
		{"site path is cleaned", "/img/../img/./a b.jpg", "/img/a b.jpg"},
		{"site path in any script", "/bilder/März/日本.jpg", "/bilder/März/日本.jpg"},
		{"site path keeps blanks", "/ a .jpg ", "/ a .jpg "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.String(); got != tt.want {
				t.Errorf("Parse(%q) = %q, want %q", tt.text, got, tt.want)
			}
			checkCanonical(t, s)
		})
	}
}

// TestParseRefuses has the rows of the fault matrix that a URL's text alone decides.
func TestParseRefuses(t *testing.T) {
	groups := map[string][]string{
		"empty":                {"", " ", "\t"},
		"relative":             {"a.jpg", "img/a.jpg", "./a.jpg", "?a", "example.org/a.jpg"},
		"S18 zones":            {"http://[fe80::1%25lo]/", "http://[::1%25lo]/", "http://[fe80::1%lo]/"},
		"mapped IPv4":          {"http://[::ffff:127.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://[0:0:0:0:0:ffff:10.0.0.1]/", "http://[::ffff:8.8.8.8]/"},
		"IPv4 in brackets":     {"http://[127.0.0.1]/", "http://[example.org]/", "http://[]/"},
		"IPv6 without":         {"http://::1/", "http://2001:db8::1/"},
		"S34 ports":            {"http://a.example:0/", "http://a.example:65536/", "http://a.example:-1/", "http://a.example:80:80/", "http://a.example:080/", "http://a.example:+80/", "http://a.example:/", "http://a.example:8x/"},
		"S39 user names":       {"http://good@127.0.0.1/", `http://127.0.0.1:80\@good/`, "http://good#@127.0.0.1/", "http://1.1.1.1 &@2.2.2.2#@3.3.3.3/", "http://user:secret@a.example/", "http://@a.example/"},
		"S39 no host":          {"http:127.0.0.1/", "http:///x", "http://", "https://?x", "//", "///x/y", "http://:80/"},
		"fragment":             {"https://a.example/a.jpg#b", "https://a.example/#", "https://a.example/?a#b"},
		"S44 CR and LF":        {"http://a.example/\r\nX: y", "http://a.example/\n", "http://a.example%0d%0a/", "http://a.example%0d%0aX:y/", "/img/\x00a.jpg", "http://a.example/\u0085", "http://a.example/\x7f"},
		"not UTF-8":            {"http://a.example/\xff", "/img/\xff"},
		"odd hosts":            {"http://a..example/", "http://.example/", "http://a.example../", "http://a b/", "http://a%20b/", "http://a%2fb/", "http://*.example/", "http://a,b/", "http://xn--zz--zz/"},
		"long label":           {"http://" + strings.Repeat("a", 64) + ".example/"},
		"long name":            {"http://" + strings.Repeat("a.", 127) + "example/"},
		"long URL":             {"https://a.example/" + strings.Repeat("a", MaxLen), "https://a.example/" + strings.Repeat("ä", MaxLen/3)},
		"long site path":       {"/" + strings.Repeat("a", MaxLen)},
		"F01 outside the root": {"/..", "/../etc/passwd", "/a/../../b", "/", "/.", `/a\b`, `/..\b`},
	}
	for _, scheme := range []string{"file", "ftp", "gopher", "dict", "ldap", "tftp", "jar", "data", "javascript", "blob", "unix", "http+unix", "netdoc", "view-source", ""} {
		groups["S36 schemes"] = append(groups["S36 schemes"], scheme+"://a.example/a.jpg", scheme+":a.example")
	}
	for _, host := range []string{
		"127.1", "127.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0x0", "0x7f.1", "017700000001", "127.000.000.001",
		"0251.0376.0251.0376", "0xA9FEA9FE", "2852039166", "169.254.43518", "192.168.257", "0x", "1.2.3.4.5", "256.1.1.1",
		"127.0.0.0x1", "127.0.0.08", "a.example.1", "１２７.１", "①②⑦.1", "127。1", "%31%32%37.1", "0X7F.1", "٣.1", "4294967296", "00", "127.0.0.1.0x",
	} {
		groups["S20 inet_aton"] = append(groups["S20 inet_aton"], "http://"+host+"/", "http://"+host+"./", "http://"+host+":80/")
	}
	for name, texts := range groups {
		t.Run(name, func(t *testing.T) {
			for _, text := range texts {
				if s, err := Parse(text); !errors.Is(err, ErrInvalid) {
					t.Errorf("Parse(%q) = %q, %v; want ErrInvalid", text, s, err)
				} else if !s.IsZero() {
					t.Errorf("Parse(%q) = %q beside its error; want the zero Source", text, s)
				}
			}
		})
	}
}

func TestErrorsKeepSecrets(t *testing.T) {
	for _, text := range []string{"https://user:hunter2@a.example/", "https://user:hunter2@a.example:99999/", "ftp://user:hunter2@a.example/", "https://hunter2@/"} {
		if _, err := Parse(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Parse(%q): %v; want an error without the password", text, err)
		}
	}
}

func TestLocal(t *testing.T) {
	tests := []struct{ name, want string }{
		{"a.jpg", "/a.jpg"},
		{"./a.jpg", "/a.jpg"},
		{"//a.jpg", "/a.jpg"},
		{"img//b/../a.jpg", "/img/a.jpg"},
		{"....//a.jpg", "/..../a.jpg"},
		{"img/", "/img"},
	}
	for _, tt := range tests {
		if s, err := Local(tt.name); err != nil || s.String() != tt.want {
			t.Errorf("Local(%q) = %q, %v; want %q", tt.name, s, err, tt.want)
		}
	}
	for _, name := range []string{"", ".", "..", "../a", "a/../..", "/../a", `a\b`, "a\x00", strings.Repeat("a", MaxLen)} {
		if s, err := Local(name); !errors.Is(err, ErrInvalid) {
			t.Errorf("Local(%q) = %q, %v; want ErrInvalid", name, s, err)
		}
	}
}

func TestAccessors(t *testing.T) {
	tests := []struct {
		text             string
		host, path, base string
		port             uint16
		insecure         bool
	}{
		{"https://example.org/a/b%20c.jpg?d=e", "example.org", "", "b c.jpg", 443, false},
		{"http://example.org", "example.org", "", "", 80, true},
		{"https://[2001:db8::1]:8443/x/", "2001:db8::1", "", "", 8443, false},
		{"https://example.org/a%0D%0A%FFb.jpg", "example.org", "", "ab.jpg", 443, false},
		{"https://example.org/a%2F..", "example.org", "", "", 443, false},
		{"https://example.org/a%2Fb.jpg", "example.org", "", "b.jpg", 443, false},
		{"https://example.org/a%E2%80%AEgpj.exe", "example.org", "", "agpj.exe", 443, false},
		{"/img/a b%20.jpg", "", "img/a b%20.jpg", "a b%20.jpg", 0, false},
	}
	for _, tt := range tests {
		s := mustParse(t, tt.text)
		if s.Host() != tt.host || s.Path() != tt.path || s.Base() != tt.base || s.Port() != tt.port || s.Insecure() != tt.insecure {
			t.Errorf("%s: host %q path %q base %q port %d insecure %t; want %+v", tt.text, s.Host(), s.Path(), s.Base(), s.Port(), s.Insecure(), tt)
		}
		if s.Remote() != (tt.host != "") || s.IsZero() {
			t.Errorf("%s: Remote %t, IsZero %t", tt.text, s.Remote(), s.IsZero())
		}
	}
	var zero Source
	if !zero.IsZero() || zero.Remote() || zero.Insecure() || zero.Base() != "" || zero.Path() != "" || zero.String() != "" {
		t.Errorf("zero Source: base %q, path %q, text %q; want all empty", zero.Base(), zero.Path(), zero)
	}
}

// TestQuick draws texts from the characters that parsers disagree about.
func TestQuick(t *testing.T) {
	const alphabet = `/:?#[]@!$&'()*+,;=%.\ -_~"<>{}|^aZ0129fxüß。１é日` + "\u202e\u00ad"
	runes := []rune(alphabet)
	build := func(picks []uint16) string {
		var b strings.Builder
		for _, p := range picks {
			b.WriteRune(runes[int(p)%len(runes)])
		}
		return b.String()
	}
	canonical := func(host, rest []uint16, form uint8) bool {
		text := []string{"http://a" + build(host) + "/", "https://example.org/", "//a.example", "/", "https://[", "http://example.org:"}[form%6] + build(rest)
		s, err := Parse(text)
		if err != nil {
			return errors.Is(err, ErrInvalid) && s.IsZero()
		}
		checkCanonical(t, s)
		return !t.Failed()
	}
	if err := quick.Check(canonical, &quick.Config{MaxCount: 20_000}); err != nil {
		t.Error(err)
	}
}

func mustParse(t *testing.T, text string) Source {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return s
}

// checkCanonical proves what every Source promises.
func checkCanonical(t *testing.T, s Source) {
	t.Helper()
	text := s.String()
	again, err := Parse(text)
	if err != nil {
		t.Errorf("Parse(%q), a canonical text: %v", text, err)
	}
	if again != s {
		t.Errorf("Parse(%q) = %#v, want %#v", text, again, s)
	}
	if len(text) > MaxLen {
		t.Errorf("%q is longer than MaxLen", text)
	}
	if !s.Remote() {
		if !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") {
			t.Errorf("site path %q does not begin with one slash", text)
		}
		return
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}#@", c) >= 0 && c != '@' {
			t.Errorf("%q holds byte %#x", text, c)
		}
	}
	if s.Host() == "" || s.Port() == 0 || s.Host() != strings.ToLower(s.Host()) {
		t.Errorf("%q: host %q, port %d", text, s.Host(), s.Port())
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"https://Example.ORG:443/a b.jpg", "//example.org/a", "/img/a.jpg", "http://[2001:db8::1%25lo]/", "http://127.1/", "https://bücher.example/%zz?%41",
		"http://user@a.example/", "https://a.example/%2e%2e/[x]", "http://xn--bcher-kva.example./", "http://１２７.０.０.１/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrInvalid) || !s.IsZero() {
				t.Fatalf("Parse(%q) = %q, %v", text, s, err)
			}
			return
		}
		checkCanonical(t, s)
		if strings.ContainsAny(s.Base(), "/\r\n") {
			t.Errorf("%q: base %q", s, s.Base())
		}
		s.Page()
		s.Opaque()
	})
}

func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{
		"wrapped": "https://external-content.duckduckgo.com/iu/?u=https%3A%2F%2Fimages.example.org%2Fa%2Fb.jpg&f=1&nofb=1&ipt=ca0d9786e63f70d482&ipo=images",
		"plain":   "https://images.example.org/wp-content/uploads/2023/09/photo.jpg",
		"local":   "/assets/img/photo.jpg",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestWithheld(t *testing.T) {
	for name, want := range map[string]string{
		".env": "hidden", "a/.git/config": "hidden", ".well-known/a.jpg": "hidden", "post.md~": "copy", "a.jpg~": "copy", "a.JSON": ".json",
		"post.qmd": ".qmd", "a.jpg.bak": ".bak", "id.pem": ".pem",
		"a.jpg": "", "img/a": "", "img/a.unknown": "", "a.b/c.png": "", "md": "", "": "", "../a.jpg": "", "./a.jpg": "",
	} {
		why, ok := Withheld(name)
		if ok != (want != "") || !strings.Contains(why, want) {
			t.Errorf("Withheld(%q) = %q, %t, want %q", name, why, ok, want)
		}
	}
}

func TestResolve(t *testing.T) {
	const base = "https://example.org/a/b.jpg?c=d"
	for reference, want := range map[string]string{
		"/100%.jpg": "https://example.org/100%25.jpg", "x y.jpg": "https://example.org/a/x%20y.jpg", "../x.jpg?y=%zz": "https://example.org/x.jpg?y=%25zz",
		"?e": "https://example.org/a/b.jpg?e", "#f": base, "x#f": "https://example.org/a/x", "//b\u00fccher.example/ä": "https://xn--bcher-kva.example/%C3%A4",
		"http://example.com:8080/x": "http://example.com:8080/x", " /x ": "https://example.org/x", "/x/https://y.example//z": "https://example.org/x/https://y.example//z",
		"": "", "file:///etc/passwd": "", "https://me:hunter2@example.org/": "", "https://me:hunter2@[::1/": "", "mailto:a@example.org": "", "/x\r\ny": "", "//127.1/": "",
	} {
		got, err := mustParse(t, base).Resolve(reference)
		if got.String() != want || (err == nil) != (want != "") || err != nil && (!errors.Is(err, ErrInvalid) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("Resolve(%q) = %q, %v, want %q", reference, got, err, want)
		}
	}
	if got, err := mustParse(t, "/a.jpg").Resolve("b.jpg"); !errors.Is(err, ErrInvalid) {
		t.Errorf("from a file: got %q, %v", got, err)
	}
}

func TestMaskPasswords(t *testing.T) {
	for text, want := range map[string]string{
		`"http://u:p@example.com/a.jpg" cannot`:             `"http://u:…@example.com/a.jpg" cannot`,
		"https://u:p%40q@example.com":                       "https://u:…@example.com",
		"https://:p@example.com":                            "https://:…@example.com",
		"https://token@example.com/a":                       "https://…@example.com/a",
		"https://wsrv.nl/?url=http://u:p@example.com/a.jpg": "https://wsrv.nl/?url=http://u:…@example.com/a.jpg",
		"http://u:p@one and http://u:q@two":                 "http://u:…@one and http://u:…@two",
		"https://example.com/@ann/a.jpg":                    "https://example.com/@ann/a.jpg",
		"https://example.com:8080/a@2x.jpg":                 "https://example.com:8080/a@2x.jpg",
		"https://example.com?at=@":                          "https://example.com?at=@",
		"write to ann@example.com":                          "write to ann@example.com",
	} {
		if got := MaskPasswords(text); got != want {
			t.Errorf("MaskPasswords(%q) = %q, want %q", text, got, want)
		}
	}
}
