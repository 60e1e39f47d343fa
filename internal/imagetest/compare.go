package imagetest

import (
	"fmt"
	"image"
	"image/draw"
)

// A Tolerance is how far one picture may be from another of the same size. Both figures are needed: SSIM of luma cannot
// see swapped colours, a mean difference cannot see lost structure. The zero Tolerance is none.
type Tolerance struct {
	SSIM float64 // at least; of luma
	Mean float64 // at most; the absolute difference of the worst channel, alpha included, in steps of 255
}

// The tolerances to begin with, per encoder (style: lossless, JPEG, WebP and AVIF).
var (
	Lossless = Tolerance{SSIM: 0.99, Mean: 1}
	LossyJPG = Tolerance{SSIM: 0.97, Mean: 3}
	LossyWeb = Tolerance{SSIM: 0.96, Mean: 3}
)

// Differ is nil where got shows what want shows within tol, else an error that says how far they are apart.
func Differ(got, want image.Image, tol Tolerance) error {
	if g, w := got.Bounds().Size(), want.Bounds().Size(); g != w {
		return fmt.Errorf("got %v pixels, want %v", g, w)
	}
	ssim, mean := SSIM(got, want), MeanDifference(got, want)
	worst := max(mean[0], mean[1], mean[2], mean[3])
	if ssim < tol.SSIM || worst > tol.Mean {
		return fmt.Errorf("got SSIM %.4f and mean differences %.2f (RGBA), want at least %.4f and at most %.2f",
			ssim, mean, tol.SSIM, tol.Mean)
	}
	return nil
}

// The constants of SSIM (Wang, Bovik, Sheikh, Simoncelli 2004, §III.B, with L = 255) and the side of its windows.
const (
	ssimC1     = (0.01 * 255) * (0.01 * 255)
	ssimC2     = (0.03 * 255) * (0.03 * 255)
	ssimWindow = 8
)

// SSIM is the mean structural similarity of the luma of two pictures of equal size, over windows of 8 × 8 pixels that
// overlap by half; 1 is equal. Transparent pixels count as over mid-grey. A picture smaller than a window is one window.
func SSIM(a, b image.Image) float64 {
	la, lb := luma(a), luma(b)
	w, h := a.Bounds().Dx(), a.Bounds().Dy()
	var sum float64
	var n int
	for y := 0; y == 0 || y+ssimWindow <= h; y += ssimWindow / 2 {
		for x := 0; x == 0 || x+ssimWindow <= w; x += ssimWindow / 2 {
			sum += windowSSIM(la, lb, image.Rect(x, y, min(x+ssimWindow, w), min(y+ssimWindow, h)), w)
			n++
		}
	}
	return sum / float64(n)
}

// windowSSIM is the similarity inside one window of two planes of the given width.
func windowSSIM(a, b []float64, r image.Rectangle, width int) float64 {
	n := float64(r.Dx() * r.Dy())
	var sa, sb, saa, sbb, sab float64
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			va, vb := a[y*width+x], b[y*width+x]
			sa, sb = sa+va, sb+vb
			saa, sbb, sab = saa+va*va, sbb+vb*vb, sab+va*vb
		}
	}
	ma, mb := sa/n, sb/n
	va, vb, cov := saa/n-ma*ma, sbb/n-mb*mb, sab/n-ma*mb
	return (2*ma*mb + ssimC1) * (2*cov + ssimC2) / ((ma*ma + mb*mb + ssimC1) * (va + vb + ssimC2))
}

// luma is the BT.601 luma of img over mid-grey, row by row.
func luma(img image.Image) []float64 {
	n := NRGBA(img)
	out := make([]float64, len(n.Pix)/4)
	for i := range out {
		p := n.Pix[4*i : 4*i+4]
		y := 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])
		a := float64(p[3]) / 255
		out[i] = y*a + 128*(1-a)
	}
	return out
}

// MeanDifference is the mean absolute difference of red, green, blue and alpha of two pictures of equal size, each in
// steps of 255. Colours are compared multiplied by alpha: what a transparent pixel's colour is, nobody sees.
func MeanDifference(a, b image.Image) [4]float64 {
	na, nb := NRGBA(a), NRGBA(b)
	var sum [4]float64
	for i := 0; i < len(na.Pix); i += 4 {
		pa, pb := na.Pix[i:i+4], nb.Pix[i:i+4]
		for c := range 3 {
			d := int(pa[c])*int(pa[3]) - int(pb[c])*int(pb[3])
			sum[c] += float64(max(d, -d)) / 255
		}
		d := int(pa[3]) - int(pb[3])
		sum[3] += float64(max(d, -d))
	}
	for c := range sum {
		sum[c] /= float64(len(na.Pix) / 4)
	}
	return sum
}

// NRGBA is img as NRGBA with its origin at (0, 0), its rows one behind the other, and no pixels but its own.
func NRGBA(img image.Image) *image.NRGBA {
	r := img.Bounds()
	if n, ok := img.(*image.NRGBA); ok && r.Min == (image.Point{}) && n.Stride == 4*r.Dx() && len(n.Pix) == n.Stride*r.Dy() {
		return n
	}
	n := image.NewNRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(n, n.Rect, img, r.Min, draw.Src)
	return n
}
