package fetch

import (
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// TestFetchNamesItsInstance has the forms of CDN-Loop (RFC 8586 §2), alone and after others.
func TestFetchNamesItsInstance(t *testing.T) {
	origin := imagetest.NewOrigin(t)
	origin.Serve("/a.jpg", picture)
	for _, tt := range []struct {
		instance string
		through  []string
		want     string
	}{
		{"", nil, "cutline"},
		{"x7-q", nil, "cutline; id=x7-q"},
		{"x7-q", []string{"a1", "b2"}, "cutline; id=a1, cutline; id=b2, cutline; id=x7-q"},
		{"", []string{"a1"}, "cutline; id=a1, cutline"},
	} {
		f := loopback(t, Options{Instance: tt.instance})
		if _, err := f.Fetch(WithLoop(t.Context(), tt.through), parse(t, origin.URL("/a.jpg")), Validators{}); err != nil {
			t.Fatal(err)
		}
		if got := origin.Last("/a.jpg").Header.Get("CDN-Loop"); got != tt.want {
			t.Errorf("instance %q through %q: got CDN-Loop %q, want %q", tt.instance, tt.through, got, tt.want)
		}
	}
}
