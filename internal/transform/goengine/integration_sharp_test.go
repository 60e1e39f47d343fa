//go:build integration

package goengine_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// A workload is what one program makes of one original in one process, again and again.
type workload struct {
	Src      string   `json:"src"`
	Runs     int      `json:"runs"`
	Parallel bool     `json:"parallel"` // the calls at the same time, else one after the other
	Outputs  []target `json:"outputs"`
	Together bool     `json:"-"` // all outputs in one call: cutline only
}

// A target is one output, as sharp.mjs reads it.
type target struct {
	Width   int            `json:"width"`
	Format  string         `json:"format"` // "jpeg", "webp", "avif", "png"
	Options map[string]any `json:"options"`
	File    string         `json:"file"`    // where to write it; "" is nowhere
	Sharpen bool           `json:"sharpen"` // mildly, sharp's default
}

// A measure is what one workload took.
type measure struct {
	MS    float64 `json:"ms"`
	Bytes int     `json:"bytes"`
	KiB   int64   `json:"kib"` // peak resident memory of its process
}

// sharp runs workloads in one process and returns its version too.
func sharp(t *testing.T, jobs ...workload) (string, []measure) {
	t.Helper()
	text, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "jobs.json")
	write(t, file, text)
	var got struct {
		Version string    `json:"version"`
		Results []measure `json:"results"`
	}
	out := command(t, "node", filepath.Join("..", "..", "..", "testdata", "integration", "sharp.mjs"), file)
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Results) != len(jobs) {
		t.Fatalf("sharp: %v: %s", err, out)
	}
	return got.Version, got.Results
}

// TestIntegrationSharpen sharpens photographs as sharp does without further words: both the same picture, mildly.
func TestIntegrationSharpen(t *testing.T) {
	tr := newTransformer(t)
	dir := t.TempDir()
	for _, name := range files(t, 30, "photos", "*.jpg")[:12] {
		made := render(t, tr, read(t, name), "w400.png", "w400-sharpen.png")
		plain, theirs := filepath.Join(dir, "plain.png"), filepath.Join(dir, "sharp.png")
		write(t, plain, made[0].Body)
		sharp(t, workload{Src: plain, Runs: 1, Outputs: []target{{Width: 400, Format: "png", Sharpen: true, File: theirs}}})
		before, ours, want := pixels(t, tr, made[0].Body), pixels(t, tr, made[1].Body), pixels(t, tr, read(t, theirs))
		t.Logf("%s: SSIM %.4f with sharp's, %.4f with the picture before", filepath.Base(name), imagetest.SSIM(ours, want), imagetest.SSIM(ours, before))
		if err := imagetest.Differ(ours, want, imagetest.Tolerance{SSIM: 0.985, Mean: 2}); err != nil {
			t.Errorf("%s: sharpened here and by sharp: %v", filepath.Base(name), err)
		}
		if imagetest.SSIM(ours, before) > 0.9995 {
			t.Errorf("%s: sharpening changes nothing", filepath.Base(name))
		}
	}
}
