//go:build integration

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/textproto"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dunglas/httpsfv"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/imagetest"
)

// fuzzed is how many posts with words from captions are served.
const fuzzed = 10_000

// plainPost is the one whose words are nothing special; all other responses have its header fields and no others.
const plainPost = "plain"

// fuzzedSite is a site whose posts show one picture with words of all kinds, and plainPost. Posts are JSON, which can hold
// any character. It returns the slugs.
func fuzzedSite(t *testing.T) (site string, slugs []string) {
	t.Helper()
	site = t.TempDir()
	put(t, filepath.Join(site, "a.png"), imagetest.PNG(t, 32, 24, false))
	post := func(slug string, words map[string]string) {
		words["path"] = "/a.png"
		text, err := json.Marshal(map[string]any{"title": slug, "featured-image": words})
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(site, slug+".md"), append(text, "\n\nText.\n"...))
		slugs = append(slugs, slug)
	}
	post(plainPost, map[string]string{
		"cutline": "A fox.", "credit": "Ann", "alt-text": "A red fox", "copyright": "© AP", "license": "https://creativecommons.org/licenses/by/4.0/",
	})
	r := rand.New(rand.NewPCG(4, 2026))
	all := captions(r, 6*fuzzed)
	for i := range fuzzed {
		c := slices.Clone(all[6*i : 6*i+6])
		if i%100 == 0 { // all of them longer than any header takes
			for j := range c {
				c[j] += strings.Join(all[(i+j)%fuzzed:][:100], " ")
			}
		}
		words := map[string]string{"cutline": c[0], "credit": c[1], "alt-text": c[2]}
		for j, name := range []string{"copyright", "license", "crediturl"} {
			if r.IntN(2) == 0 {
				words[name] = c[3+j]
			}
		}
		if r.IntN(2) == 0 {
			words["license"] = "https://example.org/" + words["license"]
		}
		post(fmt.Sprintf("c%05d", i), words)
	}
	return site, slugs
}

// TestIntegrationCaptions serves ten thousand captions of all kinds: whatever they hold, each client reads every answer, finds
// the fields of a plain caption and no others, and the words as they were written.
func TestIntegrationCaptions(t *testing.T) {
	site, slugs := fuzzedSite(t)
	written := scanned(t, site)
	want := map[string]caption.Words{}
	for _, slug := range slugs {
		w, ok := written[slug+".md"]
		if !ok {
			t.Fatalf("%s: scan does not know this post", slug)
		}
		want[slug] = w.Plain()
	}
	s := startServe(t, "--cache", "off", site)
	defer s.stop(t)
	path := func(slug string) string { return "/p/" + slug + "/w24.png" }
	plain := ask(t, s.url+path(plainPost))
	fields := slices.Sorted(maps.Keys(plain.header))
	if !slices.Contains(fields, "Link") || !slices.Contains(fields, "Image-Cutline") {
		t.Fatalf("the plain caption's fields are %v", fields)
	}
	t.Run("Go", func(t *testing.T) {
		each(t, slugs, func(slug string) error {
			a := ask(t, s.url+path(slug))
			return checkHeader(a.status, a.header, fields, want[slug])
		})
	})
	t.Run("Node", func(t *testing.T) { checkNode(t, s.url, slugs, path, fields, want) })
	t.Run("curl", func(t *testing.T) { checkCurl(t, s.url, slugs, path, fields, want) })
	t.Run("nginx", func(t *testing.T) {
		url := startNginx(t, "location / { proxy_pass "+s.url+"; }")
		behind := append(slices.Clone(fields), "Connection", "Server")
		each(t, slugs, func(slug string) error {
			a := ask(t, url+path(slug))
			return checkHeader(a.status, a.header, behind, want[slug])
		})
	})
	t.Run("figures", func(t *testing.T) { checkFigures(t, s.url, slugs, written) })
}

// each runs check for every slug, four at a time, and reports the first failures.
func each(t *testing.T, slugs []string, check func(slug string) error) {
	t.Helper()
	var failed sync.Map
	var group sync.WaitGroup
	const workers = 4
	for w := range workers {
		group.Go(func() {
			for i := w; i < len(slugs); i += workers {
				if err := check(slugs[i]); err != nil {
					failed.Store(slugs[i], err)
				}
			}
		})
	}
	group.Wait()
	n := 0
	failed.Range(func(slug, err any) bool {
		if n++; n <= 20 {
			t.Errorf("%s: %v", slug, err)
		}
		return true
	})
	if n > 20 {
		t.Errorf("%d of %d failed", n, len(slugs))
	}
}

// licenseLink is a Link header of one link, to one of the hosts that captions link to.
var licenseLink = regexp.MustCompile(`^<https://(?:(?:example|creativecommons)\.org|[ab]\.test)(?:/[!#-;=?-~]*)?>; rel="license"$`)

