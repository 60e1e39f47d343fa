package proxy

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/sign"
	"github.com/dd8bf596/cutline/internal/transform"
)

const (
	signKey  = "4Jx0V7mQ2sYb9tLr6WzK1nHc8dPf3gEa"
	otherKey = "oT5uNw3RiXe7vGk1CzMq8yJh4sLb6dFp"
	token    = "FOO123bar"
	elseURL  = "/https%3A%2F%2Felsewhere.example%2Fa.jpg"
)

// newSignDesk is a newDialectDesk with keys and a token.
func newSignDesk(t *testing.T) *desk {
	t.Helper()
	d := newDialectDesk(t)
	keys, err := sign.NewKeys(signKey, otherKey)
	if err != nil {
		t.Fatal(err)
	}
	d.o.Keys, d.o.ImgixToken = keys, token
	return d
}

func signed(t *testing.T, key, target string, exp time.Time) string {
	t.Helper()
	keys, err := sign.NewKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	out, err := keys.Sign(target, exp)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func byImgix(target string) string {
	sum := md5.Sum([]byte(token + target))
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	return target + separator + "s=" + hex.EncodeToString(sum[:])
}

// looks is how often anything behind the proxy was asked.
func (d *desk) looks() int {
	d.stub.mu.Lock()
	defer d.stub.mu.Unlock()
	return len(d.stub.asked) + d.stub.probed
}

// A signature opens sizes, qualities and sources, each exactly as it is asked for.
func TestSignaturesOpen(t *testing.T) {
	d := newSignDesk(t)
	fox := "/i/" + d.id("fox")
	for _, tt := range []struct{ target, want, location string }{
		{fox + "/w801.webp", "w801.webp", ""},
		{fox + "/w801-h333-cover-q61.jpg", "w801-h333-cover-q61.jpg", ""},
		{fox + "/w828.webp", "w828.webp", fox + "/w828.webp"},
		{fox + "/hero.webp", "w1600.webp", fox + "/w1600.webp"},
		{fox + "/w801.webp?v=abcdef0124", "w801.webp", ""},
		{"/p/fox/w33-anim.gif", "w33-anim.gif", ""},
		{"/p/fox/w801-kb60-bg102030.png", "w801-kb60-bg102030.png", ""},
		{"/" + foxURL + "?w=801&q=61&fm=webp", "w801-q61.webp", ""},
		{"/" + foxURL + "?w=900&h=100&fit=crop&fm=webp", "w900-h100-cover-center.webp", ""},
		{"/" + foxURL + "?w=828&fm=webp", "w828.webp", fox + "/w828.webp"},
		{"/" + foxURL + "?fm=webp", "webp", ""},
		{"/" + foxURL + "?w=33&bg=102030&fm=png", "w33-bg102030.png", ""},
		{elseURL + "?w=801&fm=jpg", "w801.jpg", ""},
		{elseURL, "jpg", ""},
		{"/assets/images/other.jpg?w=801&fm=jpg", "w801.jpg", ""},
	} {
		for _, key := range []string{signKey, otherKey} {
			resp, body := d.get(signed(t, key, tt.target, time.Time{}))
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d %s", tt.target, resp.StatusCode, body)
			}
			if got := strings.TrimPrefix(d.asked(), "."); got != tt.want {
				t.Errorf("%s asks for %s, want %s", tt.target, got, tt.want)
			}
			if got := resp.Header.Get("Content-Location"); got != tt.location {
				t.Errorf("%s: Content-Location %q, want %q", tt.target, got, tt.location)
			}
			if got := resp.Header.Get("Cache-Control"); got != cacheDay {
				t.Errorf("%s: Cache-Control %q", tt.target, got)
			}
		}
	}
}

