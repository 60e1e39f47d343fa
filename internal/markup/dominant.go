package markup

import (
	"image"
	"image/color"
	"math"
)

// A lab is a colour in Oklab (Björn Ottosson, 2020), where equal distances look equally large: lightness from 0 to 1, and
// green to red and blue to yellow around 0, in sRGB from -0.32 to 0.28.
type lab struct{ l, a, b float64 }

// Cells of colours that look much the same. A fifteenth of the way from black to white is a step that one sees at once;
// three of them, which are looked at together, hold the shades of one thing: snow in the sun and a cloud's shadow on it.
const (
	cell       = 1.0 / 15
	lightCells = 16
	hueCells   = 12 // of a and b, from -0.4 on
	hueFrom    = -0.4
)

// reach is how far from the centre of a cluster a colour may lie to belong to it.
const reach = 1.5 * cell

// clusterSteps bounds the steps by which a cluster's centre settles; three are usual.
const clusterSteps = 8

// dominant is the colour that most of a picture's opaque pixels are near to: not the mean, which of a red fox on snow is a
// pink that is nowhere in it. The bool is false, and the colour white, where no pixel is at least half opaque.
func dominant(img *image.NRGBA) (color.NRGBA, bool) {
	pixels := labs(img)
	if len(pixels) == 0 {
		return color.NRGBA{0xff, 0xff, 0xff, 0xff}, false
	}
	var count [lightCells + 2][hueCells + 2][hueCells + 2]int // with an empty cell at every end, for its neighbours' sums
	for _, p := range pixels {
		l, a, b := p.cell()
		count[l][a][b]++
	}
	var most, own int
	var centre lab
	for l := 1; l <= lightCells; l++ {
		for a := 1; a <= hueCells; a++ {
			for b := 1; b <= hueCells; b++ {
				if count[l][a][b] == 0 {
					continue
				}
				near := 0
				for i := range 27 {
					near += count[l+i/9-1][a+i/3%3-1][b+i%3-1]
				}
				if near > most || near == most && count[l][a][b] > own {
					most, own = near, count[l][a][b]
					centre = lab{(float64(l) - 0.5) * cell, hueFrom + (float64(a)-0.5)*cell, hueFrom + (float64(b)-0.5)*cell}
				}
			}
		}
	}
	return settle(pixels, centre).colour(), true
}

// settle moves centre to the mean of the pixels around it until it stays.
func settle(pixels []lab, centre lab) lab {
	for range clusterSteps {
		var sum lab
		n := 0.0
		for _, p := range pixels {
			if dl, da, db := p.l-centre.l, p.a-centre.a, p.b-centre.b; dl*dl+da*da+db*db <= reach*reach {
				sum.l, sum.a, sum.b = sum.l+p.l, sum.a+p.a, sum.b+p.b
				n++
			}
		}
		if n == 0 { // cannot be: the cell that centre lies in has pixels, none farther than its half diagonal
			return centre
		}
		next := lab{sum.l / n, sum.a / n, sum.b / n}
		if next == centre {
			break
		}
		centre = next
	}
	return centre
}

// cell is where p is counted, from 1 on.
func (p lab) cell() (l, a, b int) {
	index := func(v float64, n int) int { return min(max(int(v/cell), 0), n-1) + 1 }
	return index(p.l, lightCells), index(p.a-hueFrom, hueCells), index(p.b-hueFrom, hueCells)
}

// labs are the pixels that are at least half opaque.
func labs(img *image.NRGBA) []lab {
	var linear [256]float64
	for i := range linear {
		linear[i] = toLinear(float64(i) / 255)
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := make([]lab, 0, w*h)
	for y := range h {
		row := img.Pix[y*img.Stride : y*img.Stride+4*w]
		for x := range w {
			if p := row[4*x : 4*x+4 : 4*x+4]; p[3] >= 128 {
				out = append(out, toLab(linear[p[0]], linear[p[1]], linear[p[2]]))
			}
		}
	}
	return out
}

// toLab converts linear sRGB. The matrices are https://bottosson.github.io/posts/oklab/'s.
func toLab(r, g, b float64) lab {
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	return lab{
		0.2104542553*l + 0.7936177850*m - 0.0040720468*s,
		1.9779984951*l - 2.4285922050*m + 0.4505937099*s,
		0.0259040371*l + 0.7827717662*m - 0.8086757660*s,
	}
}

func (p lab) colour() color.NRGBA {
	cube := func(v float64) float64 { return v * v * v }
	l := cube(p.l + 0.3963377774*p.a + 0.2158037573*p.b)
	m := cube(p.l - 0.1055613458*p.a - 0.0638541728*p.b)
	s := cube(p.l - 0.0894841775*p.a - 1.2914855480*p.b)
	return color.NRGBA{
		R: toByte(4.0767416621*l - 3.3077115913*m + 0.2309699292*s),
		G: toByte(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s),
		B: toByte(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s),
		A: 255,
	}
}

// toLinear and toByte are the curve of sRGB (IEC 61966-2-1) and its inverse.
func toLinear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func toByte(v float64) uint8 {
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return uint8(math.Round(255 * min(max(v, 0), 1)))
}
