// Package srcset knows which files a picture has: in which widths, presets and formats a page, a build or whoever makes renditions
// ahead wants it.
//
// It is told what is configured and what the original is, and names specs. It makes no pixels and knows no URLs, posts or words.
package srcset

import (
	"maps"
	"slices"

	"github.com/dd8bf596/cutline/internal/transform"
)

// A Choice is what the site's owner chose to offer of every picture. It is not changed, and safe for concurrent use.
type Choice struct {
	Presets   map[string]transform.Spec // by name, each without Format
	Widths    []int                     // the ladder, in pixels, ascending
	Formats   []transform.Format        // that can be asked for; at least one
	MaxOutput int                       // of a file's longer side, in pixels
}

// A File is one file of a picture.
type File struct {
	Spec          transform.Spec // as it is asked for, with a Format
	Width, Height int            // of what comes of that, in pixels
}

func (c Choice) file(info transform.Info, spec transform.Spec) File {
	r := spec.Resolve(info.Width, info.Height, c.MaxOutput, 0)
	return File{Spec: spec, Width: r.Width, Height: r.Height}
}

// Preset is the preset of that name; ok is false where there is none.
func (c Choice) Preset(info transform.Info, name string, f transform.Format) (file File, ok bool) {
	spec, ok := c.Presets[name]
	if !ok {
		return File{}, false
	}
	spec.Format = f
	return c.file(info, spec), true
}

// PresetNames are the names of the presets, sorted.
func (c Choice) PresetNames() []string { return slices.Sorted(maps.Keys(c.Presets)) }

// Ladder lists the ladder up to the first rung that the original cannot fill; that one is asked for by its own name and
// answered at the original's width, never enlarged. Widths ascend.
func (c Choice) Ladder(info transform.Info, f transform.Format) []File {
	var out []File
	for _, w := range c.Widths {
		next := c.file(info, transform.Spec{Width: w, Format: f})
		if n := len(out); n > 0 && out[n-1].Width == next.Width {
			break
		}
		out = append(out, next)
	}
	return out
}

// minShown is the narrowest file that a page offers, in pixels: the ladder's lower rungs are for placeholders and thumbnails.
const minShown = 320

// Shown are the files of a ladder that a page offers; all of a picture that is narrower than any of them.
func Shown(ladder []File) []File { return atLeast(ladder, minShown) }

// Kept are the files of a ladder that are worth a file of their own: all that are larger than a placeholder's, which stands in the
// page itself; all of a picture that is no larger.
func Kept(ladder []File) []File { return atLeast(ladder, inlinedSide+1) }

func atLeast(ladder []File, width int) []File {
	i := slices.IndexFunc(ladder, func(f File) bool { return f.Width >= width })
	if i < 0 {
		return ladder
	}
	return ladder[i:]
}

// Page are the formats in which a page offers a picture, the smallest first, the one that every browser reads last.
func (c Choice) Page(info transform.Info) []transform.Format {
	last := c.Fallback(info)
	var out []transform.Format
	for _, f := range []transform.Format{transform.AVIF, transform.WebP} {
		if f != last && slices.Contains(c.Formats, f) {
			out = append(out, f)
		}
	}
	return append(out, last)
}

// Fallback is the format that every browser reads, of those that can be asked for: PNG where the picture has transparency,
// else JPEG.
func (c Choice) Fallback(info transform.Info) transform.Format {
	order := []transform.Format{transform.JPEG, transform.PNG, transform.GIF, transform.WebP, transform.AVIF}
	if info.Alpha {
		order[0], order[1] = order[1], order[0]
	}
	i := slices.IndexFunc(order, func(f transform.Format) bool { return slices.Contains(c.Formats, f) })
	return order[i]
}

// Still are the formats that a page would show a still picture in: all but GIF, unless there is no other.
func (c Choice) Still() []transform.Format {
	still := slices.DeleteFunc(slices.Clone(c.Formats), func(f transform.Format) bool { return f == transform.GIF })
	if len(still) == 0 {
		return c.Formats
	}
	return still
}

// All are the specs of everything that a page may name of a picture: presets and ladder in each of the formats of Page, each
// picture once, the ladder first.
func (c Choice) All(info transform.Info) []transform.Spec {
	var out []transform.Spec
	seen := map[transform.Spec]bool{}
	add := func(f File) {
		r := f.Spec.Resolve(info.Width, info.Height, c.MaxOutput, 0)
		if !seen[r] {
			seen[r] = true
			out = append(out, f.Spec)
		}
	}
	formats := c.Page(info)
	for _, f := range formats {
		for _, file := range Kept(c.Ladder(info, f)) {
			add(file)
		}
	}
	for _, name := range c.PresetNames() {
		for _, f := range formats {
			file, _ := c.Preset(info, name, f)
			add(file)
		}
	}
	return out
}

// The sides of what placeholders are made from, in pixels: enough for a ThumbHash's seven waves, and a picture that fits into
// some 300 bytes of a page.
const (
	hashedSide  = 64
	inlinedSide = 24
)

// Placeholder are the two renditions that a placeholder is made from: the one that its hashes are of, and the one that stands in the
// page.
func Placeholder() [2]transform.Spec {
	return [2]transform.Spec{
		{Width: hashedSide, Height: hashedSide, Format: transform.PNG},
		{Width: inlinedSide, Height: inlinedSide, Format: transform.WebP},
	}
}

// Aim is spec with the focal point that the post's author marked, where there is one and spec cuts and names no place of its own.
// The entry's ID stands for the point, so that URLs need not.
func Aim(spec transform.Spec, marked bool, at transform.Point) transform.Spec {
	if marked && spec.Fit == transform.Cover && spec.Crop == transform.Smart {
		spec.Crop, spec.Focus = transform.Focal, at
	}
	return spec
}
