package imgix

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/transform"
)

func readSide(name, value string, at *float64) error {
	x, ok := number(value)
	if !ok || x <= 0 || x > maxSide || x > 1 && x != math.Trunc(x) {
		return expected(name, value, "whole pixels, 2 to 8192, or a share of the original above 0 and up to 1")
	}
	*at = rounded(x)
	return nil
}

// rounded is a share to a millionth, at least that, so that its text is short; pixels stay as they are.
func rounded(side float64) float64 {
	if side > 1 {
		return side
	}
	return max(math.Round(side*1e6), 1) / 1e6
}

func readUnit(name, value string, at *float64) error {
	x, ok := number(value)
	if !ok || x > 1 {
		return expected(name, value, "a number from 0 to 1")
	}
	*at = x
	return nil
}

func readWhole(name, value string, least, most int, at *int) error {
	x, ok := number(value)
	if !ok || x != math.Trunc(x) || x < float64(least) || x > float64(most) {
		return expected(name, value, fmt.Sprintf("a whole number from %d to %d", least, most))
	}
	*at = int(x)
	return nil
}

// number reads decimal digits with at most one point among them: no sign, no exponent, no leading zeros.
func number(text string) (float64, bool) {
	const most = 24 // more than any program prints of a float64 between 0.001 and 8192
	whole, _, _ := strings.Cut(text, ".")
	switch {
	case text == "", len(text) > most, strings.Trim(text, ".0123456789") != "":
		return 0, false
	case strings.HasSuffix(text, "."), len(whole) > 1 && whole[0] == '0':
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil
}

func (d *draft) readFit(value string) error {
	switch strings.ToLower(value) {
	case "clip", "max":
		d.p.Fit = transform.Contain
	case "crop":
		d.p.Fit = transform.Cover
	case "min":
		d.p.Fit, d.min = transform.Cover, true
	case "fill":
		d.p.Fit = transform.Pad
	case "scale":
		d.p.Fit = transform.Stretch
	default:
		return expected("fit", value, "clip, crop, fill, max, min or scale")
	}
	return nil
}

// cropWords are the values of crop. It is read-only.
var cropWords = []string{"top", "bottom", "left", "right", "center", "faces", "focalpoint", "edges", "entropy", "auto"}

func (d *draft) readCrop(value string) error {
	for word := range strings.SplitSeq(strings.ToLower(value), ",") {
		if !slices.Contains(cropWords, word) {
			return expected("crop", value, "a list of top, bottom, left, right, center, faces, focalpoint, edges, entropy")
		}
		d.chain = append(d.chain, word)
	}
	for _, pair := range [...][2]string{{"top", "bottom"}, {"left", "right"}} {
		if slices.Contains(d.chain, pair[0]) && slices.Contains(d.chain, pair[1]) {
			return expected("crop", value, "at most one of "+pair[0]+" and "+pair[1])
		}
	}
	return nil
}

// readRatio reads "16:9" or "1.85:1".
func (d *draft) readRatio(value string) error {
	left, right, _ := strings.Cut(value, ":")
	w, okW := thousandths(left)
	h, okH := thousandths(right)
	if !okW || !okH {
		return expected("ar", value, "width:height, such as 16:9 or 1.85:1, each at most 9999 and with at most three decimals")
	}
	d.p.Ratio = newRatio(w, h)
	return nil
}

// maxRatio bounds the numbers of a Ratio: a side of 8192 pixels shows no finer difference.
const maxRatio = 9999

// newRatio is w by h, both above 0, in the smallest numbers, and these within maxRatio.
func newRatio(w, h int) Ratio {
	by := divisor(w, h)
	w, h = w/by, h/by
	if most := max(w, h); most > maxRatio {
		return newRatio(scale(w, maxRatio, most), scale(h, maxRatio, most))
	}
	return Ratio{w, h}
}

// thousandths reads a number above 0 as so many thousandths.
func thousandths(text string) (int, bool) {
	x, ok := number(text)
	n := math.Round(x * 1000)
	_, decimals, _ := strings.Cut(text, ".")
	return int(n), ok && n >= 1 && x <= maxRatio && len(decimals) <= 3
}

// divisor is the greatest common one (Euclid).
func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (d *draft) readDPR(value string) error {
	x, ok := number(value)
	if !ok || x <= 0 || x > 5 {
		return expected("dpr", value, "a number above 0 and up to 5")
	}
	d.dpr = x
	return nil
}

func (d *draft) readFormat(value string) error {
	switch name := strings.ToLower(value); name {
	case "pjpg":
		d.p.Format = transform.JPEG
	case "json":
		d.p.Form = JSON
	case "blurhash":
		d.p.Form = BlurHash
	default:
		f, err := transform.ParseFormat(name)
		if err != nil {
			return expected("fm", value, "jpg, pjpg, png, gif, webp, avif, json or blurhash")
		}
		d.p.Format = f
	}
	return nil
}

func (d *draft) readAuto(value string) error {
	for word := range strings.SplitSeq(strings.ToLower(value), ",") {
		switch word {
		case "format":
			d.p.Auto = true
		case "compress": // what is searched is compressed already
		default:
			return expected("auto", value, "format, compress or both")
		}
	}
	return nil
}

func (d *draft) readFill(value string) error {
	if !strings.EqualFold(value, "solid") {
		return expected("fill", value, "solid")
	}
	return nil
}
