package goengine

import "github.com/dd8bf596/cutline/internal/transform"

// A Codec says how one format is read and written, for people.
type Codec struct {
	Format transform.Format
	Reads  string // what decodes it; "" when nothing does
	Writes string // what encodes it; "" when nothing does
}

// Codecs lists all formats that are read or written.
func (e *Engine) Codecs() []Codec {
	var out []Codec
	for _, f := range transform.Formats() {
		c := Codec{Format: f}
		if can := e.Can(f); can.Decode {
			c.Reads = "Go"
			if can.Encode {
				c.Writes = e.Rev(f)
			}
			out = append(out, c)
		}
	}
	return out
}
