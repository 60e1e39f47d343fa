package render

import (
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

// TestPickPrefersMotion verifies that a moving picture wins over another's first frame, which is smaller.
func TestPickPrefersMotion(t *testing.T) {
	still := &wish{made: made{body: make([]byte, 10)}}
	moving := &wish{made: made{body: make([]byte, 900), frames: 2}}
	for _, wishes := range [][]*wish{{still, moving}, {moving, still}} {
		if got, err := pick(wishes); got != moving || err != nil {
			t.Errorf("got %+v and error %v, want the moving one", got, err)
		}
	}
}

// A tag tells one engine from another.
type tag struct {
	Transformer
	name string
}

// TestSlowFormatsAreMadeAside verifies which engine makes what: slow formats alone never take the place of quick ones.
func TestSlowFormatsAreMadeAside(t *testing.T) {
	main, aside := &tag{name: "main"}, &tag{name: "aside"}
	avif, webp := transform.Spec{Format: transform.AVIF}, transform.Spec{Format: transform.WebP}
	for _, tt := range []struct {
		name  string
		aside Transformer
		specs []transform.Spec
		want  *tag
	}{
		{"slow", aside, []transform.Spec{avif, avif}, aside},
		{"quick", aside, []transform.Spec{webp}, main},
		{"both by one decode", aside, []transform.Spec{avif, webp}, main},
		{"no other engine", nil, []transform.Spec{avif}, main},
	} {
		r := &Renderer{o: Options{Transform: main, Aside: tt.aside, Slow: []transform.Format{transform.AVIF}}}
		if got := r.lane(tt.specs); got != Transformer(tt.want) {
			t.Errorf("%s: got %+v, want %s", tt.name, got, tt.want.name)
		}
	}
}
