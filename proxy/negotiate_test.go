package proxy

import (
	"testing"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/transform"
)

func TestNegotiate(t *testing.T) {
	both := []transform.Format{transform.AVIF, transform.WebP, transform.JPEG, transform.PNG}
	tests := []struct {
		name, accept string
		offered      []transform.Format
		want         transform.Format
	}{
		{"Chrome", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", both, transform.AVIF},
		{"Chrome without AVIF here", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", both[1:], transform.WebP},
		{"old Safari", "image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5", both, transform.WebP},
		{"wildcards only", "image/*,*/*;q=0.8", both, 0},
		{"curl", "*/*", both, 0},
		{"none", "", both, 0},
		{"JPEG named", "image/jpeg", both, 0},
		{"refused", "image/avif;q=0, image/webp;q=0.1", both, transform.WebP},
		{"refused with a blank", "image/webp; q=0.0", both, 0},
		{"malformed weight", "image/webp;q=x", both, 0},
		{"not a number", "image/webp;q=NaN", both, 0},
		{"negative", "image/webp;q=-1", both, 0},
		{"upper case", "IMAGE/WEBP;Q=1", both, transform.WebP},
		{"other parameters", "image/webp;level=1;q=0", both, 0},
		{"part of a word", "ximage/webp, image/webpx", both, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := negotiate(tt.accept, tt.offered); got != tt.want {
				t.Errorf("negotiate(%q) = %v, want %v", tt.accept, got, tt.want)
			}
		})
	}
}

func TestFallback(t *testing.T) {
	tests := []struct {
		alpha   bool
		offered []transform.Format
		want    transform.Format
	}{
		{false, []transform.Format{transform.WebP, transform.JPEG, transform.PNG}, transform.JPEG},
		{true, []transform.Format{transform.WebP, transform.JPEG, transform.PNG}, transform.PNG},
		{true, []transform.Format{transform.WebP, transform.JPEG}, transform.JPEG},
		{false, []transform.Format{transform.WebP, transform.PNG}, transform.PNG},
		{false, []transform.Format{transform.WebP}, transform.WebP},
	}
	for _, tt := range tests {
		if got := fallback(tt.alpha, tt.offered); got != tt.want {
			t.Errorf("fallback(%v, %v) = %v, want %v", tt.alpha, tt.offered, got, tt.want)
		}
	}
}

func TestAimed(t *testing.T) {
	cover := transform.Spec{Width: 9, Height: 9, Fit: transform.Cover}
	with := func(crop transform.Crop, at transform.Point) transform.Spec {
		s := cover
		s.Crop, s.Focus = crop, at
		return s
	}
	focus := catalog.Focus{X: 30, Y: 70, Set: true}
	for _, tt := range []struct {
		name  string
		spec  transform.Spec
		focus catalog.Focus
		want  transform.Spec
	}{
		{"the author's point", cover, focus, with(transform.Focal, transform.Point{X: 30, Y: 70})},
		{"none", cover, catalog.Focus{}, cover},
		{"a URL's own point", with(transform.Focal, transform.Point{X: 1}), focus, with(transform.Focal, transform.Point{X: 1})},
		{"the middle", with(transform.Center, transform.Point{}), focus, with(transform.Center, transform.Point{})},
		{"nothing is cut", transform.Spec{Width: 9}, focus, transform.Spec{Width: 9}},
	} {
		if got := aimed(tt.spec, tt.focus); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
