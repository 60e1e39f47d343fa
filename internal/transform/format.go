package transform

// A Format is an image file format that cutline reads or writes. The zero Format is none.
type Format uint8

// The formats, in no order of preference.
const (
	JPEG Format = iota + 1
	PNG
	GIF
	WebP
	AVIF
)

// Formats lists all formats.
func Formats() []Format { return []Format{JPEG, PNG, GIF, WebP, AVIF} }

// String is the format's name as people write it: "JPEG".
func (f Format) String() string { return "" }

// Ext is the file extension, without dot: "jpg", "png", "gif", "webp", "avif".
func (f Format) Ext() string { return "" }

// MIME is the media type: "image/jpeg".
func (f Format) MIME() string { return "" }

// ParseFormat reads an extension as Ext writes it; "jpeg" is a second spelling of "jpg" here, for configuration and
// command lines. An unknown one is ErrSpec.
func ParseFormat(ext string) (Format, error) { return 0, ErrSpec }

// Sniff tells the format by magic number, never by name or declared type. Anything else is ErrFormat, with a guess of
// what it is instead ("HTML", "SVG", "TIFF") for the message.
func Sniff(src []byte) (Format, error) { return 0, ErrFormat }
