package goengine

import (
	"cmp"
	"image"
	"image/color"
	"slices"
)

// An rgba is red, green, blue and alpha; a point of the quantizer's space has the first three multiplied by alpha, so
// that the more transparent two colours are, the less they differ.
type rgba [4]uint8

// paletted is img with at most n colours, 2…256: its own where it has no more, else those of quantize, dithered unless the
// picture is flat. Fully transparent
// pixels are one colour, whatever they hold, and the first of the palette: alpha grows along it, because a PNG's list of
// alphas ends where the opaque colours begin.
func paletted(img *image.NRGBA, n int, flat bool) *image.Paletted {
	if dst := exactly(img, n); dst != nil {
		return dst
	}
	q := quantize(img, n)
	dst := image.NewPaletted(image.Rect(0, 0, img.Rect.Dx(), img.Rect.Dy()), q.palette())
	if flat {
		q.nearest(dst, img)
	} else {
		q.dither(dst, img)
	}
	return dst
}

// exactly is img in its own colours, nil where they are more than n.
func exactly(img *image.NRGBA, n int) *image.Paletted {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	dst := image.NewPaletted(image.Rect(0, 0, w, h), nil)
	seen := make(map[rgba]uint8, n)
	var colours []rgba
	var last rgba
	var index uint8
	for y := range h {
		row, out := img.Pix[y*img.Stride:][:4*w], dst.Pix[y*dst.Stride:][:w]
		for x := range out {
			c := rgba(row[4*x:])
			if c[3] == 0 {
				c = rgba{}
			}
			if c != last || len(colours) == 0 {
				i, ok := seen[c]
				if !ok {
					if len(colours) == n {
						return nil
					}
					i = uint8(len(colours))
					seen[c], colours = i, append(colours, c)
				}
				last, index = c, i
			}
			out[x] = index
		}
	}
	order := make([]int, len(colours))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(colours[a][3], colours[b][3]) })
	var to [256]uint8
	for at, i := range order {
		to[i] = uint8(at)
		dst.Palette = append(dst.Palette, color.NRGBA{R: colours[i][0], G: colours[i][1], B: colours[i][2], A: colours[i][3]})
	}
	for i, v := range dst.Pix {
		dst.Pix[i] = to[v]
	}
	return dst
}

// isFlat reports whether img is a drawing, a text or a screenshot: at least two thirds of its pixels are what their left
// neighbour is. Of 37 photographs at 800 pixels none had more than 43 % of them, of antialiased charts none fewer than 94 %.
// Dots that stand for a shade in between are what a photograph needs and what a plain surface must not get.
func isFlat(img *image.NRGBA) bool {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	same := 0
	for y := range h {
		row := img.Pix[y*img.Stride:][:4*w]
		for i := 4; i < len(row); i += 4 {
			if rgba(row[i:]) == rgba(row[i-4:]) {
				same++
			}
		}
	}
	return 3*same >= 2*(w-1)*h
}

// A quantizer is a palette in the space of points, and what is known of the nearest to each point.
type quantizer struct {
	points      [][4]int32
	opaque      []bool // of each point; opaque pixels get no other
	transparent bool   // the first point is for fully transparent pixels only
	near        []int16
}

// quantize finds n colours for img by cutting the space of its colours in two, again and again, wherever the sum of
// squared distances from the means falls the most (Wu, Efficient statistical computations for optimal color
// quantization, 1991). It looks at cells, of which there are at most maxCells, not at pixels: its memory does not depend on
// the size of img, and its time hardly. Opaque colours are never averaged with others, or a picture would become thin in places.
func quantize(img *image.NRGBA, n int) *quantizer {
	opaque, clear, transparent := cells(img)
	q := &quantizer{transparent: transparent, near: make([]int16, 1<<19)}
	if transparent {
		q.points, q.opaque = append(q.points, [4]int32{}), append(q.opaque, false)
		n--
	}
	var boxes []box
	for _, list := range [][]cell{clear, opaque} {
		if len(list) > 0 {
			boxes = append(boxes, newBox(list))
		}
	}
	if len(boxes) > n { // one colour, for opaque and half transparent pixels alike
		boxes = []box{newBox(append(clear, opaque...))}
	}
	for len(boxes) < n {
		best := 0
		for i := range boxes {
			if boxes[i].gain > boxes[best].gain {
				best = i
			}
		}
		b := boxes[best]
		if b.cut == 0 {
			break
		}
		boxes[best] = newBox(b.cells[:b.cut])
		boxes = append(boxes, newBox(b.cells[b.cut:]))
	}
	slices.SortStableFunc(boxes, func(a, b box) int { return cmp.Compare(a.mean[3], b.mean[3]) })
	for _, b := range boxes {
		q.points = append(q.points, b.mean)
		q.opaque = append(q.opaque, b.mean[3] == 255)
	}
	return q
}

// point is c with its colour multiplied by its alpha.
func point(c rgba) [4]int32 {
	a := int32(c[3])
	if a == 255 {
		return [4]int32{int32(c[0]), int32(c[1]), int32(c[2]), 255}
	}
	return [4]int32{(int32(c[0])*a + 127) / 255, (int32(c[1])*a + 127) / 255, (int32(c[2])*a + 127) / 255, a}
}

