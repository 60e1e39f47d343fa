package goengine_test

import (
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// A labelled photograph has a box around its main object, drawn by hand: x and y of two corners in per cent, as shown.
type labelled struct {
	path string
	box  [4]int
}

// labels are those of the example site in which there is one.
var labels = []labelled{
	{"static/images/bridge-cables.jpg", [4]int{47, 0, 76, 100}},                     // the steep pair of cables
	{"_posts/2024-05-11-dandelion-count/dandelions.webp", [4]int{14, 9, 46, 57}},    // the large head
	{"assets/images/djembe-living-room.jpg", [4]int{4, 48, 64, 74}},                 // the drum
	{"assets/images/falcon-9-dscovr.jpg", [4]int{47, 30, 53, 97}},                   // the rocket
	{"assets/images/fig-cutout.png", [4]int{25, 27, 62, 71}},                        // the fig
	{"static/images/nuthatch.jpg", [4]int{40, 35, 54, 66}},                          // the bird
	{"assets/images/paint-brushes.jpg", [4]int{0, 3, 76, 100}},                      // the brushes with colour
	{"assets/images/picos-de-europa-path.jpg", [4]int{43, 16, 95, 62}},              // the massif
	{"_posts/2024-12-07-two-dogs-one-doorway/spaniels.jpg", [4]int{30, 23, 70, 67}}, // both heads
	{"assets/images/summit-sunset.jpg", [4]int{42, 28, 88, 100}},                    // sun and table
	{"assets/images/wall-clock.jpg", [4]int{37, 8, 82, 66}},                         // the hands
	{"assets/images/woodland-stream.jpg", [4]int{32, 22, 68, 100}},                  // the cascade
}

// rect is the box in pixels of a picture.
func (l labelled) rect(size image.Point) image.Rectangle {
	return image.Rect(l.box[0]*size.X/100, l.box[1]*size.Y/100, l.box[2]*size.X/100, l.box[3]*size.Y/100)
}

func area(r image.Rectangle) float64 { return float64(r.Dx()) * float64(r.Dy()) }

// kept is the share of a box in a window, of what a window of its size could hold.
func kept(box, window image.Rectangle) float64 {
	return area(box.Intersect(window)) / (float64(min(box.Dx(), window.Dx())) * float64(min(box.Dy(), window.Dy())))
}

// windows is where the engine cuts src to a box's ratio, where the centre is, and the size of it all.
func windows(t testing.TB, src []byte, box image.Point) (smart, centre image.Rectangle, size image.Point) {
	t.Helper()
	s := transform.Spec{Width: box.X, Height: box.Y, Fit: transform.Cover, Format: transform.JPEG}
	smart, size, err := goengine.Window(t.Context(), src, s)
	if err != nil {
		t.Fatal(err)
	}
	s.Crop = transform.Center
	if centre, _, err = goengine.Window(t.Context(), src, s); err != nil {
		t.Fatal(err)
	}
	return smart, centre, size
}

// TestCropsKeepTheirObjects verifies on photographs that a crop keeps the main object better than the centre does.
func TestCropsKeepTheirObjects(t *testing.T) {
	imagetest.Long(t)
	for _, tt := range []struct {
		ratio string
		box   image.Point
		least float64 // of each object, unless the centre keeps no more; a narrow window has to choose between objects
	}{{"square", image.Pt(1, 1), 0.8}, {"4:5", image.Pt(4, 5), 0.65}, {"2:1", image.Pt(2, 1), 0}, {"1:2", image.Pt(1, 2), 0}} {
		var smart, centre float64
		for _, l := range labels {
			src, err := os.ReadFile(filepath.Join("../../../testdata/site", filepath.FromSlash(l.path)))
			if err != nil {
				t.Fatal(err)
			}
			window, middle, size := windows(t, src, tt.box)
			got, plain := kept(l.rect(size), window), kept(l.rect(size), middle)
			if got < tt.least && got < plain {
				t.Errorf("%s, %s: %v keeps %.0f %% of the object, want %.0f %% or the centre's %.0f %%", tt.ratio, l.path, window, 100*got, 100*tt.least, 100*plain)
			}
			smart, centre = smart+got, centre+plain
		}
		n := float64(len(labels))
		t.Logf("%s: %.3f of the objects kept, by the centre %.3f", tt.ratio, smart/n, centre/n)
		if smart <= centre {
			t.Errorf("%s: %.3f of the objects kept, want more than the centre's %.3f", tt.ratio, smart/n, centre/n)
		}
	}
}
