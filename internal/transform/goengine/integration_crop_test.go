//go:build integration

package goengine_test

import (
	"fmt"
	"image"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// moreLabels are those of the photographs that are prepared beside the site's.
var moreLabels = []labelled{
	{"Aqua.jpg", [4]int{54, 38, 86, 86}},                               // the splash
	{"Dragonfly_by_Bolly.jpg", [4]int{42, 30, 76, 60}},                 // the dragonfly
	{"FreshFlower.jpg", [4]int{28, 42, 63, 100}},                       // the petals in focus
	{"Garden.jpg", [4]int{36, 18, 100, 98}},                            // the blossom
	{"LadyBird.jpg", [4]int{65, 43, 76, 60}},                           // the beetle
	{"Picture_0B_by_freespace.jpg", [4]int{41, 34, 70, 75}},            // the fig
	{"RainDrops.jpg", [4]int{27, 5, 82, 100}},                          // the leaf with drops
	{"TwoWings.jpg", [4]int{34, 22, 90, 100}},                          // the seeds
	{"YellowFlower.jpg", [4]int{22, 3, 100, 100}},                      // the blossom
	{"free_by_Peter_Nerlich.jpg", [4]int{25, 58, 66, 87}},              // the bird
	{"friends_by_Aitzol_Berasategi.jpg", [4]int{30, 23, 70, 67}},       // both dogs
	{"seeding_by_Clements_Engelhardt.jpg", [4]int{14, 9, 46, 57}},      // the large head
	{"greentock_by_Peter_Nerlich.jpg", [4]int{37, 8, 82, 66}},          // the hands
	{"Wine_by_Jakkub_Mede.jpg", [4]int{4, 48, 64, 74}},                 // the drum
	{"sunset_by_Aitzol_Berasategi.jpg", [4]int{42, 28, 88, 100}},       // sun and table
	{"Bridge_by_Sander_Klootwijk.jpg", [4]int{47, 0, 76, 100}},         // the steep pair of cables
	{"life_by_Aitzol_Berasategi.jpg", [4]int{32, 22, 68, 100}},         // the cascade
	{"picosdeeuropa_by_Aitzol_Berasategi.jpg", [4]int{43, 16, 95, 62}}, // the massif
	{"Picture_1A_by_freespace.jpg", [4]int{0, 3, 76, 100}},             // the brushes with colour
}

// attention is where libvips cuts a picture to windows of sizes, the picture's whole being as large as given. It says which
// point it puts in the middle, as far as it can. It is asked about a smaller picture: it looks at a still smaller one.
func attention(t *testing.T, path string, sizes []image.Point, whole image.Point) []image.Rectangle {
	t.Helper()
	small := filepath.Join(t.TempDir(), "small.v")
	command(t, "vips", "thumbnail", path, small, "1000") // upright
	number := func(text string) int {
		v, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	w, h := number(command(t, "vipsheader", "-f", "width", small)), number(command(t, "vipsheader", "-f", "height", small))
	var windows []image.Rectangle
	for _, size := range sizes {
		out := command(t, "vips", "smartcrop", small, filepath.Join(t.TempDir(), "cut.v"),
			strconv.Itoa(size.X*w/whole.X), strconv.Itoa(size.Y*h/whole.Y), "--interesting", "attention", "--attention-x", "--attention-y")
		fields := strings.Fields(out)
		if len(fields) != 2 {
			t.Fatalf("vips smartcrop printed %q: expected two numbers", out)
		}
		at := image.Pt(number(fields[0])*whole.X/w, number(fields[1])*whole.Y/h).Sub(size.Div(2))
		at = image.Pt(min(max(at.X, 0), whole.X-size.X), min(max(at.Y, 0), whole.Y-size.Y))
		windows = append(windows, image.Rectangle{Max: size}.Add(at))
	}
	return windows
}

// overlap is the common part of two windows, of what they cover together.
func overlap(a, b image.Rectangle) float64 {
	both := area(a.Intersect(b))
	return both / (area(a) + area(b) - both)
}

// TestIntegrationCrops compares the crops of all photographs with those of libvips' attention, which looks for the same
// kinds of things but gives itself to the one most striking point: where that is in the object which people see, ours shall
// agree with it more than the centre does, and of all objects ours shall keep more than either.
func TestIntegrationCrops(t *testing.T) {
	boxes := map[string]labelled{}
	for _, l := range append(moreLabels, labels...) {
		boxes[filepath.Base(l.path)] = l
	}
	var rows strings.Builder
	var agree, all, seen [3]float64 // overlaps with attention where it is right, and everywhere; objects: ours, the centre's, attention's
	var right, cuts, objects float64
	for _, path := range files(t, 30, "photos", "*.jpg") {
		name, src := filepath.Base(path), read(t, path)
		var smart, centre []image.Rectangle
		var sizes []image.Point
		var whole image.Point
		for _, box := range []image.Point{{X: 1, Y: 1}, {X: 2, Y: 1}, {X: 1, Y: 2}} {
			var a, b image.Rectangle
			a, b, whole = windows(t, src, box)
			smart, centre, sizes = append(smart, a), append(centre, b), append(sizes, a.Size())
		}
		for i, theirs := range attention(t, path, sizes, whole) {
			ours, plain := overlap(smart[i], theirs), overlap(centre[i], theirs)
			all[0], all[1], cuts = all[0]+ours, all[1]+plain, cuts+1
			fmt.Fprintf(&rows, "%-45s %v: attention and ours %.2f, and centre %.2f", name, sizes[i], ours, plain)
			if l, ok := boxes[name]; ok {
				object := l.rect(whole)
				a, b, c := kept(object, smart[i]), kept(object, centre[i]), kept(object, theirs)
				seen[0], seen[1], seen[2], objects = seen[0]+a, seen[1]+b, seen[2]+c, objects+1
				if c >= 0.95 {
					agree[0], agree[1], right = agree[0]+ours, agree[1]+plain, right+1
				}
				fmt.Fprintf(&rows, "; of the object ours %.2f, centre %.2f, attention %.2f", a, b, c)
			}
			rows.WriteByte('\n')
		}
	}
	t.Logf("overlap with attention in %.0f crops: ours %.3f, the centre's %.3f; in the %.0f that keep their object: %.3f, %.3f\n"+
		"%.0f objects kept: ours %.3f, centre %.3f, attention %.3f\n%s",
		cuts, all[0]/cuts, all[1]/cuts, right, agree[0]/right, agree[1]/right, objects, seen[0]/objects, seen[1]/objects, seen[2]/objects, &rows)
	if agree[0] <= agree[1] {
		t.Errorf("overlap with attention where it is right: got %.3f, want more than the centre's %.3f", agree[0]/right, agree[1]/right)
	}
	if objects < 40 || seen[0] <= seen[1] || seen[0] <= seen[2] {
		t.Errorf("%.0f objects kept: got %.3f, want more than the centre's %.3f and attention's %.3f", objects, seen[0]/objects, seen[1]/objects, seen[2]/objects)
	}
}
