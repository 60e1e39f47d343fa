//go:build integration && linux

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestCDNCloudFront runs the function that CloudFront runs before it looks into its cache, in Node.
func TestCDNCloudFront(t *testing.T) {
	const avif, webp, both = "image/avif", "image/webp", "image/avif,image/webp"
	type row struct{ URI, Query, Accept, Want string }
	rows := []row{
		{"/p/a/w320.auto", "", "image/avif,image/webp,*/*;q=0.8", both},
		{"/p/a/w320.auto", "", "image/webp;q=0.9,image/*", webp},
		{"/p/a/w320.auto", "", "IMAGE/AVIF; q=1", avif},
		{"/p/a/w320.auto", "", "image/webp;q=0, image/avif;q=0.000", "none"},
		{"/p/a/w320.auto", "", "", "none"},
		{"/p/a/w320.webp", "", "image/avif,image/webp", "none"},
		{"/p/a/meta.json", "v=1", "image/webp", "none"},
		{"/images/a.jpg", "auto=format&w=800", "image/webp", webp},
		{"/images/a.jpg", "w=800", "image/webp", webp},
	}
	script := filepath.Join("..", "..", "internal", "deploy", "cloudfront", "accept.js")
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	const run = `const rows = JSON.parse(process.argv[2]);
const handler = new Function(require('fs').readFileSync(process.argv[1], 'utf8') + '; return handler')();
console.log(JSON.stringify(rows.map(r => {
  const querystring = Object.fromEntries(r.Query.split('&').filter(Boolean).map(p => [p.split('=')[0], {value: p.split('=')[1]}]));
  const headers = r.Accept ? {accept: {value: r.Accept}} : {};
  return handler({request: {uri: r.URI, querystring, headers}}).headers.accept.value;
})))`
	var got []string
	if err := json.Unmarshal(command(t, "node", "-e", run, script, string(text)), &got); err != nil || len(got) != len(rows) {
		t.Fatal(got, err)
	}
	for i, r := range rows {
		if got[i] != r.Want {
			t.Errorf("%s?%s to %q: %q, want %q", r.URI, r.Query, r.Accept, got[i], r.Want)
		}
	}
}

// TestCDNDocuments: what is sent to a service is JSON.
func TestCDNDocuments(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "internal", "deploy", "cloud*", "*.json"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		var v map[string]any
		if err != nil || json.Unmarshal(text, &v) != nil || len(v) == 0 {
			t.Errorf("%s: %v: not a JSON object", name, err)
		}
	}
}
