//go:build integration

package main

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// rgba is a picture as hashes.mjs draws it: eight bits a channel, alpha not multiplied in.
type rgba struct {
	Width  int    `json:"width"`
	Height int    `json:"height"`
	RGBA   []byte `json:"rgba"`
}

func (p rgba) image() *image.NRGBA {
	return &image.NRGBA{Pix: p.RGBA, Stride: 4 * p.Width, Rect: image.Rect(0, 0, p.Width, p.Height)}
}

// TestIntegrationHashes has the formats' own npm packages draw each picture's ThumbHash and BlurHash: what they draw is nearer to
// the picture than to any other one, and as near to it as what they draw of hashes that they made themselves.
func TestIntegrationHashes(t *testing.T) {
	s := startServe(t, "--cache", "off", exampleSite(t, quick, nil))
	defer s.stop(t)
	type hashed struct {
		ThumbHash string `json:"thumbhash"`
		BlurHash  string `json:"blurhash"`
		Small     rgba   `json:"small"`
	}
	pictures := local(t, s.url)
	var jobs []hashed
	var seen [][gridCells]cell
	for _, d := range pictures {
		small := imagetest.NRGBA(readPNG(t, askOK(t, s.url+"/i/"+d.ID+"/w24.png").body))
		jobs = append(jobs, hashed{d.ThumbHash, d.BlurHash, rgba{small.Rect.Dx(), small.Rect.Dy(), small.Pix}})
		seen = append(seen, grid(readPNG(t, askOK(t, s.url+"/i/"+d.ID+"/w160.png").body)))
	}
	var drawn []struct {
		Aspect                             float64
		Thumb, Blur, TheirThumb, TheirBlur rgba
	}
	nodeScript(t, "hashes.mjs", jobs, &drawn)
	if len(drawn) != len(pictures) {
		t.Fatalf("%d results for %d pictures", len(drawn), len(pictures))
	}
	for i, d := range pictures {
		if got, want := drawn[i].Aspect, float64(d.Width)/float64(d.Height); math.Abs(math.Log(got/want)) > math.Log(1.2) { // it counts in sevenths
			t.Errorf("%s: ThumbHash has the shape %.2f, want about %.2f", d.Source, got, want)
		}
		for name, hash := range map[string][2]rgba{"ThumbHash": {drawn[i].Thumb, drawn[i].TheirThumb}, "BlurHash": {drawn[i].Blur, drawn[i].TheirBlur}} {
			cells := grid(hash[0].image())
			ours, theirs := difference(cells, seen[i]), difference(grid(hash[1].image()), seen[i])
			if ours > theirs+3 {
				t.Errorf("%s: %s differs by %.1f, that of its own package by %.1f", d.Source, name, ours, theirs)
			}
			for j, other := range seen {
				if pictures[j].Source != d.Source && difference(cells, other) < ours {
					t.Errorf("%s: %s is nearer to %s", d.Source, name, pictures[j].Source)
				}
			}
		}
	}
}

func readPNG(t *testing.T, body []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// A grid divides a picture into this many cells.
const gridAcross, gridDown, gridCells = 6, 4, 24

// A cell is the mean of its opaque pixels, multiplied by how opaque they are.
type cell [3]float64

func grid(img image.Image) (cells [gridCells]cell) {
	b := img.Bounds()
	var weight [gridCells]float64
	for y := range b.Dy() {
		for x := range b.Dx() {
			i := y*gridDown/b.Dy()*gridAcross + x*gridAcross/b.Dx()
			r, g, bl, a := img.At(b.Min.X+x, b.Min.Y+y).RGBA()
			for c, v := range [3]uint32{r, g, bl} {
				cells[i][c] += float64(v) / 257
			}
			weight[i] += float64(a) / 0xffff
		}
	}
	for i := range cells {
		for c := range cells[i] {
			cells[i][c] /= max(weight[i], 1)
		}
	}
	return cells
}

// difference is the mean difference of two pictures' cells in any channel.
func difference(a, b [gridCells]cell) float64 {
	sum := 0.0
	for i := range a {
		for c := range a[i] {
			sum += math.Abs(a[i][c] - b[i][c])
		}
	}
	return sum / (3 * gridCells)
}
