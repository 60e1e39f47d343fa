package enginetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/gif"
	"image/png"
	"math"
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
	moving func(*gif.GIF) // of GIF outputs with several frames
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
		if b.moving != nil && outputs[i].Format == transform.GIF && outputs[i].Frames > 1 {
			anim, err := gif.DecodeAll(bytes.NewReader(outputs[i].Body))
			if err != nil {
				return nil, err
			}
			b.moving(anim)
			var buf bytes.Buffer
			if err := gif.EncodeAll(&buf, anim); err != nil {
				return nil, err
			}
			outputs[i].Body, outputs[i].Frames = buf.Bytes(), len(anim.Image)
		}
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

// turnless takes the orientation out of an EXIF block, whose tag becomes another one.
func turnless(src []byte) []byte { return withEXIF(src, func(tag []byte) { tag[1]++ }) }

// turnedOn makes every orientation in an EXIF block the next one.
func turnedOn(src []byte) []byte { return withEXIF(src, func(tag []byte) { tag[9] = tag[9]%8 + 1 }) }

// withEXIF changes the orientation's directory entry in an EXIF block. PNG's checksum is made again.
func withEXIF(src []byte, change func(tag []byte)) []byte {
	at := bytes.Index(src, []byte("\x01\x12\x00\x03\x00\x00\x00\x01\x00"))
	if at < 0 {
		return src
	}
	src = bytes.Clone(src)
	change(src[at:])
	if chunk := bytes.Index(src, []byte("eXIf")); chunk > 0 {
		size := int(binary.BigEndian.Uint32(src[chunk-4:]))
		copy(src[chunk-4:], imagetest.Chunk("eXIf", bytes.Clone(src[chunk+4:chunk+4+size])))
	}
	return src
}

// undisposed makes every frame of a GIF stay on its canvas.
func undisposed(src []byte) []byte {
	src = bytes.Clone(src)
	for at := 0; ; at += 4 {
		next := bytes.Index(src[at:], []byte{0x21, 0xf9, 4})
		if next < 0 {
			return src
		}
		at += next
		src[at+3] &^= 7 << 2
	}
}

// gammaSpace makes of a mean of light what a mean of sRGB values would be, for black and white.
func gammaSpace(img *image.NRGBA) *image.NRGBA {
	dst := image.NewNRGBA(img.Rect)
	for i, v := range img.Pix {
		dst.Pix[i] = v
		if i%4 != 3 {
			dst.Pix[i] = uint8(255 * math.Pow(float64(v)/255, 2.2))
		}
	}
	return dst
}

// each changes every spec.
func each(change func(*transform.Spec)) func([]transform.Spec) []transform.Spec {
	return func(specs []transform.Spec) []transform.Spec {
		specs = slices.Clone(specs)
		for i := range specs {
			change(&specs[i])
		}
		return specs
	}
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
	imagetest.Long(t)
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
		{"gamma ignored", broken{pixels: gammaSpace}, linearLight},
		{"rings", broken{specs: each(func(s *transform.Spec) { s.Sharpen = true })}, linearLight},
		{"quality ignored", broken{specs: each(func(s *transform.Spec) { s.Quality = 98 })}, quality},
		{"limits ignored", broken{specs: each(func(s *transform.Spec) { s.MaxKB = 0 })}, lossyLimits},
		{"orientation off by one", broken{source: turnedOn}, orientation},
		{"cover squeezes", broken{specs: each(func(s *transform.Spec) { s.Fit = transform.Contain })}, cover},
		{"pad squeezes", broken{specs: each(func(s *transform.Spec) { s.Fit = transform.Stretch })}, pad},
		{"pad off the middle", broken{pixels: imagetest.Shifted}, padTurned},
		{"pad without its colour", broken{specs: each(func(s *transform.Spec) { s.Background = 0 })}, pad},
		{"what is padded is not turned", broken{source: turnless}, padTurned},
		{"stretch pads", broken{specs: each(func(s *transform.Spec) { s.Fit = transform.Pad })}, stretch},
		{"stretch cuts", broken{specs: each(func(s *transform.Spec) { s.Fit = transform.Cover })}, stretch},
		{"focal point ignored", broken{specs: each(func(s *transform.Spec) { s.Crop = transform.Center })}, focal},
		{"focal point mirrored", broken{specs: each(func(s *transform.Spec) { s.Focus.X = 100 - s.Focus.X })}, focal},
		{"a frame dropped", broken{moving: func(g *gif.GIF) {
			g.Image, g.Delay, g.Disposal = g.Image[1:], g.Delay[1:], g.Disposal[1:]
		}}, animation},
		{"frames stay", broken{source: undisposed}, animation},
		{"frames in another order", broken{moving: func(g *gif.GIF) { slices.Reverse(g.Image[1:]) }}, animation},
		{"delays lost", broken{moving: func(g *gif.GIF) { clear(g.Delay) }}, animation},
		{"runs for ever", broken{moving: func(g *gif.GIF) { g.LoopCount = 0 }}, animation},
		{"stands still", broken{specs: each(func(s *transform.Spec) { s.Animate = false })}, animation},
		{"limit forgotten", broken{specs: each(func(s *transform.Spec) { s.MaxKB = 0 })}, byteLimits},
		{"colours lost", broken{specs: each(func(s *transform.Spec) { s.MaxKB = 2 })}, fewColours},
		{"a cut film completed", broken{source: func(src []byte) []byte {
			if whole := imagetest.Films(t)[0].Body; bytes.HasPrefix(whole, src) {
				return whole
			}
			return src
		}}, brokenFilms},
		{"always the centre", broken{specs: each(func(s *transform.Spec) { s.Crop = transform.Center })}, smartCrop},
		{"profile ignored", broken{source: profileless}, profiles},
		{"wide gamut not kept", broken{specs: each(func(s *transform.Spec) { s.WideGamut = false })}, profiles},
		{"company moves the crop", broken{specs: func(specs []transform.Spec) []transform.Spec {
			specs = slices.Clone(specs)
			for i := range specs {
				if len(specs) > 1 && specs[i].Fit == transform.Cover {
					specs[i].Crop, specs[i].Focus = transform.Focal, transform.Point{X: 80, Y: 50}
				}
			}
			return specs
		}}, smartFamily},
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
