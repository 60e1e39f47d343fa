package resample

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"
)

// noise is a plane with stride beyond its width.
func noise(seed uint64, w, h int) Plane {
	r := rand.New(rand.NewPCG(seed, 1))
	p := Plane{Pix: make([]byte, (w+3)*h), Stride: w + 3, Width: w, Height: h}
	for i := range p.Pix {
		p.Pix[i] = byte(r.Uint32())
	}
	return p
}

// exactly is what Resize computes, in float64 and the plainest way.
func exactly(src Plane, win Window, w, h int) []float64 {
	weigh := func(length int, from, width float64, size, i int) []float64 {
		step := width / float64(size)
		scale := max(step, 1)
		centre := from + (float64(i)+0.5)*step - 0.5
		weights, sum := make([]float64, length), 0.0
		for j := range weights {
			weights[j] = lanczos((float64(j) - centre) / scale)
			if step < 1 {
				weights[j] = triangle(float64(j) - centre)
			}
			sum += weights[j]
		}
		for j := range weights {
			weights[j] /= sum
		}
		return weights
	}
	rows := make([]float64, w*src.Height)
	for x := range w {
		weights := weigh(src.Width, win.X, win.Width, w, x)
		for y := range src.Height {
			for j, v := range weights {
				rows[y*w+x] += v * float64(src.Pix[y*src.Stride+j])
			}
		}
	}
	out := make([]float64, w*h)
	for y := range h {
		for j, v := range weigh(src.Height, win.Y, win.Height, h, y) {
			for x := range w {
				out[y*w+x] += v * rows[j*w+x]
			}
		}
	}
	return out
}

func TestResize(t *testing.T) {
	for _, tt := range []struct {
		sw, sh int
		win    Window
		w, h   int
	}{
		{60, 40, Window{}, 30, 20},
		{61, 43, Window{}, 20, 13},
		{61, 43, Window{}, 7, 40},
		{20, 13, Window{}, 61, 43},
		{60, 40, Window{X: 10.5, Y: 3.25, Width: 40.5, Height: 30.75}, 17, 11},
		{60, 40, Window{Width: 60.5, Height: 40.5}, 21, 14}, // beyond the edge, as chroma of an odd side is
		{1, 40, Window{}, 1, 9},
		{40, 1, Window{}, 9, 1},
		{1, 1, Window{}, 5, 5},
		{400, 3, Window{}, 1, 1},
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			src := noise(7, tt.sw, tt.sh)
			win := tt.win
			if win == (Window{}) {
				win = Window{Width: float64(tt.sw), Height: float64(tt.sh)}
			}
			got, err := Resize(t.Context(), src, tt.win, tt.w, tt.h)
			if err != nil {
				t.Fatal(err)
			}
			if got.Width != tt.w || got.Height != tt.h || len(got.Pix) != tt.w*tt.h {
				t.Fatalf("got %d × %d in %d bytes", got.Width, got.Height, len(got.Pix))
			}
			for i, want := range exactly(src, win, tt.w, tt.h) {
				if want = min(max(want, 0), 255); math.Abs(float64(got.Pix[i])-want) > 0.75 {
					t.Fatalf("sample %d: got %d, want %.2f", i, got.Pix[i], want)
				}
			}
		})
	}
}

func TestEvenStaysEven(t *testing.T) {
	for v := range 256 {
		src := Plane{Pix: bytes.Repeat([]byte{byte(v)}, 37*29), Stride: 37, Width: 37, Height: 29}
		got, err := Resize(t.Context(), src, Window{X: 0.3, Y: 0.7, Width: 33.3, Height: 27.1}, 11, 40)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range got.Pix {
			if int(p) != v {
				t.Fatalf("%d: sample %d came out as %d", v, i, p)
			}
		}
	}
}

func TestSameSizeIsACopy(t *testing.T) {
	src := noise(3, 33, 21)
	got, err := Resize(t.Context(), src, Window{}, 33, 21)
	if err != nil {
		t.Fatal(err)
	}
	for y := range 21 {
		if !bytes.Equal(got.Pix[y*33:][:33], src.Pix[y*src.Stride:][:33]) {
			t.Fatalf("row %d differs", y)
		}
	}
	whole := Window{X: 4, Y: 5, Width: 20, Height: 10}
	part, err := Resize(t.Context(), src, whole, 20, 10)
	if err != nil {
		t.Fatal(err)
	}
	for y := range 10 {
		if !bytes.Equal(part.Pix[y*20:][:20], src.Pix[(y+5)*src.Stride+4:][:20]) {
			t.Fatalf("row %d of the part differs", y)
		}
	}
}

func TestRefusals(t *testing.T) {
	src := noise(1, 9, 9)
	for _, tt := range []struct {
		win  Window
		w, h int
	}{{Window{}, 0, 1}, {Window{}, 1, 0}, {Window{Width: 5}, 1, 1}, {Window{Width: math.NaN(), Height: 1}, 1, 1}} {
		if _, err := Resize(t.Context(), src, tt.win, tt.w, tt.h); err == nil {
			t.Errorf("%+v: no error", tt)
		}
	}
	if _, err := Resize(t.Context(), Plane{}, Window{}, 1, 1); err == nil {
		t.Error("an empty plane: no error")
	}
	img := image.NewNRGBA(image.Rect(0, 0, 9, 9))
	for _, part := range []image.Rectangle{{}, image.Rect(0, 0, 10, 9), image.Rect(-1, 0, 9, 9)} {
		if _, err := Linear(t.Context(), img, part, 3, 3); err == nil {
			t.Errorf("part %v: no error", part)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Resize(ctx, src, Window{}, 3, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("Resize: got %v, want the context's end", err)
	}
	if _, err := Linear(ctx, img, img.Rect, 3, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("Linear: got %v, want the context's end", err)
	}
}

// paint is a picture of w × h pixels.
func paint(w, h int, at func(x, y int) [4]byte) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p := at(x, y)
			copy(img.Pix[img.PixOffset(x, y):], p[:])
		}
	}
	return img
}

