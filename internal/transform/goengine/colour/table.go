package colour

import (
	"math"
	"sync"
)

// A greys is the table of a grey picture: the light of a value, as sRGB and Display P3 both write it.
type greys [256]uint8

// newGreys reads the luminance of m; what colour it says that its greys have, paper or screen, is left out.
func newGreys(m meaning) *greys {
	var t greys
	for v := range t {
		t[v] = uint8(255*clip(encode(m([4]float64{float64(v) / 255})[1])) + 0.5)
	}
	return &t
}

// near reports whether the table moves nothing.
func (t *greys) near() bool {
	for v, to := range t {
		if math.Abs(float64(v)-float64(to)) > same {
			return false
		}
	}
	return true
}

func (t *greys) convert(dst, src []byte) {
	for i := 0; i+4 <= len(src); i += 4 {
		v := t[src[i]]
		dst[i], dst[i+1], dst[i+2], dst[i+3] = v, v, v, src[i+3]
	}
}

// one is full light in a sum: steps small enough that black's neighbours, 0.0003 apart, have 20 of them.
const one = 1<<16 - 1

// A sum is the table of an RGB picture whose channels' lights add up (curves and a matrix): for each channel and value,
// what it adds to red, green and blue of the target, in linear light.
type sum struct {
	add [3][256][3]int32
	enc *[one + 1]uint8
}

// encoded is the transfer curve of both spaces, for light of 0…one.
var encoded = sync.OnceValue(func() *[one + 1]uint8 {
	var t [one + 1]uint8
	at := 0
	for v := range 256 {
		end := one + 1 // the first light that is nearer to the next value
		if v < 255 {
			end = int(math.Ceil(decode((float64(v)+0.5)/255) * one))
		}
		for ; at < end; at++ {
			t[at] = uint8(v)
		}
	}
	return &t
})

func newSum(m meaning, s Space) *sum {
	t := &sum{enc: encoded()}
	from := fromXYZ(s)
	black := from.times(m([4]float64{}))
	for c := range 3 {
		for v := range 256 {
			var in [4]float64
			in[c] = float64(v) / 255
			for to, light := range from.times(m(in)) {
				if c > 0 { // black is in the first channel's part alone
					light -= black[to]
				}
				t.add[c][v][to] = int32(math.Round(bound(light, -8, 8) * one))
			}
		}
	}
	return t
}

func (t *sum) convert(dst, src []byte) {
	dst = dst[:len(src)]
	for i := 0; i+4 <= len(src); i += 4 {
		r, g, b := &t.add[0][src[i]], &t.add[1][src[i+1]], &t.add[2][src[i+2]]
		dst[i] = t.enc[min(max(r[0]+g[0]+b[0], 0), one)]
		dst[i+1] = t.enc[min(max(r[1]+g[1]+b[1], 0), one)]
		dst[i+2] = t.enc[min(max(r[2]+g[2]+b[2], 0), one)]
		dst[i+3] = src[i+3]
	}
}

// The points of a cube per channel: as many as profiles themselves have, or about twice that. A table of four channels has
// 83,521 colours, one of three 35,937.
const (
	points3 = 33
	points4 = 17
)

// level is one step of 255 in a cube, which has room for what lies outside of the gamut until it is clipped, after
// interpolation.
const level = 1 << 6

// A cube is the table of a picture whose colours are not sums, RGB or CMYK: the target's encoded values at the points of a
// grid. Between points it interpolates over the simplex that a colour is in, which has one corner more than there are
// channels (the tetrahedron, in three), so that greys between grey points stay grey.
type cube struct {
	channels int
	values   []int16 // three for each point; the last channel's points lie next to each other
	at       [256]place
	step     [4]int
}

// A place is where a value lies on a grid: behind how many points, and how much of 255 of the way to the next.
type place struct {
	point int
	rest  int32
}

func newCube(m meaning, channels int, s Space) *cube {
	points := points3
	if channels == 4 {
		points = points4
	}
	t := &cube{channels: channels}
	for v := range t.at {
		p := place{v * (points - 1) / 255, int32(v * (points - 1) % 255)}
		if p.point == points-1 {
			p = place{points - 2, 255}
		}
		t.at[v] = p
	}
	n := 3
	for c := channels - 1; c >= 0; c-- {
		t.step[c] = n
		n *= points
	}
	t.values = make([]int16, n)
	from := fromXYZ(s)
	for i := 0; i < n; i += 3 {
		var in [4]float64
		for c := range channels {
			in[c] = float64(i/t.step[c]%points) / float64(points-1)
		}
		for to, light := range from.times(m(in)) {
			t.values[i+to] = int16(math.Round(255 * level * bound(encode(light), -1, 2)))
		}
	}
	return t
}

func (t *cube) convert(dst, src []byte) {
	dst = dst[:len(src)]
	for i := 0; i+4 <= len(src); i += 4 {
		var step [4]int
		var rest [4]int32
		at := 0
		for c := range t.channels {
			p := t.at[src[i+c]]
			at += p.point * t.step[c]
			// Sorted by the rest, the greatest first: the way from the near corner to the far one along the edges of the simplex.
			j := c
			for ; j > 0 && rest[j-1] < p.rest; j-- {
				rest[j], step[j] = rest[j-1], step[j-1]
			}
			rest[j], step[j] = p.rest, t.step[c]
		}
		near := t.values[at : at+3 : at+3]
		weight := 255 - rest[0]
		r, g, b := weight*int32(near[0]), weight*int32(near[1]), weight*int32(near[2])
		for c := range t.channels {
			at += step[c]
			weight := rest[c]
			if c+1 < t.channels {
				weight -= rest[c+1]
			}
			p := t.values[at : at+3 : at+3]
			r, g, b = r+weight*int32(p[0]), g+weight*int32(p[1]), b+weight*int32(p[2])
		}
		dst[i], dst[i+1], dst[i+2] = settle(r), settle(g), settle(b)
		if t.channels == 4 {
			dst[i+3] = 255
		} else {
			dst[i+3] = src[i+3]
		}
	}
}

// settle rounds what interpolation made, and clips it.
func settle(v int32) uint8 {
	const whole = 255 * level
	return uint8(min(max((v+whole/2)/whole, 0), 255))
}
