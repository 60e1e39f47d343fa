package enginetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/png"
	"slices"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// A broken engine is a good one with a defect in what comes out of it or goes into it.
type broken struct {
	transform.Engine
	source func(src []byte) []byte
	pixels func(*image.NRGBA) *image.NRGBA // of PNG outputs
	specs  func([]transform.Spec) []transform.Spec
}

func (b broken) Probe(src []byte) (transform.Info, error) {
	if b.source != nil {
		src = b.source(src)
	}
	return b.Engine.Probe(src)
}

func (b broken) Transform(ctx context.Context, src []byte, specs []transform.Spec) ([]transform.Output, error) {
	if b.source != nil {
		src = b.source(src)
	}
	if b.specs != nil {
		specs = b.specs(specs)
	}
	outputs, err := b.Engine.Transform(ctx, src, specs)
	for i := range outputs {
		if b.pixels == nil || outputs[i].Format != transform.PNG {
			continue
		}
		img, err := png.Decode(bytes.NewReader(outputs[i].Body))
		if err != nil {
			return nil, err
		}
		var buf bytes.Buffer
		if err := png.Encode(&buf, b.pixels(imagetest.NRGBA(img))); err != nil {
			return nil, err
		}
		outputs[i].Body = buf.Bytes()
	}
	return outputs, err
}

// completing gives a cut JPEG its rest back, as a forgiving decoder makes a whole picture of any beginning.
func completing(t testing.TB) func(src []byte) []byte {
	whole := imagetest.JPEG(t, imagetest.FileWidth, imagetest.FileHeight)
	return func(src []byte) []byte {
		if bytes.HasPrefix(whole, src) {
			return whole
		}
		return src
	}
}

// turnless takes the orientation out of an EXIF block, whose tag becomes another one. PNG's checksum is made again.
func turnless(src []byte) []byte {
	at := bytes.Index(src, []byte("\x01\x12\x00\x03\x00\x00\x00\x01\x00"))
	if at < 0 {
		return src
	}
	src = bytes.Clone(src)
	src[at+1]++
	if chunk := bytes.Index(src, []byte("eXIf")); chunk > 0 {
		size := int(binary.BigEndian.Uint32(src[chunk-4:]))
		copy(src[chunk-4:], imagetest.Chunk("eXIf", bytes.Clone(src[chunk+4:chunk+4+size])))
	}
	return src
}

// profileless makes the ICC profile of a file something that is not one. A PNG's is deflated: its name is changed instead.
func profileless(src []byte) []byte {
	if at := bytes.Index(src, []byte("acsp")); at > 0 {
		src = bytes.Clone(src)
		src[at]++
	}
	if chunk := bytes.Index(src, []byte("iCCP")); chunk > 0 {
		src = bytes.Clone(src)
		size := int(binary.BigEndian.Uint32(src[chunk-4:]))
		copy(src[chunk-4:], imagetest.Chunk("zzZZ", bytes.Clone(src[chunk+4:chunk+4+size])))
	}
	return src
}

func TestSuiteFindsBrokenEngines(t *testing.T) {
	for _, tt := range []struct {
		name   string
		broken broken
		check  check
	}{
		{"orientation ignored", broken{source: turnless}, orientation},
		{"channels swapped", broken{pixels: imagetest.Swapped}, formats},
		{"alpha lost", broken{pixels: imagetest.Opaqued}, alpha},
		{"shifted by one pixel", broken{pixels: imagetest.Shifted}, sameSize},
		{"gamma", broken{pixels: imagetest.Brightened}, colourModels},
		{"profile ignored", broken{source: profileless}, profiles},
		{"wide gamut not kept", broken{specs: func(specs []transform.Spec) []transform.Spec {
			specs = slices.Clone(specs)
			for i := range specs {
				specs[i].WideGamut = false
			}
			return specs
		}}, profiles},
		{"cover squeezes", broken{specs: func(specs []transform.Spec) []transform.Spec {
			specs = slices.Clone(specs)
			for i := range specs {
				specs[i].Fit = transform.Contain
			}
			return specs
		}}, cover},
		{"a cut file completed", broken{source: completing(t)}, truncation},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.check(t, goengine.New()); err != nil {
				t.Fatalf("the whole engine fails: %v", err)
			}
			tt.broken.Engine = goengine.New()
			if err := tt.check(t, tt.broken); err == nil {
				t.Error("the broken engine passes")
			} else {
				t.Logf("found: %v", err)
			}
		})
	}
}
