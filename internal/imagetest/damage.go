package imagetest

import (
	"image"
	"math"
)

// Shifted is img moved by one pixel to the right, the first column repeated.
func Shifted(img *image.NRGBA) *image.NRGBA {
	return mapped(img, func(x, y int, p []byte) [4]byte {
		return [4]byte(img.Pix[img.PixOffset(max(x-1, 0), y):])
	})
}

// Brightened is img with its colours raised to the power of 0.8.
func Brightened(img *image.NRGBA) *image.NRGBA {
	var table [256]byte
	for i := range table {
		table[i] = byte(math.Round(255 * math.Pow(float64(i)/255, 0.8)))
	}
	return mapped(img, func(_, _ int, p []byte) [4]byte { return [4]byte{table[p[0]], table[p[1]], table[p[2]], p[3]} })
}

// Swapped is img with red and blue exchanged.
func Swapped(img *image.NRGBA) *image.NRGBA {
	return mapped(img, func(_, _ int, p []byte) [4]byte { return [4]byte{p[2], p[1], p[0], p[3]} })
}

// Opaqued is img with its alpha thrown away.
func Opaqued(img *image.NRGBA) *image.NRGBA {
	return mapped(img, func(_, _ int, p []byte) [4]byte { return [4]byte{p[0], p[1], p[2], 255} })
}

// mapped is img with every pixel replaced by what f makes of it.
func mapped(img *image.NRGBA, f func(x, y int, p []byte) [4]byte) *image.NRGBA {
	dst := image.NewNRGBA(img.Rect)
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
			at := img.PixOffset(x, y)
			c := f(x, y, img.Pix[at:at+4])
			copy(dst.Pix[dst.PixOffset(x, y):], c[:])
		}
	}
	return dst
}
