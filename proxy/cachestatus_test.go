package proxy

import (
	"slices"
	"testing"

	"github.com/dunglas/httpsfv"

	"github.com/dd8bf596/cutline/internal/render"
)

func TestCacheStatus(t *testing.T) {
	tests := []struct {
		rend render.Rendition
		want string
	}{
		{render.Rendition{Outcome: render.Hit, Kept: true}, "cutline; hit"},
		{render.Rendition{Outcome: render.Hit, Kept: true, Asked: true, Status: 304}, "cutline; fwd=stale; fwd-status=304"},
		{render.Rendition{Outcome: render.Hit, Kept: true, Asked: true, Status: 200}, "cutline; fwd=stale; fwd-status=200"},
		{render.Rendition{Outcome: render.Stale, Kept: true, Stale: true}, "cutline; hit; detail=stale"},
		{render.Rendition{Outcome: render.Stale, Kept: true, Stale: true, Asked: true, Status: 503}, "cutline; fwd=stale; fwd-status=503; detail=stale"},
		{render.Rendition{Outcome: render.Stale, Kept: true, Stale: true, Asked: true}, "cutline; fwd=stale; detail=stale"},
		{render.Rendition{Outcome: render.Filled, Kept: true, Asked: true, Status: 200}, "cutline; fwd=stale; fwd-status=200; stored"},
		{render.Rendition{Outcome: render.Joined, Kept: true, Asked: true, Status: 304}, "cutline; fwd=stale; fwd-status=304; collapsed"},
		{render.Rendition{Outcome: render.Filled, Kept: true, Stale: true}, "cutline; fwd=miss; stored; detail=stale"},
	}
	for _, tt := range tests {
		if got := cacheStatus(&tt.rend); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.rend, got, tt.want)
		}
	}
}

// TestCacheControlFollowsTheOrigin verifies that what an origin forbids to us we forbid to others.
func TestCacheControlFollowsTheOrigin(t *testing.T) {
	right := versionOf([32]byte{})
	for _, tt := range []struct {
		rend    render.Rendition
		version string
		want    string
	}{
		{render.Rendition{Kept: true, NoCache: true}, "", cacheAsk},
		{render.Rendition{Kept: true, NoCache: true, Stale: true}, "", cacheAsk},
		{render.Rendition{Kept: true, NoCache: true}, right, cacheForever}, // the URL names the bytes
		{render.Rendition{NoCache: true}, right, cacheNever},
	} {
		if got := cacheControl(&tt.rend, tt.version); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.rend, got, tt.want)
		}
	}
}

// TestCacheStatusGrammar verifies RFC 9211 §2 for every way in which an answer can come about.
func TestCacheStatusGrammar(t *testing.T) {
	outcomes := []render.Outcome{render.Hit, render.Filled, render.Joined, render.Stale}
	for _, outcome := range outcomes {
		for bits := range 1 << 4 {
			is := func(bit int) bool { return bits>>bit&1 == 1 }
			for _, status := range []int{0, 304, 503} {
				rend := &render.Rendition{Outcome: outcome, Kept: is(0), Stale: is(1), Interim: is(2), Asked: is(3), Status: status}
				checkCacheStatus(t, cacheStatus(rend))
			}
		}
	}
	for class, v := range verdicts {
		checkCacheStatus(t, "cutline; detail="+v.outcome)
		if v.outcome == "" {
			t.Errorf("%s has no outcome", class)
		}
	}
}

func checkCacheStatus(t *testing.T, field string) {
	t.Helper()
	list, err := httpsfv.UnmarshalList([]string{field})
	if err != nil || len(list) != 1 {
		t.Errorf("%q is no list of one: %v", field, err)
		return
	}
	item := list[0].(httpsfv.Item)
	if item.Value != httpsfv.Token("cutline") {
		t.Errorf("%q is of %v", field, item.Value)
	}
	params := item.Params.Names()
	for _, name := range params {
		value, _ := item.Params.Get(name)
		sound := false
		switch name {
		case "hit", "stored", "collapsed":
			sound = value == true
		case "fwd":
			sound = value == httpsfv.Token("miss") || value == httpsfv.Token("stale")
		case "fwd-status":
			_, sound = value.(int64)
		case "detail":
			_, sound = value.(httpsfv.Token)
		}
		if !sound {
			t.Errorf("%q: %s is %v", field, name, value)
		}
	}
	hit, forwarded := slices.Contains(params, "hit"), slices.Contains(params, "fwd")
	if hit && forwarded || !forwarded && (slices.Contains(params, "fwd-status") || slices.Contains(params, "collapsed") || slices.Contains(params, "stored")) {
		t.Errorf("%q: both a hit and forwarded", field)
	}
}
