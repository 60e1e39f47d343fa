package jpegscale

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// files are every kind of file that is read, each small: those of testdata and what image/jpeg writes.
func files(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	names, err := filepath.Glob("testdata/*.jpg")
	if err != nil || len(names) < 10 {
		t.Fatalf("testdata: %d files, %v", len(names), err)
	}
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = body
	}
	photo := imagetest.Photo(67, 45)
	for q := 5; q <= 100; q += 19 {
		all[fmt.Sprintf("go-q%d", q)] = imagetest.EncodeJPEG(t, photo, q)
	}
	grey := image.NewGray(photo.Rect)
	for i := range grey.Pix {
		grey.Pix[i] = photo.Pix[4*i+1]
	}
	all["go-grey"] = imagetest.EncodeJPEG(t, grey, 85)
	for _, side := range []int{1, 7, 8, 9, 16, 17} {
		all[fmt.Sprintf("go-%d", side)] = imagetest.EncodeJPEG(t, imagetest.Photo(side, 18-side), 85)
	}
	return all
}

// oracle is what image/jpeg makes of src, as planes.
func oracle(src []byte) (*Picture, image.Image, error) {
	img, err := jpeg.Decode(bytes.NewReader(src))
	if err != nil {
		return nil, nil, err
	}
	switch img := img.(type) {
	case *image.Gray:
		return &Picture{Planes: []Plane{{img.Pix, img.Stride, img.Rect.Dx(), img.Rect.Dy()}}}, img, nil
	case *image.YCbCr:
		chroma := img.Rect
		switch img.SubsampleRatio {
		case image.YCbCrSubsampleRatio422:
			chroma.Max.X = (chroma.Max.X + 1) / 2
		case image.YCbCrSubsampleRatio420:
			chroma.Max.X, chroma.Max.Y = (chroma.Max.X+1)/2, (chroma.Max.Y+1)/2
		case image.YCbCrSubsampleRatio440:
			chroma.Max.Y = (chroma.Max.Y + 1) / 2
		case image.YCbCrSubsampleRatio411:
			chroma.Max.X = (chroma.Max.X + 3) / 4
		case image.YCbCrSubsampleRatio410:
			chroma.Max.X, chroma.Max.Y = (chroma.Max.X+3)/4, (chroma.Max.Y+1)/2
		}
		return &Picture{Planes: []Plane{
			{img.Y, img.YStride, img.Rect.Dx(), img.Rect.Dy()},
			{img.Cb, img.CStride, chroma.Max.X, chroma.Max.Y},
			{img.Cr, img.CStride, chroma.Max.X, chroma.Max.Y},
		}}, img, nil
	}
	return nil, img, nil
}

// difference is the largest and the mean difference of two pictures' samples.
func difference(a, b *Picture) (most int, mean float64, err error) {
	if len(a.Planes) != len(b.Planes) {
		return 0, 0, fmt.Errorf("%d planes, want %d", len(a.Planes), len(b.Planes))
	}
	sum, n := 0, 0
	for i := range a.Planes {
		p, q := a.Planes[i], b.Planes[i]
		if p.Width != q.Width || p.Height != q.Height {
			return 0, 0, fmt.Errorf("plane %d of %d × %d, want %d × %d", i, p.Width, p.Height, q.Width, q.Height)
		}
		for y := range p.Height {
			for x := range p.Width {
				d := int(p.Pix[y*p.Stride+x]) - int(q.Pix[y*q.Stride+x])
				d = max(d, -d)
				most, sum, n = max(most, d), sum+d, n+1
			}
		}
	}
	return most, float64(sum) / float64(n), nil
}

