package markup

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/draw"
	"image/png"
	"regexp"

	"github.com/buckket/go-blurhash"
	"go.n16f.net/thumbhash"
)

// A Placeholder stands in for a picture until it has come. The zero value is none.
type Placeholder struct {
	Color       string `json:"color,omitempty"`     // the dominant colour, as "#rrggbb"; "" where nothing is opaque
	ThumbHash   string `json:"thumbhash,omitempty"` // in standard base64
	BlurHash    string `json:"blurhash,omitempty"`
	LQIP        string `json:"placeholder,omitempty"` // a tiny picture as data URI; "" where it would be too long
	Transparent bool   `json:"transparent,omitempty"` // some of it shows what lies behind it
}

// maxSmall bounds the sides of the picture that a placeholder is made from, in pixels. ThumbHash takes no larger ones, and more
// pixels change nothing but the time it takes.
const maxSmall = 100

// maxLQIP bounds the picture inside a data URI, in bytes. It is part of the page, and delays all of it; 24 pixels of WebP take
// some 200.
const maxLQIP = 2000

// blurComponents is how many waves a BlurHash holds along the longer and the shorter side: 28 characters.
const blurComponents, blurComponentsAcross = 4, 3

// NewPlaceholder makes a placeholder from a rendition as PNG of at most 100 pixels a side, and, where there is one, a still
// smaller picture of the type lqipType, which goes into a data URI as it is.
func NewPlaceholder(small, lqip []byte, lqipType string) (Placeholder, error) {
	head, err := png.DecodeConfig(bytes.NewReader(small))
	if err != nil {
		return Placeholder{}, fmt.Errorf("read placeholder: %w", err)
	}
	if head.Width > maxSmall || head.Height > maxSmall {
		return Placeholder{}, fmt.Errorf("read placeholder: %d × %d pixels: expected at most %d a side", head.Width, head.Height, maxSmall)
	}
	img, err := png.Decode(bytes.NewReader(small))
	if err != nil {
		return Placeholder{}, fmt.Errorf("read placeholder: %w", err)
	}
	p, err := placeholderOf(straight(img))
	if err != nil {
		return Placeholder{}, err
	}
	if len(lqip) > 0 && len(lqip) <= maxLQIP {
		p.LQIP = "data:" + lqipType + ";base64," + base64.StdEncoding.EncodeToString(lqip)
	}
	return p, p.check()
}

func placeholderOf(img *image.NRGBA) (Placeholder, error) {
	p := Placeholder{Transparent: !img.Opaque(), ThumbHash: base64.StdEncoding.EncodeToString(thumbHash(img))}
	behind, some := dominant(img)
	if some {
		p.Color = fmt.Sprintf("#%02x%02x%02x", behind.R, behind.G, behind.B)
	}
	across, down := blurComponents, blurComponentsAcross
	if img.Rect.Dy() > img.Rect.Dx() {
		across, down = down, across
	}
	// BlurHash knows no transparency: where the picture ends, its own colour goes on.
	flat := image.NewRGBA(img.Rect)
	draw.Draw(flat, flat.Rect, image.NewUniform(behind), image.Point{}, draw.Src)
	draw.Draw(flat, flat.Rect, img, image.Point{}, draw.Over)
	hash, err := blurhash.Encode(across, down, flat)
	if err != nil {
		return Placeholder{}, fmt.Errorf("make BlurHash: %w", err)
	}
	p.BlurHash = hash
	return p, nil
}

// thumbHash hands the pixels over as if they were premultiplied: the library multiplies them by their alpha itself, as the
// format wants it, and to do so twice would darken whatever shines through.
func thumbHash(img *image.NRGBA) []byte {
	return thumbhash.EncodeImage(&image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect})
}

// straight is img with its alpha not multiplied in, from (0, 0) on.
func straight(img image.Image) *image.NRGBA {
	if n, ok := img.(*image.NRGBA); ok && n.Rect.Min == (image.Point{}) {
		return n
	}
	b := img.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Rect, img, b.Min, draw.Src)
	return out
}

var (
	hexColour = regexp.MustCompile(`^#[0-9a-f]{6}$`)
	dataURI   = regexp.MustCompile(`^data:image/(?:webp|png|jpeg|gif|avif);base64,[A-Za-z0-9+/]+={0,2}$`)
)

// check is an error for what could be anything but a colour and a picture: both go into a style attribute as they are.
func (p Placeholder) check() error {
	if p.Color != "" && !hexColour.MatchString(p.Color) {
		return fmt.Errorf("placeholder: colour %q: expected #rrggbb", p.Color)
	}
	if p.LQIP != "" && !dataURI.MatchString(p.LQIP) {
		return errors.New("placeholder: expected a data URI of an image in base64")
	}
	return nil
}

// style is the background of the picture's box. Through a picture with transparency it would be seen for good, so that has
// none.
func (p Placeholder) style() template.CSS {
	if p.Transparent || p.Color == "" && p.LQIP == "" {
		return ""
	}
	style := "background:" + p.Color
	if p.LQIP != "" {
		style += " center/cover url(" + p.LQIP + ")"
	}
	return template.CSS(style) //nolint:gosec // check has seen both
}