// Without one, widths snap, and the rest is refused.
func TestWithoutSignatures(t *testing.T) {
	d := newSignDesk(t)
	for path, want := range map[string]string{"/p/fox/w801.webp": "w828.webp", "/" + foxURL + "?w=801&q=61&fm=webp": "w828-q75.webp"} {
		if resp, _ := d.get(path); resp.StatusCode != http.StatusOK || d.asked() != want {
			t.Errorf("%s: %d, asks for %s, want %s", path, resp.StatusCode, d.asked(), want)
		}
	}
	for _, path := range []string{
		"/p/fox/w801-q61.webp", elseURL + "?w=801", "/" + foxURL + "?w=90&h=900&fit=crop", "/" + foxURL + "?h=300&bg=102030", "/p/none/w801-q61.webp",
	} {
		looks := d.looks()
		resp, body := d.get(path)
		if resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "ithout a signature") || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %q", path, resp.StatusCode, body)
		}
		if d.looks() != looks {
			t.Errorf("%s: something was looked at", path)
		}
	}
}

// K01: no address with a wrong signature is answered, though it needed none; nothing is looked up, be it there or not.
func TestWrongSignatures(t *testing.T) {
	d := newSignDesk(t)
	good := signed(t, signKey, "/p/fox/w801.webp", time.Time{})
	sig := good[strings.Index(good, "s=")+2:]
	n := d.looks()
	for _, target := range []string{
		"/p/fox/w801.webp?s=", "/p/fox/w801.webp?s=" + sig[1:], "/p/fox/w801.webp?s=" + sig + "=", "/p/fox/w801.webp?s=" + sig + "%3D",
		"/p/fox/w802.webp?s=" + sig, "/p/fox/hero.webp?s=" + sig, "/p/fox/hero.webp?s=", "/p/none/hero.webp?s=" + sig, "/p/fox/junk.webp?s=" + sig,
		"/p//x?s=" + sig, "/p/fox/w801.webp?s=%" + "41" + sig[1:], "/p/fox/w801.webp?s=" + strings.ToLower(sig), "/i/0000000000000000/hero.webp?s=" + sig,
		"/p/fox/w801.webp?exp=9999999999&s=" + sig, "/i/" + d.id("fox") + "/w801.webp?s=" + sig, "/p/fox/meta.json?s=" + sig, "/p/fox/figure.html?s=" + sig,
		"/" + foxURL + "?w=801&s=" + sig, "/" + foxURL + "?s=" + sig, elseURL + "?s=" + sig, "/favicon.ico?s=" + sig, "/" + foxURL + "?w=801&s=",
		byImgix("/" + foxURL + "?w=801")[:20] + "x", byImgix("/"+foxURL+"?w=801") + "0", strings.Replace(byImgix("/"+foxURL+"?w=801"), "801", "802", 1),
		byImgix("/p/fox/w801.webp"), // in the dialect only
	} {
		if !strings.Contains(target, "s=") {
			target += "?s=" + hex.EncodeToString(make([]byte, 16))
		}
		resp, body := d.get(target)
		if resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "not that of this address") || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %q", target, resp.StatusCode, body)
		}
	}
	// Where it is not the last parameter, it is none, and no parameter.
	for _, target := range []string{"/p/fox/w801.webp?s=" + sig + "&v=1", "/p/fox/w801.webp?s=" + sig + "&s=" + sig, "/p/fox/w801.webp?S=" + sig, "/p/fox/hero.webp?exp=1"} {
		if resp, body := d.get(target); resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d %q", target, resp.StatusCode, body)
		}
	}
	if d.looks() != n {
		t.Error("something was looked at for an address with a wrong signature")
	}
	if resp, _ := d.get(good); resp.StatusCode != http.StatusOK {
		t.Errorf("the right one: %d", resp.StatusCode)
	}
}

