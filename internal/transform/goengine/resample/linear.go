package resample

import (
	"context"
	"fmt"
	"image"
	"math"
)

// Linear shows the part of src in a new picture of w × h pixels, in linear light (IEC 61966-2-1), with colours weighed by
// their alpha, and without ringing: no pixel is brighter or darker than those under the middle of its filter.
//
// It is for drawings, text and screenshots. A Lanczos filter in gamma space thins their bright lines, because the mean of
// 0 and 255 is not 128 but 188 in light, and puts halos beside their edges. In photographs nobody sees either; libvips,
// sharp and browsers resize in gamma space. It returns ctx's error when ctx ends first. A picture of the same size comes
// out unchanged, but for what is under full transparency, which becomes 0.
func Linear(ctx context.Context, src *image.NRGBA, part image.Rectangle, w, h int) (*image.NRGBA, error) {
	if part.Empty() || !part.In(src.Rect) || w < 1 || h < 1 {
		return nil, fmt.Errorf("resample %v of %v to %d × %d pixels: expected a part of the picture and sides above 0", part, src.Rect, w, h)
	}
	across := filter(part.Dx(), 0, float64(part.Dx()), w)
	down := filter(part.Dy(), 0, float64(part.Dy()), h)
	light, back := decodeTable(), encodeTable()
	dst := image.NewNRGBA(image.Rect(0, 0, w, h))
	ring := newRing[float32](4*w, down)
	row, out := make([]float32, 4*part.Dx()), make([]float32, 4*w)
	for y := range h {
		if y%16 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		first, weights := down.of(y)
		for at := ring.next; at < first+len(weights); at++ {
			if at >= first {
				toLight(row, src.Pix[src.PixOffset(part.Min.X, part.Min.Y+at):], light)
				narrowLight(ring.row(at), row, across)
			}
			ring.next = at + 1
		}
		clear(out)
		for k, weight := range weights {
			scaled := float32(weight) / (1 << fixed)
			for i, v := range ring.row(first + k)[:len(out)] {
				out[i] += scaled * v
			}
		}
		clamp(out, ring, down.near[y])
		fromLight(dst.Pix[y*dst.Stride:][:4*w], out, back)
	}
	return dst, nil
}

// toLight makes linear premultiplied pixels of a row of NRGBA.
func toLight(dst []float32, src []byte, light *[256]float32) {
	src = src[:len(dst)]
	for i := 0; i+4 <= len(dst); i += 4 {
		d, s := dst[i:i+4:i+4], src[i:i+4:i+4]
		a := float32(s[3]) / 255
		d[0], d[1], d[2], d[3] = light[s[0]]*a, light[s[1]]*a, light[s[2]]*a, a
	}
}

// narrowLight resamples one row of four channels.
func narrowLight(dst, src []float32, f *kernel) {
	for x := range len(dst) / 4 {
		first, weights := f.of(x)
		var sum [4]float32
		at := src[4*first:][:4*len(weights)]
		for k, weight := range weights {
			scaled, px := float32(weight)/(1<<fixed), at[4*k:][:4:4]
			for c := range sum {
				sum[c] += scaled * px[c]
			}
		}
		near := f.near[x]
		for c := range sum {
			low, high := float32(math.MaxFloat32), float32(-math.MaxFloat32)
			for i := near[0]; i < near[1]; i++ {
				v := src[4*i+c]
				low, high = min(low, v), max(high, v)
			}
			dst[4*x+c] = min(max(sum[c], low), high)
		}
	}
}

// clamp keeps every value of out between those of the rows near it.
func clamp(out []float32, r *ring[float32], near [2]int) {
	for i, v := range out {
		low, high := float32(math.MaxFloat32), float32(-math.MaxFloat32)
		for at := near[0]; at < near[1]; at++ {
			n := r.row(at)[i]
			low, high = min(low, n), max(high, n)
		}
		out[i] = min(max(v, low), high)
	}
}

// fromLight makes a row of NRGBA of linear premultiplied pixels.
func fromLight(dst []byte, src []float32, back *[tableSize + 1]byte) {
	src = src[:len(dst)]
	for i := 0; i+4 <= len(dst); i += 4 {
		d, s := dst[i:i+4:i+4], src[i:i+4:i+4]
		a := s[3]
		alpha := byte(min(max(a, 0), 1)*255 + 0.5)
		if alpha == 0 {
			continue
		}
		for c := range 3 {
			d[c] = back[int(min(max(s[c]/a, 0), 1)*tableSize+0.5)]
		}
		d[3] = alpha
	}
}

// decodeTable is the light of every sRGB value, 0…1 (IEC 61966-2-1 §5.2).
func decodeTable() *[256]float32 {
	var t [256]float32
	for i := range t {
		v := float64(i) / 255
		if v <= 0.04045 {
			t[i] = float32(v / 12.92)
		} else {
			t[i] = float32(math.Pow((v+0.055)/1.055, 2.4))
		}
	}
	return &t
}

// tableSize is how finely light is told apart: the darkest two values of sRGB are 1/3295 apart.
const tableSize = 1 << 14

// encodeTable is the sRGB value of light in steps of 1/tableSize.
func encodeTable() *[tableSize + 1]byte {
	var t [tableSize + 1]byte
	for i := range t {
		v := float64(i) / tableSize
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		t[i] = byte(math.Round(v * 255))
	}
	return &t
}
