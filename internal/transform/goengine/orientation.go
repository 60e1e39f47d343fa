package goengine

import (
	"image"

	"github.com/disintegration/imaging"

	"github.com/dd8bf596/cutline/internal/container"
)

// exifLimits bound reading EXIF: Orientation is a 2-byte value in the first directory, so a file that needs more is not asked.
// Directories of cameras have about 40 entries.
func exifLimits() container.EXIFLimits { return container.EXIFLimits{Tags: 200, Bytes: 64} }

// orientation reads EXIF's Orientation (1…8, CIPA DC-008 §4.6.4) from a TIFF block. Whatever is wrong with the block,
// the picture can be shown: it is 1 then, never an error. Containers are taken apart by parse, so the library sees the
// block alone and its length bounds the work.
func orientation(tiff []byte) int {
	found := 1
	wanted := func(tag container.EXIFTag) bool { return tag.Namespace == "IFD0" && tag.Tag == "Orientation" }
	err := container.EachEXIF(tiff, exifLimits(), wanted, func(tag container.EXIFTag) error {
		if v, ok := tag.Value.(uint16); ok && v >= 1 && v <= 8 {
			found = int(v)
		}
		return container.StopEXIF
	})
	if err != nil {
		return 1
	}
	return found
}

// turned reports whether orientation o exchanges width and height.
func turned(o int) bool { return o >= 5 }

// orient makes what orientation o says out of img as stored. Its result shares no pixels with img, except for 1.
func orient(img *image.NRGBA, o int) *image.NRGBA {
	switch o {
	case 2:
		return imaging.FlipH(img)
	case 3:
		return imaging.Rotate180(img)
	case 4:
		return imaging.FlipV(img)
	case 5:
		return imaging.Transpose(img)
	case 6:
		return imaging.Rotate270(img) // imaging turns counter-clockwise
	case 7:
		return imaging.Transverse(img)
	case 8:
		return imaging.Rotate90(img)
	}
	return img
}

// stored is where r, a part of the picture as shown, lies in the picture as stored, which is w × h pixels. Cropping
// and resizing the stored pixels and turning the small result costs less than turning the original.
func stored(r image.Rectangle, o, w, h int) image.Rectangle {
	switch o {
	case 2:
		return image.Rect(w-r.Max.X, r.Min.Y, w-r.Min.X, r.Max.Y)
	case 3:
		return image.Rect(w-r.Max.X, h-r.Max.Y, w-r.Min.X, h-r.Min.Y)
	case 4:
		return image.Rect(r.Min.X, h-r.Max.Y, r.Max.X, h-r.Min.Y)
	case 5:
		return image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
	case 6:
		return image.Rect(r.Min.Y, h-r.Max.X, r.Max.Y, h-r.Min.X)
	case 7:
		return image.Rect(w-r.Max.Y, h-r.Max.X, w-r.Min.Y, h-r.Min.X)
	case 8:
		return image.Rect(w-r.Max.Y, r.Min.X, w-r.Min.Y, r.Max.X)
	}
	return r
}
