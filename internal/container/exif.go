package container

import (
	"bytes"

	"github.com/bep/imagemeta"
)

// EXIFTag is a value of EXIF by the directory that it stands in.
type EXIFTag = imagemeta.TagInfo

// StopEXIF ends a walk from within visit, without an error.
var StopEXIF = imagemeta.ErrStopWalking

// EXIFLimits bound a walk through EXIF.
type EXIFLimits struct {
	Tags  uint32 // entries of directories; those of cameras have about 40 each
	Bytes uint32 // of one value
}

// EachEXIF visits the wanted tags of a TIFF block of EXIF (CIPA DC-008 §4), which is what a segment, chunk or item of that name
// holds behind its prefix. An empty block has none. What is wrong with a block is an error of the library's, which wraps none of
// this package's: a picture can be shown and captioned without.
func EachEXIF(tiff []byte, limits EXIFLimits, wanted func(EXIFTag) bool, visit func(EXIFTag) error) error {
	if len(tiff) == 0 {
		return nil
	}
	_, err := imagemeta.Decode(imagemeta.Options{
		R:               bytes.NewReader(tiff),
		ImageFormat:     imagemeta.TIFF,
		Sources:         imagemeta.EXIF,
		LimitNumTags:    limits.Tags,
		LimitTagSize:    limits.Bytes,
		ShouldHandleTag: wanted,
		HandleTag:       visit,
	})
	return err
}
