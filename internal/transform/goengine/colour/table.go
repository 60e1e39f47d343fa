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
	values []int16 // three for each point; the last channel's points lie next to each other
	axes   [4]axis // the fourth of three channels has one place, of no weight
	inks   bool    // four channels, and no alpha
}

// An axis is where each value of a channel lies on the grid.
type axis struct {
	near [256]int32 // into values, of the point before
	// way is how far it is to the next point: how much of 255 in the highest eight bits, and the step in values in the
	// others. Sorted, they are the way from the near corner of a simplex to the far one.
	way [256]uint32
}

// stepBits are those of a way's step, which is at most 3 × 33² or 3 × 17³.
const stepBits = 24

func newCube(m meaning, channels int, s Space) *cube {
	points := points3
	if channels == 4 {
		points = points4
	}
	t := &cube{inks: channels == 4}
	var step [4]int
	n := 3
	for c := channels - 1; c >= 0; c-- {
		step[c] = n
		n *= points
		for v := range 256 {
			point, rest := v*(points-1)/255, v*(points-1)%255
			if point == points-1 {
				point, rest = point-1, 255
			}
			t.axes[c].near[v] = int32(point * step[c])
			t.axes[c].way[v] = uint32(rest)<<stepBits | uint32(step[c])
		}
	}
	t.values = make([]int16, n)
	from := fromXYZ(s)
	for i := 0; i < n; i += 3 {
		var in [4]float64
		for c := range channels {
			in[c] = float64(i/step[c]%points) / float64(points-1)
		}
		for to, light := range from.times(m(in)) {
			t.values[i+to] = int16(math.Round(255 * level * bound(encode(light), -1, 2)))
		}
	}
	return t
}

func (t *cube) convert(dst, src []byte) {
	dst = dst[:len(src)]
	x, y, z, w := &t.axes[0], &t.axes[1], &t.axes[2], &t.axes[3]
	for i := 0; i+4 <= len(src); i += 4 {
		p := src[i : i+4 : i+4]
		at := x.near[p[0]] + y.near[p[1]] + z.near[p[2]] + w.near[p[3]]
		a, b, c, d := x.way[p[0]], y.way[p[1]], z.way[p[2]], w.way[p[3]]
		// The longest way first.
		a, b = max(a, b), min(a, b)
		c, d = max(c, d), min(c, d)
		a, c = max(a, c), min(a, c)
		b, d = max(b, d), min(b, d)
		b, c = max(b, c), min(b, c)
		const step = 1<<stepBits - 1
		ra, rb, rc, rd := int32(a>>stepBits), int32(b>>stepBits), int32(c>>stepBits), int32(d>>stepBits)
		r0, g0, b0 := t.part(at, 255-ra)
		at += int32(a & step)
		r1, g1, b1 := t.part(at, ra-rb)
		at += int32(b & step)
		r2, g2, b2 := t.part(at, rb-rc)
		at += int32(c & step)
		r3, g3, b3 := t.part(at, rc-rd)
		at += int32(d & step)
		r4, g4, b4 := t.part(at, rd)
		red, green, blue := r0+r1+r2+r3+r4, g0+g1+g2+g3+g4, b0+b1+b2+b3+b4
		alpha := p[3]
		if t.inks {
			alpha = 255
		}
		dst[i], dst[i+1], dst[i+2], dst[i+3] = settle(red), settle(green), settle(blue), alpha
	}
}

// part is what a corner adds to red, green and blue, by its weight.
func (t *cube) part(at, weight int32) (r, g, b int32) {
	v := t.values[at : at+3]
	return weight * int32(v[0]), weight * int32(v[1]), weight * int32(v[2])
}

// settle rounds what interpolation made, and clips it.
func settle(v int32) uint8 {
	const whole = 255 * level
	return uint8(min(max((v+whole/2)/whole, 0), 255))
}