// A box is cells that get one colour.
type box struct {
	cells []cell // sorted along the channel that varies the most
	mean  [4]int32
	cut   int     // where it is best cut in two; 0 where it is one cell
	gain  float64 // how far the sum of squared distances falls by that
}

func newBox(cells []cell) box {
	b := box{cells: cells}
	var n float64
	var sum, squares [4]float64
	for _, c := range cells {
		n += c.n
		for k := range sum {
			sum[k] += c.sum[k]
			squares[k] += c.sum[k] * c.sum[k] / c.n
		}
	}
	axis, widest, whole := 0, -1.0, 0.0
	for k := range sum {
		b.mean[k] = int32(sum[k]/n + 0.5)
		whole += sum[k] * sum[k] / n
		if v := squares[k] - sum[k]*sum[k]/n; v > widest {
			axis, widest = k, v
		}
	}
	slices.SortFunc(cells, func(a, b cell) int {
		// Cells that are equal along the axis still need one order, or the palette would depend on the sort.
		return cmp.Or(cmp.Compare(a.at[axis], b.at[axis]), slices.Compare(a.at[:], b.at[:]))
	})
	var left float64
	var low [4]float64
	for i, c := range cells[:len(cells)-1] {
		left += c.n
		parts := -whole
		for k := range low {
			low[k] += c.sum[k]
			parts += low[k]*low[k]/left + (sum[k]-low[k])*(sum[k]-low[k])/(n-left)
		}
		if b.cut == 0 || parts > b.gain {
			b.cut, b.gain = i+1, parts
		}
	}
	return b
}

// palette is q's colours, not multiplied by alpha.
func (q *quantizer) palette() color.Palette {
	var p color.Palette
	for _, v := range q.points {
		c := color.NRGBA{A: uint8(v[3])}
		if a := v[3]; a > 0 {
			c.R, c.G, c.B = uint8(min((v[0]*255+a/2)/a, 255)), uint8(min((v[1]*255+a/2)/a, 255)), uint8(min((v[2]*255+a/2)/a, 255))
		}
		p = append(p, c)
	}
	return p
}

// find is the place of the colour nearest to v.
func (q *quantizer) find(v [4]int32) int16 {
	best, least := int16(0), int32(1<<30)
	for i, p := range q.points {
		if v[3] == 255 && !q.opaque[i] || q.transparent && i == 0 {
			continue
		}
		r, g, b, a := v[0]-p[0], v[1]-p[1], v[2]-p[2], v[3]-p[3]
		if d := r*r + g*g + b*b + a*a; d < least {
			best, least = int16(i), d
		}
	}
	if least == 1<<30 { // no opaque colour is left for an opaque pixel
		return int16(len(q.points) - 1)
	}
	return best
}

// nearest gives every pixel of img the colour nearest to its own.
func (q *quantizer) nearest(dst *image.Paletted, img *image.NRGBA) {
	type known struct {
		c     rgba
		index uint8
		valid bool
	}
	cache := make([]known, 1<<12)
	w := img.Rect.Dx()
	for y := range img.Rect.Dy() {
		row, out := img.Pix[y*img.Stride:][:4*w], dst.Pix[y*dst.Stride:][:w]
		for x := range out {
			c := rgba(row[4*x:])
			if c[3] == 0 {
				continue // the first
			}
			hash := (uint32(c[0]) | uint32(c[1])<<8 | uint32(c[2])<<16 | uint32(c[3])<<24) * 0x9e3779b1 >> 20
			k := &cache[hash]
			if k.c != c || !k.valid {
				*k = known{c, uint8(q.find(point(c))), true}
			}
			out[x] = k.index
		}
	}
}

// dither is nearest with every pixel's error spread over the ones not done yet (Floyd and Steinberg 1976), line by line to
// and fro, so that no diagonal pattern grows. Near colours share what is nearest: a step of four is far less than the
// distance between 256 colours of a photograph.
func (q *quantizer) dither(dst *image.Paletted, img *image.NRGBA) {
	w := img.Rect.Dx()
	this, next := make([][4]int32, w+2), make([][4]int32, w+2) // sixteenths; pixel x is at x+1
	for y := range img.Rect.Dy() {
		row, out := img.Pix[y*img.Stride:][:4*w], dst.Pix[y*dst.Stride:][:w]
		x, step := 0, 1
		if y%2 == 1 {
			x, step = w-1, -1
		}
		for range w {
			if c := rgba(row[4*x:]); c[3] > 0 {
				v := point(c)
				for k := range v[:3] {
					v[k] = min(max(v[k]+(this[x+1][k]+8)>>4, 0), 255)
				}
				i := q.index(v)
				out[x] = uint8(i)
				for k := range v {
					e := v[k] - q.points[i][k]
					this[x+1+step][k] += 7 * e
					next[x+1-step][k] += 3 * e
					next[x+1][k] += 5 * e
					next[x+1+step][k] += e
				}
			}
			x += step
		}
		this, next = next, this
		clear(next)
	}
}

// index is find, remembered.
func (q *quantizer) index(v [4]int32) int16 {
	key := v[0]>>2<<12 | v[1]>>2<<6 | v[2]>>2
	if v[3] < 255 {
		key = 1<<18 | v[0]>>3<<13 | v[1]>>3<<8 | v[2]>>3<<3 | v[3]>>5
	}
	if q.near[key] == 0 {
		q.near[key] = q.find(v) + 1
	}
	return q.near[key] - 1
}