func grey(v byte) [4]byte { return [4]byte{v, v, v, 255} }

// TestLinearIsLinear: half black and half white pixels are half the light, which sRGB writes as 188.
func TestLinearIsLinear(t *testing.T) {
	board := paint(64, 64, func(x, y int) [4]byte { return grey(byte((x + y) % 2 * 255)) })
	got, err := Linear(t.Context(), board, board.Rect, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	for y := 3; y < 13; y++ {
		for x := 3; x < 13; x++ {
			if p := got.NRGBAAt(x, y); p.R < 186 || p.R > 190 || p.R != p.G || p.G != p.B || p.A != 255 {
				t.Fatalf("(%d, %d): got %v, want 188", x, y, p)
			}
		}
	}
}

func TestLinearSameSizeIsTheSame(t *testing.T) {
	src := paint(256, 3, func(x, y int) [4]byte {
		return [4]byte{byte(x), byte(255 - x), byte(x * 7), []byte{255, 128, 1}[y]}
	})
	got, err := Linear(t.Context(), src, src.Rect, 256, 3)
	if err != nil {
		t.Fatal(err)
	}
	for y := range 3 {
		for x := range 256 {
			a, b := src.NRGBAAt(x, y), got.NRGBAAt(x, y)
			if a != b {
				t.Fatalf("(%d, %d): got %v, want %v", x, y, b, a)
			}
		}
	}
}

// TestLinearDoesNotRing: beside a step nothing is darker or brighter than its sides, where a Lanczos filter alone is.
func TestLinearDoesNotRing(t *testing.T) {
	step := paint(120, 120, func(x, y int) [4]byte {
		if x < 61 || y < 47 {
			return grey(60)
		}
		return grey(190)
	})
	plane := Plane{Pix: make([]byte, 120*120), Stride: 120, Width: 120, Height: 120}
	for i := range plane.Pix {
		plane.Pix[i] = step.Pix[4*i]
	}
	rings, err := Resize(t.Context(), plane, Window{}, 50, 50)
	if err != nil {
		t.Fatal(err)
	}
	over := false
	for _, v := range rings.Pix {
		over = over || v < 58 || v > 192
	}
	if !over {
		t.Error("the plain filter does not ring: the test shows nothing")
	}
	for _, size := range [][2]int{{50, 50}, {31, 77}, {200, 200}} {
		got, err := Linear(t.Context(), step, step.Rect, size[0], size[1])
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(got.Pix); i += 4 {
			if v := got.Pix[i]; v < 60 || v > 190 {
				t.Fatalf("%v: got %d beside a step from 60 to 190", size, v)
			}
		}
	}
}

// TestLinearAlpha: what is transparent has no colour to give.
func TestLinearAlpha(t *testing.T) {
	src := paint(80, 80, func(x, y int) [4]byte {
		if (x/5+y/3)%2 == 0 {
			return [4]byte{0, 255, 0, 0}
		}
		return [4]byte{200, 40, 40, 255}
	})
	got, err := Linear(t.Context(), src, src.Rect, 23, 31)
	if err != nil {
		t.Fatal(err)
	}
	mixed := 0
	for i := 0; i < len(got.Pix); i += 4 {
		p := got.Pix[i : i+4]
		switch {
		case p[3] == 0:
			continue
		case p[3] < 255:
			mixed++
		}
		if p[3] > 8 && (p[0] < 195 || p[0] > 205 || p[1] < 35 || p[1] > 45) {
			t.Fatalf("pixel %d: got %v, want the opaque colour", i/4, p)
		}
	}
	if mixed == 0 {
		t.Error("no pixel is half transparent: the test shows nothing")
	}
}

func TestParallel(t *testing.T) {
	src := noise(5, 200, 150)
	want, err := Resize(t.Context(), src, Window{}, 61, 47)
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			if got, err := Resize(t.Context(), src, Window{}, 61, 47); err != nil || !bytes.Equal(got.Pix, want.Pix) {
				t.Errorf("another result beside others: %v", err)
			}
		})
	}
}

// BenchmarkResize makes 800 × 533 pixels in 4:2:0 of a photograph of 6.3 megapixels that was decoded at half its size.
func BenchmarkResize(b *testing.B) {
	luma, chroma := noise(1, 1544, 1028), noise(2, 772, 514)
	for b.Loop() {
		for i, p := range []Plane{luma, chroma, chroma} {
			w, h := 800, 533
			if i > 0 {
				w, h = 400, 267
			}
			if _, err := Resize(b.Context(), p, Window{}, w, h); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkLinear(b *testing.B) {
	src := paint(1600, 1000, func(x, y int) [4]byte { return [4]byte{byte(x), byte(y), byte(x * y), 255} })
	for b.Loop() {
		if _, err := Linear(b.Context(), src, src.Rect, 800, 500); err != nil {
			b.Fatal(err)
		}
	}
}
