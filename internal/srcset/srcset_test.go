package srcset

import (
	"slices"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

func choice() Choice {
	return Choice{
		Presets: map[string]transform.Spec{
			"thumb": {Width: 160, Height: 160, Fit: transform.Cover},
			"hero":  {Width: 1600},
		},
		Widths:    []int{24, 160, 320, 640, 1600},
		Formats:   []transform.Format{transform.AVIF, transform.WebP, transform.JPEG, transform.PNG, transform.GIF},
		MaxOutput: 2560,
	}
}

func widths(files []File) []int {
	var out []int
	for _, f := range files {
		out = append(out, f.Width)
	}
	return out
}

func TestLadder(t *testing.T) {
	for _, tt := range []struct {
		name                string
		w, h                int
		ladder, shown, kept []int
	}{
		{"wider than all", 3000, 2000, []int{24, 160, 320, 640, 1600}, []int{320, 640, 1600}, []int{160, 320, 640, 1600}},
		{"between two rungs", 700, 500, []int{24, 160, 320, 640, 700}, []int{320, 640, 700}, []int{160, 320, 640, 700}},
		{"a rung's own width", 640, 400, []int{24, 160, 320, 640}, []int{320, 640}, []int{160, 320, 640}},
		{"narrower than what is shown", 200, 100, []int{24, 160, 200}, []int{24, 160, 200}, []int{160, 200}},
		{"an icon", 16, 16, []int{16}, []int{16}, []int{16}},
		{"a line", 3000, 1, []int{24, 160, 320, 640, 1600}, []int{320, 640, 1600}, []int{160, 320, 640, 1600}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ladder := choice().Ladder(transform.Info{Width: tt.w, Height: tt.h}, transform.WebP)
			if got := widths(ladder); !slices.Equal(got, tt.ladder) {
				t.Errorf("Ladder: got %v, want %v", got, tt.ladder)
			}
			if got := widths(Shown(ladder)); !slices.Equal(got, tt.shown) {
				t.Errorf("Shown: got %v, want %v", got, tt.shown)
			}
			if got := widths(Kept(ladder)); !slices.Equal(got, tt.kept) {
				t.Errorf("Kept: got %v, want %v", got, tt.kept)
			}
		})
	}
}

func TestLadderAsksForRungs(t *testing.T) {
	ladder := choice().Ladder(transform.Info{Width: 700, Height: 500}, transform.WebP)
	want := File{Spec: transform.Spec{Width: 1600, Format: transform.WebP}, Width: 700, Height: 500}
	if got := ladder[len(ladder)-1]; got != want {
		t.Errorf("got %+v, want the rung by its own name, at the original's width: %+v", got, want)
	}
}

func TestPage(t *testing.T) {
	all := choice().Formats
	for _, tt := range []struct {
		name    string
		formats []transform.Format
		alpha   bool
		want    []transform.Format
	}{
		{"opaque", all, false, []transform.Format{transform.AVIF, transform.WebP, transform.JPEG}},
		{"transparent", all, true, []transform.Format{transform.AVIF, transform.WebP, transform.PNG}},
		{"transparent without PNG", all[:3], true, []transform.Format{transform.AVIF, transform.WebP, transform.JPEG}},
		{"GIF alone", all[4:], false, []transform.Format{transform.GIF}},
		{"WebP alone", all[1:2], false, []transform.Format{transform.WebP}},
		{"AVIF and WebP", all[:2], false, []transform.Format{transform.AVIF, transform.WebP}},
	} {
		c := choice()
		c.Formats = tt.formats
		if got := c.Page(transform.Info{Alpha: tt.alpha}); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestStill(t *testing.T) {
	c := choice()
	if got := c.Still(); !slices.Equal(got, c.Formats[:4]) {
		t.Errorf("got %v, want all but GIF", got)
	}
	c.Formats = []transform.Format{transform.GIF}
	if got := c.Still(); !slices.Equal(got, c.Formats) {
		t.Errorf("got %v, want GIF, since there is no other", got)
	}
}

func TestAll(t *testing.T) {
	c := choice()
	c.Formats = []transform.Format{transform.WebP, transform.JPEG}
	var got []string
	for _, spec := range c.All(transform.Info{Width: 700, Height: 700}) {
		got = append(got, spec.String())
	}
	// hero is the original's own size here, and so is the rung that the original cannot fill; thumb, of a square, cuts nothing.
	want := []string{"w160.webp", "w320.webp", "w640.webp", "w1600.webp", "w160.jpg", "w320.jpg", "w640.jpg", "w1600.jpg"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	got = nil
	for _, spec := range c.All(transform.Info{Width: 700, Height: 400}) {
		got = append(got, spec.String())
	}
	if want = append(want, "w160-h160-cover.webp", "w160-h160-cover.jpg"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPreset(t *testing.T) {
	info := transform.Info{Width: 100, Height: 50}
	want := File{Spec: transform.Spec{Width: 160, Height: 160, Fit: transform.Cover, Format: transform.PNG}, Width: 50, Height: 50}
	if got, ok := choice().Preset(info, "thumb", transform.PNG); !ok || got != want {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	if _, ok := choice().Preset(info, "og", transform.PNG); ok {
		t.Error("there is no preset og")
	}
}

func TestAim(t *testing.T) {
	cover := transform.Spec{Width: 9, Height: 9, Fit: transform.Cover}
	with := func(crop transform.Crop, at transform.Point) transform.Spec {
		s := cover
		s.Crop, s.Focus = crop, at
		return s
	}
	point := transform.Point{X: 30, Y: 70}
	for _, tt := range []struct {
		name   string
		spec   transform.Spec
		marked bool
		want   transform.Spec
	}{
		{"the author's point", cover, true, with(transform.Focal, point)},
		{"none", cover, false, cover},
		{"a URL's own point", with(transform.Focal, transform.Point{X: 1}), true, with(transform.Focal, transform.Point{X: 1})},
		{"the middle", with(transform.Center, transform.Point{}), true, with(transform.Center, transform.Point{})},
		{"nothing is cut", transform.Spec{Width: 9}, true, transform.Spec{Width: 9}},
	} {
		if got := Aim(tt.spec, tt.marked, point); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
