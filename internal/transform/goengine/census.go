package goengine

import "image"

// A cell is the pixels of nearly one colour: how many, and their points' sum.
type cell struct {
	n   float64
	sum [4]float64
	at  [4]float32 // their mean
}

// maxCells bounds what the quantizer looks at. A photograph of 0.4 megapixels has some 100,000 colours.
const maxCells = 1 << 14

// cells counts img's colours: opaque ones, others, and whether there are fully transparent pixels, which are in neither.
func cells(img *image.NRGBA) (opaque, clear []cell, transparent bool) {
	var c census
	w := img.Rect.Dx()
	for y := range img.Rect.Dy() {
		row := img.Pix[y*img.Stride:][:4*w]
		for i := 0; i < len(row); i += 4 {
			if row[i+3] == 0 {
				transparent = true
				continue
			}
			c.count(rgba(row[i:]))
		}
	}
	for _, cell := range c.cells {
		for k := range cell.at {
			cell.at[k] = float32(cell.sum[k] / cell.n)
		}
		if cell.at[3] == 255 {
			opaque = append(opaque, cell)
		} else {
			clear = append(clear, cell)
		}
	}
	return opaque, clear, transparent
}

// A census counts colours in cells: each its own, until they are too many, and then in cells twice as wide. A picture of
// few shades keeps them apart that way, where cells of one fixed width would make bands of a fog.
type census struct {
	cells  []cell
	index  map[rgba]int32
	coarse uint  // low bits that colours of one cell may differ in
	last   int32 // the cell of before
	before rgba
}

// count adds one pixel.
func (c *census) count(v rgba) {
	if v != c.before || len(c.cells) == 0 {
		c.before, c.last = v, c.place(point(v))
	}
	cell := &c.cells[c.last]
	cell.n++
	for k, v := range point(v) {
		cell.sum[k] += float64(v)
	}
}

// place finds the cell of a point.
func (c *census) place(p [4]int32) int32 {
	for {
		key := c.key(p)
		if at, ok := c.index[key]; ok {
			return at
		}
		if len(c.cells) < maxCells {
			if c.index == nil {
				c.index = make(map[rgba]int32)
			}
			c.cells = append(c.cells, cell{})
			at := int32(len(c.cells) - 1)
			c.index[key] = at
			return at
		}
		c.widen()
	}
}

// widen puts cells together that differ in one more bit.
func (c *census) widen() {
	old := c.cells
	c.coarse++
	c.cells, c.index = nil, make(map[rgba]int32)
	for _, from := range old {
		var mean [4]int32
		for k := range mean {
			mean[k] = int32(from.sum[k] / from.n)
		}
		to := &c.cells[c.place(mean)]
		to.n += from.n
		for k := range to.sum {
			to.sum[k] += from.sum[k]
		}
	}
}

// key is p without the bits that cells do not tell apart. Opaque colours never share a cell with others.
func (c *census) key(p [4]int32) (key rgba) {
	for k, v := range p {
		key[k] = uint8(v >> c.coarse << c.coarse)
	}
	if p[3] == 255 {
		key[3] = 255
	}
	return key
}
