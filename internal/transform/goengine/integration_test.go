//go:build integration

package goengine_test

import (
	"bytes"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// The tests of this build tag need what .ci/integration prepares, and fail without it: CUTLINE_WORK is the folder with
// photographs, CUTLINE_MODE the one of the engine's modes that must be at work.
const (
	static = "static" // built with -tags nodynamic: Go and WASM alone
	native = "native" // shared libraries encode
)

// mode is the mode that is meant.
func mode(t testing.TB) string {
	t.Helper()
	m := os.Getenv("CUTLINE_MODE")
	if m != static && m != native {
		t.Fatalf("CUTLINE_MODE is %q: expected %s or %s; run make integration", m, static, native)
	}
	return m
}

// work is a path in the prepared folder.
func work(t testing.TB, parts ...string) string {
	t.Helper()
	dir := os.Getenv("CUTLINE_WORK")
	if dir == "" {
		t.Fatal("CUTLINE_WORK is not set: run make integration")
	}
	return filepath.Join(append([]string{dir}, parts...)...)
}

// files lists what matches a pattern in the prepared folder: at least n files.
func files(t testing.TB, n int, parts ...string) []string {
	t.Helper()
	pattern := work(t, parts...)
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) < n {
		t.Fatalf("%s: %d files, error %v: expected at least %d", pattern, len(names), err, n)
	}
	return names
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func write(t testing.TB, path string, body []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o644); err != nil {
		t.Fatal(err)
	}
}

// command runs a program and returns what it prints; that it is missing or fails is a failure.
func command(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// newTransformer is the engine as production runs it, with more time for machines that do other things beside.
func newTransformer(t testing.TB) *transform.Transformer {
	t.Helper()
	tr := transform.New(goengine.New(), transform.Options{Timeout: time.Minute, MaxWait: time.Minute})
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

// render makes renditions of src in one call. The quality of lossy ones is 80 where text names none.
func render(t testing.TB, tr *transform.Transformer, src []byte, texts ...string) []transform.Output {
	t.Helper()
	outputs, err := tr.Transform(t.Context(), src, resolved(t, tr, src, texts...))
	if err != nil {
		t.Fatalf("transform to %v: %v", texts, err)
	}
	return outputs
}

// resolved is texts as specs that are concrete for src.
func resolved(t testing.TB, tr *transform.Transformer, src []byte, texts ...string) []transform.Spec {
	t.Helper()
	info, err := tr.Probe(src)
	if err != nil {
		t.Fatal(err)
	}
	var specs []transform.Spec
	for _, text := range texts {
		s, err := transform.ParseSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, s.Resolve(info.Width, info.Height, 2560, 80))
	}
	return specs
}

// encodes lists the formats that the engine writes: at least JPEG, PNG and WebP.
func encodes(t testing.TB, tr *transform.Transformer) []transform.Format {
	t.Helper()
	var list []transform.Format
	for _, f := range transform.Formats() {
		if tr.Can(f).Encode {
			list = append(list, f)
		}
	}
	if len(list) < 3 {
		t.Fatalf("the engine writes only %v", list)
	}
	return list
}

// pixels decodes a rendition: JPEG, PNG and GIF with the standard library, what it cannot read by way of the engine.
// TestIntegrationReaders proves that other programs see the same.
func pixels(t testing.TB, tr *transform.Transformer, body []byte) *image.NRGBA {
	t.Helper()
	f, err := transform.Sniff(body)
	if err != nil {
		t.Fatal(err)
	}
	decode := png.Decode
	switch f {
	case transform.JPEG:
		decode = jpeg.Decode
	case transform.GIF:
		decode = gif.Decode
	case transform.WebP, transform.AVIF:
		body = render(t, tr, body, ".png")[0].Body
	}
	img, err := decode(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("read a %s again: %v", f, err)
	}
	return imagetest.NRGBA(img)
}