// checkHeader holds a response against the fields that it may have, once each, and the words that it must have.
func checkHeader(status int, h http.Header, allowed []string, want caption.Words) error {
	if status != http.StatusOK {
		return fmt.Errorf("status %d", status)
	}
	for name, values := range h {
		if !slices.Contains(allowed, name) || len(values) != 1 {
			return fmt.Errorf("field %q: %q", name, values)
		}
	}
	for _, name := range allowed {
		if _, ok := h[name]; !ok && name != "Link" && name != "Connection" && !strings.HasPrefix(name, "Image-") {
			return fmt.Errorf("no field %q", name)
		}
	}
	if link := h.Get("Link"); link != "" && !licenseLink.MatchString(link) {
		return fmt.Errorf("link %q", link)
	}
	got := map[string]string{}
	for name := range h {
		if word, ok := strings.CutPrefix(name, "Image-"); ok {
			item, err := httpsfv.UnmarshalItem(h[name])
			text, ok := item.Value.(httpsfv.DisplayString)
			if err != nil || !ok || len(item.Params.Names()) > 0 {
				return fmt.Errorf("%s: %q: %v", name, h[name], err)
			}
			got[word] = string(text)
		}
	}
	return checkWords(got, want)
}

// checkWords holds decoded words against those that were written: the same, or, where they take more than a header has room
// for, a beginning of them.
func checkWords(got map[string]string, want caption.Words) error {
	room := 2000 // bytes that all of them have in any case
	for _, word := range []string{want.Alt, want.Credit, want.Cutline} {
		room -= 3 * len(word)
	}
	for name, word := range map[string]string{"Alt": want.Alt, "Credit": want.Credit, "Cutline": want.Cutline} {
		text, there := got[name]
		delete(got, name)
		fits := room >= 0 && 3*len(word) <= 1000
		switch {
		case fits && (text != word || there != (word != "" || name == "Alt" && want.Decorative)):
			return fmt.Errorf("%s is %q, want %q", name, text, word)
		case !fits && (!strings.HasPrefix(word, text) || len(text) < min(len(word), 200)):
			return fmt.Errorf("%s is %q, want the beginning of %q", name, text, word)
		}
	}
	if len(got) > 0 {
		return fmt.Errorf("more words: %q", got)
	}
	return nil
}

// checkNode has Node's own client, undici, read all answers and decode the words by code that knows nothing of ours.
func checkNode(t *testing.T, url string, slugs []string, path func(string) string, fields []string, want map[string]caption.Words) {
	urls := make([]string, len(slugs))
	for i, slug := range slugs {
		urls[i] = url + path(slug)
	}
	var got []struct {
		Status int               `json:"status"`
		Names  []string          `json:"names"`
		Words  map[string]string `json:"words"`
	}
	nodeScript(t, "headers.mjs", urls, &got)
	if len(got) != len(slugs) {
		t.Fatalf("%d answers, want %d", len(got), len(slugs))
	}
	for i, slug := range slugs {
		for _, name := range got[i].Names {
			if !slices.Contains(fields, textproto.CanonicalMIMEHeaderKey(name)) && name != "connection" && name != "keep-alive" {
				t.Errorf("%s: field %q", slug, name)
			}
		}
		if err := checkWords(got[i].Words, want[slug]); err != nil || got[i].Status != http.StatusOK {
			t.Errorf("%s: status %d, %v", slug, got[i].Status, err)
		}
	}
}

// checkCurl has curl write down what comes over the wire, byte for byte, over one connection.
func checkCurl(t *testing.T, url string, slugs []string, path func(string) string, fields []string, want map[string]caption.Words) {
	var config strings.Builder
	for _, slug := range slugs {
		fmt.Fprintf(&config, "url = %q\noutput = /dev/null\n", url+path(slug))
	}
	file := filepath.Join(t.TempDir(), "curl.conf")
	put(t, file, []byte(config.String()))
	dump := command(t, "curl", "--silent", "--show-error", "--fail", "--dump-header", "-", "--config", file)
	heads := bytes.SplitAfter(dump, []byte("\r\n\r\n"))
	if len(heads) != len(slugs)+1 || len(heads[len(slugs)]) != 0 {
		t.Fatalf("%d heads, want %d", len(heads)-1, len(slugs))
	}
	largest := 0
	for i, slug := range slugs {
		largest = max(largest, len(heads[i]))
		line, rest, _ := bytes.Cut(heads[i], []byte("\r\n"))
		if string(line) != "HTTP/1.1 200 OK" || bytes.ContainsFunc(bytes.ReplaceAll(rest, []byte("\r\n"), nil), func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%s: %q", slug, heads[i])
			continue
		}
		h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(rest))).ReadMIMEHeader()
		if err != nil {
			t.Errorf("%s: %v", slug, err)
			continue
		}
		if err := checkHeader(http.StatusOK, http.Header(h), fields, want[slug]); err != nil {
			t.Errorf("%s: %v", slug, err)
		}
	}
	t.Logf("the largest head has %d bytes", largest)
	if largest > 4096 {
		t.Errorf("the largest head has %d bytes, want at most the 4096 that nginx reads by default", largest)
	}
}
