// Package resample changes the size of planes of samples with a Lanczos filter, in integer arithmetic and in the memory of
// a few rows, and of whole pictures in linear light.
//
// The convention is that of libvips and imaging: samples are squares whose centres lie at +0.5, the filter is as wide as
// three samples of the smaller side, and at the edges, where it reaches outside, the rest of it is weighed up to 1.
// Enlarging is linear: only chroma of a subsampled picture ever needs it, and there a Lanczos filter would put rings of
// colour around everything; twice the size is then what libjpeg calls fancy upsampling.
package resample

import (
	"context"
	"fmt"
	"math"
)

// A Plane is Width × Height samples of eight bits, Stride bytes from row to row. Resize only reads it.
type Plane struct {
	Pix    []byte
	Stride int
	Width  int
	Height int
}

// A Window is a part of a plane, in its samples. Fractions are allowed: chroma of a crop may begin between two samples.
// It may reach beyond the plane by less than the filter does. The zero Window is the whole plane.
type Window struct{ X, Y, Width, Height float64 }

// fixed is the number of binary places of weights; between rows and columns six places of samples are kept.
const (
	fixed = 14
	kept  = 6
)

// Resize shows the window of src in a new plane of w × h samples. It returns ctx's error when ctx ends first. A plane
// that is shown whole in its own size is copied.
func Resize(ctx context.Context, src Plane, win Window, w, h int) (Plane, error) {
	if win == (Window{}) {
		win = Window{Width: float64(src.Width), Height: float64(src.Height)}
	}
	if w < 1 || h < 1 || src.Width < 1 || src.Height < 1 || !(win.Width > 0 && win.Height > 0) {
		return Plane{}, fmt.Errorf("resample %d × %d samples to %d × %d: expected sides above 0", src.Width, src.Height, w, h)
	}
	across, down := filter(src.Width, win.X, win.Width, w), filter(src.Height, win.Y, win.Height, h)
	dst := Plane{Pix: make([]byte, w*h), Stride: w, Width: w, Height: h}
	ring := newRing[int16](w, down)
	acc, pair := make([]int32, w), make([]int64, src.Width)
	for y := range h {
		if y%64 == 0 {
			if err := ctx.Err(); err != nil {
				return Plane{}, err
			}
		}
		first, weights := down.of(y)
		for at := max(ring.next, first); at < first+len(weights); at += 2 {
			below := min(at+1, src.Height-1) // of the last row, itself
			pack(pair, src.Pix[at*src.Stride:], src.Pix[below*src.Stride:])
			narrow(ring.row(at), ring.row(below), pair, across)
			ring.next = at + 2
		}
		for i := range acc {
			acc[i] = 1 << (fixed + kept - 1)
		}
		k := 0
		for ; k+4 <= len(weights); k += 4 {
			add4(acc, ring, first+k, (*[4]int16)(weights[k:]))
		}
		for ; k < len(weights); k++ {
			add1(acc, ring.row(first+k), int32(weights[k]))
		}
		store(dst.Pix[y*w:][:w], acc)
	}
	return dst, nil
}

// pack puts two rows into one, a sample of the first in the low half of each number and one of the second in the high half.
func pack(pair []int64, above, below []byte) {
	above, below = above[:len(pair)], below[:len(pair)]
	for i := range pair {
		pair[i] = int64(above[i]) | int64(below[i])<<32
	}
}

// narrow resamples two rows at once: a product of a weight and a pair is the products of both, and the sums of neither half
// leave 32 bits, but the lower borrows from the upper where it is negative.
func narrow(above, below []int16, pair []int64, f *kernel) {
	n := f.taps
	below = below[:len(above)]
	for x := range above {
		samples := pair[f.first[x]:]
		weights := f.weights[x*n:][:min(n, len(samples))]
		samples = samples[:len(weights)]
		var a, b int64
		for len(samples) >= 4 && len(weights) >= 4 {
			a += samples[0]*int64(weights[0]) + samples[1]*int64(weights[1])
			b += samples[2]*int64(weights[2]) + samples[3]*int64(weights[3])
			samples, weights = samples[4:], weights[4:]
		}
		for i, v := range samples {
			a += v * int64(weights[i])
		}
		a += b
		low := int32(a)
		high := int32((a - int64(low)) >> 32)
		above[x] = int16((low + 1<<(fixed-kept-1)) >> (fixed - kept))
		below[x] = int16((high + 1<<(fixed-kept-1)) >> (fixed - kept))
	}
}

func add1(acc []int32, row []int16, w int32) {
	row = row[:len(acc)]
	for i := range acc {
		acc[i] += w * int32(row[i])
	}
}

