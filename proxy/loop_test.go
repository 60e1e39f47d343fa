package proxy

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestLoopsAreCut(t *testing.T) {
	d := newDesk(t)
	for field, want := range map[string]int{
		"CDN-Loop: cutline; id=me": 508, "CDN-Loop: other, cutline;id=me": 508, "CDN-Loop: cutline; id=a, cutline; id=me, cutline; id=b": 508,
		"CDN-Loop: cutline; id=another, other": 200, "CDN-Loop: cutline": 200,
		"CDN-Loop: " + strings.Repeat("cutline; id=x, ", maxThrough) + "other": 200, "CDN-Loop: " + strings.Repeat("cutline; id=x, ", maxThrough+1): 508,
	} {
		if resp, _ := d.get("/p/fox/hero.webp", field); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", field, resp.StatusCode, want)
		}
	}
	if n := len(d.stub.asked); n != 3 {
		t.Errorf("%d renditions asked for, want 3", n)
	}
}

// What a client writes into CDN-Loop goes on only where it is a cutline's name for itself.
func TestThrough(t *testing.T) {
	s := &Server{}
	for field, want := range map[string][]string{
		"": nil, "cutline": nil, "cloudflare; loops=9": nil, "cutline; id=": nil, "cutline; id=\"a\"": nil, "cutline; id=A": nil, "cutline; id=a; loops=1": nil,
		"cutline; id=" + strings.Repeat("a", 33): nil, "cutline; id=a b": nil, "cutline; id=a\r\nX: y": nil, "cutline2; id=a": nil,
		"cutline; id=a": {"a"}, "x , cutline;id=a-1 ,,cutline ; id=b": {"a-1", "b"},
	} {
		if got, loops := s.through(http.Header{"Cdn-Loop": {field}}); !slices.Equal(got, want) || loops {
			t.Errorf("through(%q) = %q, %t, want %q", field, got, loops, want)
		}
	}
}
