package container

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

func TestNextSegment(t *testing.T) {
	for _, tt := range []struct {
		name   string
		src    string
		marker byte
		body   string
		start  int
		end    int
		broken bool
	}{
		{"plain", "\xff\xe1\x00\x04ab.", 0xe1, "ab", 0, 6, false},
		{"fill bytes", "\xff\xff\xff\xe1\x00\x02.", 0xe1, "", 2, 6, false},
		{"garbage, stuffing, a restart", "..\xff\x00\xff\xd0\xff\xd9", 0xd9, "", 6, 8, false},
		{"no marker", "abc", 0, "", 0, 0, true},
		{"half a marker", "\xff", 0, "", 0, 0, true},
		{"no length", "\xff\xe1\x00", 0, "", 0, 0, true},
		{"a length of less than itself", "\xff\xe1\x00\x01", 0, "", 0, 0, true},
		{"more than there is", "\xff\xe1\x00\x05ab", 0, "", 0, 0, true},
	} {
		s, err := NextSegment([]byte(tt.src), 0)
		if tt.broken {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: %v, want ErrCorrupt", tt.name, err)
			}
			continue
		}
		if err != nil || s.Marker != tt.marker || string(s.Body) != tt.body || s.Start != tt.start || s.End != tt.end {
			t.Errorf("%s: %+v, %v", tt.name, s, err)
		}
	}
	if _, err := NextSegment([]byte("\xff\xd9"), 9); !errors.Is(err, ErrCorrupt) {
		t.Errorf("behind the end: %v, want ErrCorrupt", err)
	}
}

// TestAppend verifies that what is appended is found again, also behind the padding of RIFF.
func TestAppend(t *testing.T) {
	s, err := NextSegment(AppendSegment([]byte{}, MarkerAPP1, []byte("ab"), []byte("c")), 0)
	if err != nil || s.Marker != MarkerAPP1 || string(s.Body) != "abc" {
		t.Errorf("segment %+v, %v", s, err)
	}
	png := imagetest.PNG(t, 2, 2, false)
	ihdr, err := NextPNGChunk(png, len(PNGSignature))
	if err != nil || ihdr.Kind != "IHDR" || len(ihdr.Body) != 13 {
		t.Fatalf("chunk %+v, %v", ihdr, err)
	}
	if got := AppendPNGChunk(nil, "IHDR", ihdr.Body[:4], ihdr.Body[4:]); !bytes.Equal(got, png[ihdr.Start:ihdr.End]) {
		t.Errorf("chunk %x, want %x", got, png[ihdr.Start:ihdr.End])
	}
	var kinds []string
	riff := AppendRIFFChunk(AppendRIFFChunk(nil, "odd ", []byte("abc")), "even", []byte("ab"))
	err = EachRIFFChunk(append(riff, "tail"...), func(c Chunk) error {
		kinds = append(kinds, c.Kind+":"+string(c.Body))
		return nil
	})
	if err != nil || !slices.Equal(kinds, []string{"odd :abc", "even:ab"}) {
		t.Errorf("chunks %q, %v", kinds, err)
	}
	if err := EachRIFFChunk(riff[:len(riff)-1], func(Chunk) error { return nil }); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a chunk that is cut: %v, want ErrCorrupt", err)
	}
}