// add4 adds four rows at once, the first of them at: the sums are read and written a quarter as often.
func add4(acc []int32, rows *ring[int16], at int, w *[4]int16) {
	r0, r1, r2, r3 := rows.row(at)[:len(acc)], rows.row(at + 1)[:len(acc)], rows.row(at + 2)[:len(acc)], rows.row(at + 3)[:len(acc)]
	w0, w1, w2, w3 := int32(w[0]), int32(w[1]), int32(w[2]), int32(w[3])
	for i := range acc {
		acc[i] += w0*int32(r0[i]) + w1*int32(r1[i]) + w2*int32(r2[i]) + w3*int32(r3[i])
	}
}

func store(dst []byte, acc []int32) {
	acc = acc[:len(dst)]
	for i := range dst {
		v := acc[i] >> (fixed + kept)
		if uint32(v) > 255 {
			v = ^(v >> 31) & 255 // below 0 to 0, above 255 to 255
		}
		dst[i] = byte(v)
	}
}

// A kernel is the weights of every sample that is made. Those of one are taps long; behind the last that counts they are 0.
type kernel struct {
	taps    int
	first   []int // of the samples that are read
	count   []int // of them, at most taps
	weights []int16
	near    [][2]int // first and one behind the last of the samples that lie under the filter's middle lobe
}

// of is the first sample that sample i is made of, and the weights of it and those behind it.
func (k *kernel) of(i int) (first int, weights []int16) {
	return k.first[i], k.weights[i*k.taps:][:k.count[i]]
}

// filter computes the kernel for size samples out of a window in a row of length.
func filter(length int, from, width float64, size int) *kernel {
	step := width / float64(size)
	scale := max(step, 1)
	reach, shape := 3*scale, lanczos
	if step < 1 {
		reach, shape = 1, triangle
	}
	k := &kernel{taps: int(2*reach) + 2, first: make([]int, size), count: make([]int, size), near: make([][2]int, size)}
	k.taps = min(k.taps, length)
	k.weights = make([]int16, size*k.taps)
	exact := make([]float64, k.taps)
	for i := range size {
		centre := from + (float64(i)+0.5)*step - 0.5
		first := min(max(int(math.Ceil(centre-reach)), 0), length-1)
		last := min(max(int(math.Floor(centre+reach)), first), length-1)
		count := min(last-first+1, k.taps)
		sum := 0.0
		for j := range count {
			exact[j] = shape((float64(first+j) - centre) / scale)
			sum += exact[j]
		}
		if sum < 1e-6 { // all that is left of the filter is its tail: the nearest sample
			clear(exact)
			exact[min(max(int(math.Round(centre)), first), first+count-1)-first], sum = 1, 1
		}
		k.first[i], k.count[i] = first, count
		k.near[i] = [2]int{
			min(max(int(math.Floor(centre-scale))+1, first), last),
			max(min(int(math.Ceil(centre+scale)), last+1), first+1),
		}
		round(k.weights[i*k.taps:][:count], exact[:count], sum)
	}
	return k
}

// round makes weights of exact ÷ sum that come to 1 exactly: an even plane stays as it is. The largest takes the error.
func round(weights []int16, exact []float64, sum float64) {
	rest, largest := 1<<fixed, 0
	for i, v := range exact {
		w := int(math.Round(v / sum * (1 << fixed)))
		rest -= w
		weights[i] = int16(w)
		if weights[i] > weights[largest] {
			largest = i
		}
	}
	weights[largest] += int16(rest)
}

// lanczos is the Lanczos window of three lobes (Duchon, 1979).
func lanczos(x float64) float64 {
	switch x = math.Abs(x); {
	case x < 1e-9:
		return 1
	case x >= 3:
		return 0
	}
	x *= math.Pi
	return 3 * math.Sin(x) * math.Sin(x/3) / (x * x)
}

// triangle is linear interpolation.
func triangle(x float64) float64 { return max(1-math.Abs(x), 0) }

// A ring holds the rows that the next row down is made of.
type ring[T int16 | float32] struct {
	rows [][]T
	next int // the first row of the source that is not there yet
}

func newRing[T int16 | float32](width int, k *kernel) *ring[T] {
	all := make([]T, width*(k.taps+1)) // rows are made in pairs, and one may be ahead
	r := &ring[T]{rows: make([][]T, k.taps+1)}
	for i := range r.rows {
		r.rows[i] = all[i*width:][:width:width]
	}
	return r
}

// row is where row at of the source stands, or comes to stand.
func (r *ring[T]) row(at int) []T { return r.rows[at%len(r.rows)] }
