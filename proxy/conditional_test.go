package proxy

import (
	"net/http"
	"strings"
	"testing"
)

func TestConditionalAndRange(t *testing.T) {
	d := newDesk(t)
	const path, whole = "/p/fox/hero.jpg", "bytes of w1600-h800.jpg"
	const unmatched = "The picture is not the one that the request's precondition names.\n"
	tests := []struct {
		name   string
		fields []string
		status int
		body   string
	}{
		{"same ETag", []string{`If-None-Match: "etag-w1600-h800.jpg"`}, 304, ""},
		{"among others", []string{`If-None-Match: "x", "etag-w1600-h800.jpg"`}, 304, ""},
		{"weak", []string{`If-None-Match: W/"etag-w1600-h800.jpg"`}, 304, ""},
		{"any", []string{`If-None-Match: *`}, 304, ""},
		{"other ETag", []string{`If-None-Match: "x"`}, 200, whole},
		{"other ETag wins over date", []string{`If-None-Match: "x"`, "If-Modified-Since: Wed, 06 May 2020 07:08:09 GMT"}, 200, whole},
		{"not modified since", []string{"If-Modified-Since: Wed, 06 May 2020 07:08:09 GMT"}, 304, ""},
		{"modified since", []string{"If-Modified-Since: Wed, 06 May 2020 07:08:08 GMT"}, 200, whole},
		{"first byte", []string{"Range: bytes=0-0"}, 206, "b"},
		{"suffix", []string{"Range: bytes=-4"}, 206, ".jpg"},
		{"many ranges", []string{"Range: bytes=0-1,3-4" + strings.Repeat(",7-8", 1000)}, 200, whole},
		{"two lines of ranges", []string{"Range: bytes=0-1", "Range: bytes=0-0"}, 200, whole},
		{"other unit", []string{"Range: pixels=0-1"}, 200, whole},
		{"last before first", []string{"Range: bytes=9-1"}, 200, whole},
		{"no range", []string{"Range: bytes="}, 200, whole},
		{"signed", []string{"Range: bytes=+1-2"}, 200, whole},
		{"empty suffix", []string{"Range: bytes=-0"}, 200, whole},
		{"long suffix", []string{"Range: bytes=-1000"}, 206, whole},
		{"open", []string{"Range: bytes=19-"}, 206, ".jpg"},
		{"beyond the end", []string{"Range: bytes=1000-"}, 416, "The range begins behind the picture's end.\n"},
		{"beyond the end of another", []string{"Range: bytes=1000-", `If-Range: "x"`}, 200, whole},
		{"if range by date", []string{"Range: bytes=0-0", "If-Range: Wed, 06 May 2020 07:08:09 GMT"}, 206, "b"},
		{"if range by another date", []string{"Range: bytes=0-0", "If-Range: Wed, 06 May 2020 07:08:08 GMT"}, 200, whole},
		{"if match", []string{`If-Match: "x", "etag-w1600-h800.jpg"`}, 200, whole},
		{"if match any", []string{`If-Match: *`}, 200, whole},
		{"if match weak", []string{`If-Match: W/"etag-w1600-h800.jpg"`}, 412, unmatched},
		{"if match differs", []string{`If-Match: "x"`}, 412, unmatched},
		{"unmodified since", []string{"If-Unmodified-Since: Wed, 06 May 2020 07:08:09 GMT"}, 200, whole},
		{"modified since then", []string{"If-Unmodified-Since: Wed, 06 May 2020 07:08:08 GMT"}, 412, unmatched},
		{"if range matches", []string{"Range: bytes=0-0", `If-Range: "etag-w1600-h800.jpg"`}, 206, "b"},
		{"if range differs", []string{"Range: bytes=0-0", `If-Range: "x"`}, 200, whole},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := d.get(path, tt.fields...)
			if resp.StatusCode != tt.status || body != tt.body {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, body, tt.status, tt.body)
			}
			if tt.status >= 400 && (resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("ETag") != "" || resp.Header.Get("Image-Alt") != "") {
				t.Errorf("an error under a picture's headers: %v", resp.Header)
			}
			if tt.status == http.StatusNotModified {
				for _, name := range []string{"ETag", "Cache-Control", "Content-Location", "Image-Alt", "X-Content-Type-Options"} {
					if resp.Header.Get(name) == "" {
						t.Errorf("304 without %s", name)
					}
				}
			}
		})
	}
}