func TestWebPChunks(t *testing.T) {
	whole := imagetest.WebP(t, false)
	got, err := WebPChunks(append(bytes.Clone(whole), "tail"...))
	if err != nil || !bytes.Equal(got, whole[12:]) {
		t.Errorf("%d bytes, %v, want %d", len(got), err, len(whole)-12)
	}
	for n := range len(whole) {
		if _, err := WebPChunks(whole[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%d bytes of %d: %v, want ErrCorrupt", n, len(whole), err)
		}
	}
	if got, err := WebPChunks([]byte("RIFF\x00\x00\x00\x00WEBP")); err != nil || len(got) != 0 {
		t.Errorf("a length of 0: %d bytes, %v", len(got), err)
	}
}

func TestNextBox(t *testing.T) {
	for _, tt := range []struct {
		name, src, kind, body, rest string
		broken                      bool
	}{
		{"plain", "\x00\x00\x00\x0afreeab.", "free", "ab", ".", false},
		{"to the end", "\x00\x00\x00\x00freeab.", "free", "ab.", "", false},
		{"a long length", "\x00\x00\x00\x01free\x00\x00\x00\x00\x00\x00\x00\x12ab.", "free", "ab", ".", false},
		{"short", "\x00\x00\x00", "", "", "", true},
		{"less than its header", "\x00\x00\x00\x07free", "", "", "", true},
		{"less than its long header", "\x00\x00\x00\x01free\x00\x00\x00\x00\x00\x00\x00\x0f", "", "", "", true},
		{"half a long length", "\x00\x00\x00\x01free\x00\x00", "", "", "", true},
		{"more than there is", "\x00\x00\x00\x0bfreeab", "", "", "", true},
		{"more than a number holds", "\x00\x00\x00\x01free\xff\xff\xff\xff\xff\xff\xff\xff", "", "", "", true},
	} {
		b, rest, err := NextBox([]byte(tt.src))
		if tt.broken != errors.Is(err, ErrCorrupt) || b.Kind != tt.kind || string(b.Body) != tt.body || string(rest) != tt.rest {
			t.Errorf("%s: %q %q, then %q, %v", tt.name, b.Kind, b.Body, rest, err)
		}
	}
}

func TestLocations(t *testing.T) {
	read := func(body string) (out []Location, err error) {
		err = Locations([]byte(body), func(l Location) error {
			out = append(out, l)
			return nil
		})
		return out, err
	}
	v1 := "\x01\x00\x00\x00\x44\x40\x00\x01" + "\x00\x07\x00\x01\x00\x00" + "\x00\x00\x00\x10" + "\x00\x02" + "\x00\x00\x00\x01\x00\x00\x00\x02" + "\x00\x00\x00\x03\x00\x00\x00\x04"
	got, err := read(v1)
	want := Location{ID: 7, Method: 1, Extents: []Extent{{0x11, 2}, {0x13, 4}}}
	if err != nil || len(got) != 1 || got[0].ID != want.ID || got[0].Method != want.Method || !slices.Equal(got[0].Extents, want.Extents) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for n := 6; n < len(v1); n++ {
		if _, err := read(v1[:n]); !errors.Is(err, ErrCorrupt) && n >= 8 {
			t.Errorf("%d bytes of %d: %v, want ErrCorrupt", n, len(v1), err)
		}
	}
	for name, body := range map[string]string{
		"fields of three bytes": "\x00\x00\x00\x00\x34\x00\x00\x00", "an extent beyond numbers": "\x00\x00\x00\x00\x84\x80\x00\x01\x00\x07\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01",
		"more items than any file has": "\x00\x00\x00\x00\x44\x00\xff\xff",
	} {
		if _, err := read(body); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
	if _, err := read("\x00\x00\x00\x00\x40\x00\x00\x00"); !errors.Is(err, ErrUnsupported) {
		t.Errorf("no lengths: %v, want ErrUnsupported", err)
	}
}

func TestLocationData(t *testing.T) {
	file, idat := []byte("0123456789"), []byte("abc")
	for _, tt := range []struct {
		name string
		at   Location
		want string
		err  error
	}{
		{"one extent", Location{Extents: []Extent{{2, 3}}}, "234", nil},
		{"two", Location{Extents: []Extent{{2, 3}, {0, 1}}}, "2340", nil},
		{"in idat", Location{Method: 1, Extents: []Extent{{1, 2}}}, "bc", nil},
		{"beyond the file", Location{Extents: []Extent{{8, 3}}}, "", ErrCorrupt},
		{"beyond numbers", Location{Extents: []Extent{{1 << 63, 1 << 63}}}, "", ErrCorrupt},
		{"more than the file", Location{Extents: []Extent{{0, 10}, {0, 10}}}, "", ErrCorrupt},
		{"nothing", Location{}, "", ErrCorrupt},
		{"in another file", Location{Foreign: true, Extents: []Extent{{2, 3}}}, "", ErrUnsupported},
		{"in another item", Location{Method: 2, Extents: []Extent{{2, 3}}}, "", ErrUnsupported},
	} {
		got, err := tt.at.Data(file, idat)
		if string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func TestItemInfosAndReferences(t *testing.T) {
	infe := func(id byte, kind string) string {
		body := "\x02\x00\x00\x00\x00" + string([]byte{id}) + "\x00\x00" + kind
		return "\x00\x00\x00" + string([]byte{byte(8 + len(body))}) + "infe" + body
	}
	infos, err := ItemInfos([]byte("\x00\x00\x00\x00\x00\x09" + infe(1, "av01Color\x00") + infe(2, "mimeXMP\x00application/rdf+xml\x00") + infe(3, "mimeXMP")))
	if err != nil || len(infos) != 3 || infos[0].Kind != "av01" || infos[1].ContentType != "application/rdf+xml" || infos[2].ContentType != "" {
		t.Errorf("%+v, %v", infos, err)
	}
	if _, err := ItemInfos([]byte("\x00\x00\x00\x00\x00\x01" + infe(1, "av"))); !errors.Is(err, ErrCorrupt) {
		t.Errorf("half a kind: %v, want ErrCorrupt", err)
	}
	if _, err := ItemInfos(append(make([]byte, 6), bytes.Repeat([]byte(infe(1, "av01\x00")), MaxItems+1)...)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("too many items: %v, want ErrCorrupt", err)
	}
	var refs []Reference
	wide, err := References([]byte("\x01\x00\x00\x00\x00\x00\x00\x16cdsc\x00\x00\x00\x02\x00\x02\x00\x00\x00\x01\x00\x00\x00\x05"), func(r Reference) error {
		refs = append(refs, r)
		return nil
	})
	if err != nil || !wide || len(refs) != 1 || refs[0].From != 2 || !slices.Equal(refs[0].To, []uint32{1, 5}) || refs[0].Box.Kind != "cdsc" {
		t.Errorf("%+v, wide %t, %v", refs, wide, err)
	}
	if _, err := References([]byte("\x00\x00\x00\x00\x00\x00\x00\x0ccdsc\x00\x02\xff\xff"), func(Reference) error { return nil }); !errors.Is(err, ErrCorrupt) {
		t.Errorf("more numbers than bytes: %v, want ErrCorrupt", err)
	}
}