// K04: an expired address is refused although its picture is in the cache, and no cache on the way keeps it longer.
func TestExpiry(t *testing.T) {
	d := newSignDesk(t)
	d.http.Close()
	fox, version := "/i/"+d.id("fox"), "?v="+versionOf(original)
	synctest.Test(t, func(t *testing.T) {
		ask := func(target string) *httptest.ResponseRecorder {
			rec := httptest.NewRecorder()
			d.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
			return rec
		}
		start := time.Now()
		exp := start.Add(time.Hour)
		imgixTarget := byImgix(fmt.Sprintf("/%s?expires=%d&w=801&fm=webp", foxURL, exp.Unix()))
		far := signed(t, signKey, fox+"/w801.webp"+version, start.Add(10*365*24*time.Hour))
		all := []string{
			signed(t, signKey, fox+"/w801.webp", exp), signed(t, otherKey, "/p/fox/hero.webp", exp), signed(t, signKey, fox+"/w801.webp"+version, exp),
			signed(t, signKey, elseURL+"?w=801&fm=jpg", exp), imgixTarget, signed(t, signKey, elseURL+"?fm=json", exp), signed(t, signKey, "/"+foxURL+"?fm=blurhash", exp),
		}
		for _, left := range []int{3600, 10} {
			time.Sleep(time.Until(exp) - time.Duration(left)*time.Second)
			for _, target := range all {
				age := left
				if strings.Contains(target, "fm=json") || strings.Contains(target, "blurhash") {
					age = min(left, 60) // theirs in any case
				}
				rec := ask(target)
				if got, want := rec.Header().Get("Cache-Control"), fmt.Sprintf("public, max-age=%d, must-revalidate", age); rec.Code != http.StatusOK || got != want {
					t.Errorf("%s, %d s before its end: %d, Cache-Control %q, want %q", target, left, rec.Code, got, want)
				}
			}
		}
		if got := ask(far).Header().Get("Cache-Control"); got != "public, max-age=31536000, must-revalidate" {
			t.Errorf("ten years ahead: %q", got)
		}
		d.stub.set(func(s *stub) { s.kept = false })
		if got := ask(all[0]).Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("not kept: %q", got)
		}
		d.stub.set(func(s *stub) { s.kept, s.err = true, &render.Error{Class: render.NotFound} })
		if got := ask(all[0]).Header().Get("Cache-Control"); got != "public, max-age=10, must-revalidate" {
			t.Errorf("an error: %q", got)
		}
		d.stub.set(func(s *stub) { s.err = nil })
		time.Sleep(time.Until(exp))
		n := d.looks()
		for _, target := range all {
			if rec := ask(target); rec.Code != http.StatusForbidden || !strings.Contains(rec.Body.String(), "has expired") || rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s, expired: %d %q", target, rec.Code, rec.Body)
			}
		}
		if d.looks() != n {
			t.Error("something was looked at for an expired address")
		}
	})
}

func TestBounded(t *testing.T) {
	for control, want := range map[string]string{
		cacheDay: "public, max-age=3600, must-revalidate", cacheForever: "public, max-age=3600, must-revalidate", cacheMinute: "public, max-age=60, must-revalidate",
		cacheAsk: "public, no-cache", cacheNever: "no-store",
	} {
		synctest.Test(t, func(t *testing.T) {
			if got := bounded(control, time.Time{}); got != control {
				t.Errorf("without an end: %q, want %q", got, control)
			}
			if got := bounded(control, time.Now().Add(time.Hour)); got != want {
				t.Errorf("%q is %q, want %q", control, got, want)
			}
		})
	}
}

