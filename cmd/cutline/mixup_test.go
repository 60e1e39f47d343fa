package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// handlerOf is the whole server of a site, without its listener, with limits.workers as workers has it.
func handlerOf(t *testing.T, dir, workers string) http.Handler {
	t.Helper()
	st := stackOf(t, dir, workers, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := st.close(); err != nil {
			t.Error(err)
		}
	})
	return st.proxy.Handler()
}

// stackOf is what a server of a site consists of, which the caller closes.
func stackOf(t *testing.T, dir, workers string, log *slog.Logger) *stack {
	t.Helper()
	p := program{stdout: io.Discard, stderr: io.Discard}
	cmd := p.serveCommand()
	if err := cmd.Flags().Set("cache", "off"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Flags().Set("workers", workers); err != nil {
		t.Fatal(err)
	}
	s, err := p.openSite(cmd, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	c, err := s.scan(t.Context(), publishedOnly)
	if err != nil {
		t.Fatal(err)
	}
	st, err := newStack(s, c, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// numbered is a colour that says i.
func numbered(i int) color.NRGBA { return color.NRGBA{uint8(i), uint8(i >> 8), 200, 255} }

// whose is the number of the picture that an answer's body shows.
func whose(body []byte) (int, error) {
	img, err := png.Decode(bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	c := color.NRGBAModel.Convert(img.At(1, 1)).(color.NRGBA)
	return int(c.R) | int(c.G)<<8, nil
}

// T10: three thousand requests at once for three hundred pictures, over a cache that keeps few of them: each answer's pixels and words
// belong together. Where the queues are full the answer is 503, and the client comes back.
func TestNoMixUp(t *testing.T) {
	const pictures, requests = 300, 3_000
	site := writeSite(t, "cache: {memory: 1MiB}\n")
	for i := range pictures {
		dot := image.NewNRGBA(image.Rect(0, 0, 4, 4))
		for at := range 16 {
			dot.SetNRGBA(at%4, at/4, numbered(i))
		}
		name := strconv.Itoa(i)
		if err := os.WriteFile(filepath.Join(site, name+".png"), imagetest.EncodePNG(t, dot), 0o600); err != nil {
			t.Fatal(err)
		}
		writePost(t, site, "n"+name, "/"+name+".png")
	}
	handler := handlerOf(t, site, "0")
	var clients sync.WaitGroup
	for i := range requests {
		clients.Go(func() {
			i %= pictures
			for {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("/p/n%d/w24.png", i), nil))
				if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") != "" {
					time.Sleep(time.Second) // as it says
					continue
				}
				alt, credit := fmt.Sprintf(`%%"alt of n%d"`, i), fmt.Sprintf(`%%"credit of n%d"`, i)
				got, err := whose(w.Body.Bytes())
				if w.Code != http.StatusOK || err != nil || got != i || w.Header().Get("Image-Alt") != alt || w.Header().Get("Image-Credit") != credit {
					t.Errorf("picture %d: status %d, picture %d (%v), %s, %s", i, w.Code, got, err, w.Header().Get("Image-Alt"), w.Header().Get("Image-Credit"))
				}
				return
			}
		})
	}
	clients.Wait()
}
