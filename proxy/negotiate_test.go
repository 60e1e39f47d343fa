package proxy

import (
	"slices"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

func TestAccepted(t *testing.T) {
	avif, webp, jpg, png, gif := transform.AVIF, transform.WebP, transform.JPEG, transform.PNG, transform.GIF
	all := []transform.Format{avif, webp, jpg, png, gif}
	tests := []struct {
		name, accept string
		offered      []transform.Format
		want         []transform.Format
	}{
		{"Chrome", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", all, all},
		{"Chrome without AVIF here", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", all[1:], all[1:]},
		{"old Safari", "image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5", all, all[1:]},
		{"wildcards only", "image/*,*/*;q=0.8", all, all[2:]},
		{"curl", "*/*", all, all[2:]},
		{"none", "", all, all[2:]},
		{"JPEG named", "image/jpeg", all, all[2:]},
		{"JPEG refused", "image/jpeg;q=0", all, all[2:]},
		{"refused", "image/avif;q=0, image/webp;q=0.1", all, all[1:]},
		{"refused with a blank", "image/webp; q=0.0", all, all[2:]},
		{"malformed weight", "image/webp;q=x", all, all[2:]},
		{"not a number", "image/webp;q=NaN", all, all[2:]},
		{"negative", "image/webp;q=-1", all, all[2:]},
		{"upper case", "IMAGE/WEBP;Q=1", all, all[1:]},
		{"other parameters", "image/webp;level=1;q=0", all, all[2:]},
		{"part of a word", "ximage/webp, image/webpx", all, all[2:]},
		{"order of the offer", "image/avif,image/webp", []transform.Format{png, webp, avif}, []transform.Format{png, webp, avif}},
		{"nothing that it reads", "text/html", []transform.Format{webp, avif}, []transform.Format{webp, avif}},
		{"one that it reads", "image/webp", []transform.Format{webp, avif}, []transform.Format{webp}},
		{"GIF alone", "*/*", []transform.Format{gif, avif}, []transform.Format{gif}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := accepted([]string{tt.accept}, tt.offered, 0).of(tt.offered); !slices.Equal(got, tt.want) {
				t.Errorf("accepted(%q) = %v, want %v", tt.accept, got, tt.want)
			}
		})
	}
}