// imgix's signatures open the dialect, where a token is configured.
func TestImgixSignatures(t *testing.T) {
	d := newSignDesk(t)
	for target, want := range map[string]string{
		byImgix("/" + foxURL + "?w=801&q=61&fm=webp"):       "w801-q61.webp",
		byImgix(elseURL + "?w=801&fm=jpg"):                  "w801.jpg",
		byImgix(elseURL + "?fm=jpg&expires=9999999999&w=5"): "w5.jpg",
	} {
		if resp, body := d.get(target); resp.StatusCode != http.StatusOK || d.asked() != want {
			t.Errorf("%s: %d %s, asks for %s, want %s", target, resp.StatusCode, body, d.asked(), want)
		}
	}
	for target, says := range map[string]string{
		byImgix("/p/fox/w801.webp"):                                  "not that of this address",
		"/" + foxURL + "?expires=9999999999":                         "expires only with",
		byImgix("/" + foxURL + "?expires=1&w=801"):                   "expired",
		signed(t, signKey, "/"+foxURL+"?w=3&expires=5", time.Time{}): "expires only with",
	} {
		if resp, body := d.get(target); resp.StatusCode != http.StatusForbidden || !strings.Contains(body, says) {
			t.Errorf("%s: %d %s, want %q", target, resp.StatusCode, body, says)
		}
	}
	d.o.ImgixToken = ""
	if resp, body := d.get(byImgix("/" + foxURL + "?w=801")); resp.StatusCode != http.StatusForbidden {
		t.Errorf("without a token: %d %s", resp.StatusCode, body)
	}
	d.o.Keys = sign.Keys{}
	if resp, body := d.get(signed(t, signKey, "/p/fox/hero.webp", time.Time{})); resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "no key is configured") {
		t.Errorf("without keys: %d %s", resp.StatusCode, body)
	}
}

// Every address that fm=json of a closed picture names is signed, ends with it, and answers.
func TestMetaOfClosedPictures(t *testing.T) {
	for _, name := range []string{"keys", "token"} {
		d := newSignDesk(t)
		exp := time.Now().Add(time.Hour)
		target := signed(t, signKey, elseURL+"?fm=json", exp)
		if name == "token" {
			d.o.Keys = sign.Keys{}
			target = byImgix(fmt.Sprintf("%s?fm=json&expires=%d", elseURL, exp.Unix()))
		}
		resp, text := d.get(target)
		var m meta
		if err := json.Unmarshal([]byte(text), &m); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v: %s", name, resp.StatusCode, err, text)
		}
		stamp, n := fmt.Sprint(exp.Unix()), 0
		for _, list := range m.Srcset {
			for _, c := range list {
				n++
				if resp, body := d.get(c.URL); resp.StatusCode != http.StatusOK || !strings.Contains(c.URL, stamp) {
					t.Errorf("%s: %s: %d %s", name, c.URL, resp.StatusCode, body)
				}
			}
		}
		if n == 0 {
			t.Errorf("%s: no address in %s", name, text)
		}
	}
}

// K02: no mutation of a signed address, on the wire, is answered with a picture.
func TestMutatedTargets(t *testing.T) {
	d := newSignDesk(t)
	good := signed(t, signKey, elseURL+"?w=801&q=61&fm=webp", time.Now().Add(time.Hour))
	for i := range len(good) {
		for _, c := range "aA0_-%&=?.~/;+" {
			mutant := good[:i] + string(c) + good[i+1:]
			if mutant == good || i == 0 || strings.HasPrefix(mutant, "/?") { // the contact sheet, which takes whatever links append
				continue
			}
			rec := httptest.NewRecorder()
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			req.RequestURI = mutant
			var err error
			if req.URL, err = req.URL.Parse(mutant); err != nil {
				continue // net/http answers 400
			}
			d.Handler().ServeHTTP(rec, req)
			if rec.Code != http.StatusForbidden && rec.Code != http.StatusBadRequest && rec.Code != http.StatusNotFound {
				t.Errorf("%s: %d", mutant, rec.Code)
			}
		}
	}
	if n := len(d.stub.asked); n != 0 {
		t.Errorf("%d pictures were made", n)
	}
	if resp, _ := d.get(good); resp.StatusCode != http.StatusOK || d.asked() != (transform.Spec{Width: 801, Quality: 61, Format: transform.WebP}).String() {
		t.Errorf("the signed one: %d", resp.StatusCode)
	}
}