func TestFullSizeIsWhatImageJPEGMakes(t *testing.T) {
	for name, src := range files(t) {
		want, img, err := oracle(src)
		if err != nil {
			t.Errorf("%s: image/jpeg: %v", name, err)
			continue
		}
		got, err := Decode(t.Context(), src, Options{})
		if want == nil {
			if !errors.Is(err, ErrUnsupported) {
				t.Errorf("%s: got %v for %T, want %v", name, err, img, ErrUnsupported)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		most, mean, err := difference(got, want)
		if err != nil || most > 2 || mean > 0.05 {
			t.Errorf("%s: differs by %d at most and %.3f in the mean, %v", name, most, mean, err)
		}
		if got.Width != img.Bounds().Dx() || got.Height != img.Bounds().Dy() || got.Shrink != 1 {
			t.Errorf("%s: got %d × %d at 1/%d", name, got.Width, got.Height, got.Shrink)
		}
	}
}

// reduced is the inverse DCT of n points of the n × n lowest frequencies of the samples in block, in float64.
func reduced(block *[8][8]float64, n int) [8][8]float64 {
	c := func(u int) float64 {
		if u == 0 {
			return math.Sqrt2 / 2
		}
		return 1
	}
	var freq, out [8][8]float64
	for v := range n {
		for u := range n {
			for y := range 8 {
				for x := range 8 {
					freq[v][u] += block[y][x] * math.Cos(float64((2*x+1)*u)*math.Pi/16) * math.Cos(float64((2*y+1)*v)*math.Pi/16) * c(u) * c(v) / 4
				}
			}
		}
	}
	for y := range n {
		for x := range n {
			for v := range n {
				for u := range n {
					out[y][x] += freq[v][u] * math.Cos(float64((2*x+1)*u)*math.Pi/float64(2*n)) * math.Cos(float64((2*y+1)*v)*math.Pi/float64(2*n)) * c(u) * c(v) / 4
				}
			}
		}
	}
	return out
}

// TestShrinkIsTheReducedTransform compares every shrink of every file with the low frequencies of its full size.
func TestShrinkIsTheReducedTransform(t *testing.T) {
	for name, src := range files(t) {
		full, err := Decode(t.Context(), src, Options{})
		if errors.Is(err, ErrUnsupported) {
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, shrink := range []int{2, 4, 8} {
			got, err := Decode(t.Context(), src, Options{Shrink: shrink})
			if err != nil {
				t.Fatalf("%s at 1/%d: %v", name, shrink, err)
			}
			for i, p := range got.Planes {
				f := full.Planes[i]
				if p.Width != (f.Width+shrink-1)/shrink || p.Height != (f.Height+shrink-1)/shrink {
					t.Errorf("%s at 1/%d: plane %d is %d × %d of %d × %d", name, shrink, i, p.Width, p.Height, f.Width, f.Height)
				}
				checkReduced(t, fmt.Sprintf("%s at 1/%d, plane %d", name, shrink, i), p, f, 8/shrink)
			}
		}
	}
}

// checkReduced looks at the blocks that lie wholly inside; clipping at full size makes blocks with 0 or 255 differ.
// TestMeansAreTheSameForEveryShrink verifies that they are the picture at 1/8, to the last bit.
func TestMeansAreTheSameForEveryShrink(t *testing.T) {
	for name, src := range files(t) {
		eighth, err := Decode(t.Context(), src, Options{Shrink: 8})
		if err != nil {
			continue // not read here
		}
		for _, shrink := range []int{1, 2, 4, 8} {
			p, err := Decode(t.Context(), src, Options{Shrink: shrink})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for i, want := range eighth.Planes {
				got := p.Means[i]
				if got.Width != want.Width || got.Height != want.Height || got.Stride != want.Stride || !bytes.Equal(got.Pix, want.Pix) {
					t.Errorf("%s at 1/%d, plane %d: the means are not the plane at 1/8", name, shrink, i)
				}
			}
		}
	}
}

func checkReduced(t *testing.T, name string, p, full Plane, side int) {
	t.Helper()
	for by := range full.Height / 8 {
		for bx := range full.Width / 8 {
			var block [8][8]float64
			clipped := false
			for y := range 8 {
				for x := range 8 {
					v := full.Pix[(8*by+y)*full.Stride+8*bx+x]
					clipped = clipped || v == 0 || v == 255
					block[y][x] = float64(v)
				}
			}
			if clipped {
				continue
			}
			want := reduced(&block, side)
			for y := range side {
				for x := range side {
					got := float64(p.Pix[(side*by+y)*p.Stride+side*bx+x])
					if math.Abs(got-min(max(want[y][x], 0), 255)) > 1.5 {
						t.Fatalf("%s, block (%d, %d), sample (%d, %d): got %.0f, want %.2f", name, bx, by, x, y, got, want[y][x])
					}
				}
			}
		}
	}
}

// mutate damages src in one of the ways in which files are damaged.
func mutate(r *rand.Rand, src []byte) []byte {
	b := bytes.Clone(src)
	switch r.IntN(6) {
	case 0: // a bit
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	case 1: // some bytes
		for range 1 + r.IntN(5) {
			b[r.IntN(len(b))] = byte(r.Uint32())
		}
	case 2: // the end
		b = b[:r.IntN(len(b))]
	case 3: // a part is missing
		i := r.IntN(len(b))
		b = append(b[:i], b[min(i+1+r.IntN(40), len(b)):]...)
	case 4: // a part stands twice
		i := r.IntN(len(b))
		part := bytes.Clone(b[i:min(i+1+r.IntN(60), len(b))])
		b = append(b[:i], append(part, b[i:]...)...)
	case 5: // the headers, which decide most
		for range 1 + r.IntN(3) {
			b[r.IntN(min(len(b), 700))] = byte(r.Uint32())
		}
	}
	return b
}

// small reports whether a file's header claims few enough pixels to be decoded by the thousand.
func small(src []byte) bool {
	c, err := jpeg.DecodeConfig(bytes.NewReader(src))
	return err != nil || c.Width*c.Height <= 1<<16
}

// agree compares the two decoders on src, which may be anything.
func agree(ctx context.Context, src []byte) error {
	want, img, wantErr := oracle(src)
	got, err := Decode(ctx, src, Options{MaxScans: math.MaxInt})
	switch {
	case errors.Is(err, ErrUnsupported):
		return nil // image/jpeg decides
	case err == nil != (wantErr == nil):
		return fmt.Errorf("got error %v, where image/jpeg says %v", err, wantErr)
	case err != nil:
		return nil
	case want == nil:
		return fmt.Errorf("decoded, where image/jpeg makes a %T", img)
	}
	if _, _, err := difference(got, want); err != nil {
		return err
	}
	return nil
}

func TestDamagedFiles(t *testing.T) {
	each := 300
	if testing.Short() {
		each = 30
	}
	accepted := 0
	for name, src := range files(t) {
		r := rand.New(rand.NewPCG(uint64(len(name)), uint64(len(src))))
		for i := range each {
			bad := mutate(r, src)
			if !small(bad) {
				continue
			}
			if err := agree(t.Context(), bad); err != nil {
				t.Errorf("%s, mutation %d: %v", name, i, err)
				if dir := os.Getenv("KEEP_DAMAGED"); dir != "" {
					_ = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d", name, i)), bad, 0o600)
				}
			}
			if _, err := Decode(t.Context(), bad, Options{Shrink: 4}); err == nil {
				accepted++
			}
		}
	}
	if accepted < each {
		t.Errorf("only %d damaged files were decoded: the mutations are too strong to show anything", accepted)
	}
}

func FuzzDecode(f *testing.F) {
	for _, src := range files(f) {
		f.Add(src, uint8(1))
		f.Add(src, uint8(8))
	}
	f.Fuzz(func(t *testing.T, src []byte, shrink uint8) {
		if !small(src) {
			return
		}
		if err := agree(t.Context(), src); err != nil {
			t.Fatal(err)
		}
		p, err := Decode(t.Context(), src, Options{Shrink: 1 << (shrink % 4)})
		if err != nil {
			return
		}
		for _, plane := range p.Planes {
			if len(plane.Pix) < (plane.Height-1)*plane.Stride+plane.Width {
				t.Fatalf("plane of %d bytes for %d × %d", len(plane.Pix), plane.Width, plane.Height)
			}
		}
	})
}

func TestLimits(t *testing.T) {
	all := files(t)
	if _, err := Decode(t.Context(), all["progressive-420.jpg"], Options{MaxScans: 3}); !errors.Is(err, ErrScans) {
		t.Errorf("more scans than allowed: got %v", err)
	}
	if _, err := Decode(t.Context(), all["go-q81"], Options{Shrink: 3}); err == nil {
		t.Error("1/3: no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"go-q81", "progressive-420.jpg"} {
		if _, err := Decode(ctx, all[name], Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want the context's end", name, err)
		}
	}
}

// TestBytes compares the promise with what is allocated.
func TestBytes(t *testing.T) {
	const w, h = 640, 480
	src := imagetest.JPEG(t, w, h)
	for _, shrink := range []int{1, 2, 4, 8} {
		promised := Bytes(w, h, [][2]int{{2, 2}, {1, 1}, {1, 1}}, false, shrink)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Decode(t.Context(), src, Options{Shrink: shrink}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		got := int64(after.TotalAlloc - before.TotalAlloc)
		if got > promised+(96<<10) || got < promised {
			t.Errorf("1/%d: got %d bytes, promised %d", shrink, got, promised)
		}
	}
	if got, want := Bytes(16, 16, [][2]int{{2, 2}, {1, 1}, {1, 1}}, true, 1), int64(6*(64*3+1)); got != want {
		t.Errorf("progressive: got %d, want %d", got, want)
	}
}

func benchmark(b *testing.B, src []byte) {
	for _, shrink := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("1of%d", shrink), func(b *testing.B) {
			for b.Loop() {
				if _, err := Decode(b.Context(), src, Options{Shrink: shrink}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("image-jpeg", func(b *testing.B) {
		for b.Loop() {
			if _, err := jpeg.Decode(bytes.NewReader(src)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	benchmark(b, imagetest.EncodeJPEG(b, imagetest.Photo(3088, 2056), 90))
}
