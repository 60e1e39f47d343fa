package goengine

import "github.com/dd8bf596/cutline/internal/transform/goengine/resample"

// The constants of SSIM (Wang, Bovik, Sheikh, Simoncelli 2004, §III.B, with L = 255), and the side of the patches that
// windows are made of: a window is 2 × 2 patches, so windows overlap by half.
const (
	ssimC1    = (0.01 * 255) * (0.01 * 255)
	ssimC2    = (0.03 * 255) * (0.03 * 255)
	ssimPatch = 4
)

// A patch is the sums over a few samples of two planes.
type patch struct{ n, a, b, aa, bb, ab int }

func (c *patch) add(d patch) {
	c.n, c.a, c.b, c.aa, c.bb, c.ab = c.n+d.n, c.a+d.a, c.b+d.b, c.aa+d.aa, c.bb+d.bb, c.ab+d.ab
}

// similarity is the structural similarity of what the patch's sums are of.
func (c *patch) similarity() float64 {
	n := float64(c.n)
	ma, mb := float64(c.a)/n, float64(c.b)/n
	va, vb, cov := float64(c.aa)/n-ma*ma, float64(c.bb)/n-mb*mb, float64(c.ab)/n-ma*mb
	return (2*ma*mb + ssimC1) * (2*cov + ssimC2) / ((ma*ma + mb*mb + ssimC1) * (va + vb + ssimC2))
}

// similarity is the mean structural similarity of two planes of one size, over windows of 8 × 8 samples that overlap by
// half; 1 is equal. A plane that is smaller than a window is one.
func similarity(a, b resample.Plane) float64 {
	across, down := max(a.Width/ssimPatch, 1), max(a.Height/ssimPatch, 1)
	above, row := make([]patch, across), make([]patch, across)
	var sum float64
	var windows int
	for y := range down {
		patches(row, a, b, y, down)
		if down == 1 || y > 0 {
			for x := range max(across-1, 1) {
				w := row[x]
				if across > 1 {
					w.add(row[x+1])
				}
				if down > 1 {
					w.add(above[x])
					if across > 1 {
						w.add(above[x+1])
					}
				}
				sum, windows = sum+w.similarity(), windows+1
			}
		}
		above, row = row, above
	}
	return sum / float64(windows)
}

// patches fills row with the sums of the y-th of down rows of patches. The last patch of a row, and the last row, take what is
// left over.
func patches(row []patch, a, b resample.Plane, y, down int) {
	top, bottom := y*ssimPatch, (y+1)*ssimPatch
	if y == down-1 {
		bottom = a.Height
	}
	clear(row)
	for at := top; at < bottom; at++ {
		ra, rb := a.Pix[at*a.Stride:][:a.Width], b.Pix[at*b.Stride:][:a.Width]
		for x, v := range ra {
			va, vb := int(v), int(rb[x])
			c := &row[min(x/ssimPatch, len(row)-1)]
			c.n, c.a, c.b = c.n+1, c.a+va, c.b+vb
			c.aa, c.bb, c.ab = c.aa+va*va, c.bb+vb*vb, c.ab+va*vb
		}
	}
}
