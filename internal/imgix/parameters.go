package imgix

import (
	"slices"
	"strings"
)

// Status is what becomes of a parameter.
type Status uint8

// The statuses.
const (
	Refused     Status = iota // it would change the picture in a way that cutline does not: ErrParams
	Implemented               // it is read
	Ignored                   // it changes nothing that a reader could miss, whatever its value
	Signed                    // it belongs to a signature: ErrSigned
)

// String is the status as the documentation names it.
func (s Status) String() string {
	return [...]string{Refused: "400", Implemented: "implemented", Ignored: "ignored", Signed: "signature"}[s]
}

// A Parameter is one that imgix documents.
type Parameter struct {
	Name    string
	Aliases string // further names, separated by blanks
	Status  Status
	Note    string // how it is read, or why it is not
}

// Parameters lists all parameters that imgix documents (imgix-url-params 11.36.0), and those that its clients add: what is
// implemented, then the rest by status and name. The slice is the caller's.
func Parameters() []Parameter { return slices.Clone(parameters) }

// Why parameters are refused.
const (
	noLooks     = "what a picture looks like is not changed"
	noMaking    = "nothing is generated or removed"
	noOverlay   = "nothing is laid over a picture or cut out of it by a mask"
	noFrames    = "a page draws frames and space by its style sheet"
	noPalette   = "fm=json has the dominant colour"
	noDetector  = "there is no detector of faces and number plates"
	noGrounds   = "grounds are of one colour"
	noMoving    = "of an animation the first frame is shown"
	noVideo     = "pictures only"
	noPDF       = "PDF is not read"
	noTurning   = "pictures stand as their EXIF orientation says"
	noTrimming  = "edges are not looked for"
	noEnlarging = "pictures are never enlarged"
)

// parameters is the table of Parameters. It is read-only.
var parameters = []Parameter{
	{"w", "width", Implemented, "width in pixels, 2 to 8192, or a share of the original up to 1; pictures are never enlarged"},
	{"h", "height", Implemented, "height, likewise; the side that is not given follows"},
	{"fit", "f", Implemented, "clip, max: inside the box. crop, min: fills the box, which shrinks in its ratio where the original " +
		"cannot. fill: padded to the box. scale: distorted to it. Nothing else"},
	{"crop", "", Implemented, "the first of the list that can be had: top, bottom, left, right and their pairs; center; faces, edges, entropy, auto: " +
		"what stands out, tones of skin among it, and before that the author's focal point; focalpoint with fp-x or fp-y. " +
		"None: the author's focal point, else the middle"},
	{"fp-x", "", Implemented, "0 to 1, to a hundredth; with crop=focalpoint"},
	{"fp-y", "", Implemented, "likewise"},
	{"ar", "", Implemented, "width:height; with fit=crop, where not both sides are given"},
	{"max-w", "max-width", Implemented, "with fit=crop: cuts what is wider"},
	{"max-h", "max-height", Implemented, "with fit=crop: cuts what is higher"},
	{"dpr", "", Implemented, "above 0 and up to 5; multiplies w and h"},
	{"q", "", Implemented, "0 to 100; without it cutline's own, which is searched. Nothing in png and gif"},
	{"fm", "", Implemented, "jpg, pjpg, png, gif (the first frame), webp, avif; json is meta.json; blurhash is text. Nothing else"},
	{"auto", "", Implemented, "format: AVIF or WebP where Accept names them; fm is then the format for others. compress changes nothing. Nothing else"},
	{"bg", "", Implemented, "RGB, ARGB, RRGGBB, AARRGGBB or a name of CSS; alpha is all or nothing"},
	{"fill", "", Implemented, "solid, which is the default. Nothing else"},
	{"fill-color", "fillcolor", Implemented, "as bg, which it goes before; with fit=fill"},
	{"dl", "", Implemented, "the answer is saved under this name; the extension is the format's"},
	{"ch", "", Ignored, "no header but Accept changes an answer: sizes stand in the address"},
	{"chromasub", "", Ignored, "follows from the picture: full where it has fine coloured edges"},
	{"cs", "", Ignored, "sRGB is what all pictures are in"},
	{"dpi", "", Ignored, "changes no pixel"},
	{"iptc", "", Ignored, "the words are in every file that takes them"},
	{"ixid", "", Ignored, "names the client"},
	{"ixlib", "", Ignored, "names the client"},
	{"jpg-progressive", "jpeg-progressive", Ignored, "JPEG at a searched quality is progressive"},
	{"svg-sanitize", "", Ignored, "SVG is not read"},
	{"expires", "", Signed, "seconds since 1970; only with s"},
	{"s", "", Signed, "the last parameter: imgix's MD5, where `keys` has its token, or cutline's own signature"},
	{"bg-remove", "background-remove", Refused, noMaking},
	{"bg-remove-fallback", "", Refused, noMaking},
	{"bg-remove-fg-type", "", Refused, noMaking},
	{"bg-remove-semi-transparency", "background-removal-semi-transparency", Refused, noMaking},
	{"bg-remove-transparency-threshold", "", Refused, noMaking},
	{"bg-replace", "background-replace", Refused, noMaking},
	{"bg-replace-fallback", "", Refused, noMaking},
	{"bg-replace-neg-prompt", "background-replace-negative-prompt", Refused, noMaking},
	{"blend", "b", Refused, noOverlay},
	{"blend-align", "ba blendalign", Refused, noOverlay},
	{"blend-alpha", "balph blendalpha", Refused, noOverlay},
	{"blend-color", "blend-clr blendclr blendcolor", Refused, noOverlay},
	{"blend-crop", "bc blendcrop", Refused, noOverlay},
	{"blend-fit", "bf blendfit", Refused, noOverlay},
	{"blend-h", "bh blendh", Refused, noOverlay},
	{"blend-mode", "blendmode bm", Refused, noOverlay},
	{"blend-pad", "blendpad bp", Refused, noOverlay},
	{"blend-size", "blendsize bs", Refused, noOverlay},
	{"blend-w", "blendw bw", Refused, noOverlay},
	{"blend-x", "blendx bx", Refused, noOverlay},
	{"blend-y", "blendy by", Refused, noOverlay},
	{"blur", "", Refused, noLooks},
	{"border", "", Refused, noFrames},
	{"border-bottom", "", Refused, noFrames},
	{"border-left", "", Refused, noFrames},
	{"border-radius", "", Refused, noFrames},
	{"border-radius-inner", "", Refused, noFrames},
	{"border-right", "", Refused, noFrames},
	{"border-stroke-color", "", Refused, noFrames},
	{"border-stroke-size", "", Refused, noFrames},
	{"border-top", "", Refused, noFrames},
	{"bri", "", Refused, noLooks},
	{"colorquant", "", Refused, "PNG has a palette where that is smaller"},
	{"colors", "", Refused, noPalette},
	{"con", "", Refused, noLooks},
	{"corner-radius", "", Refused, noOverlay},
	{"duotone", "", Refused, noLooks},
	{"duotone-alpha", "", Refused, noLooks},
	{"exp", "", Refused, noLooks},
	{"face-blur", "", Refused, noDetector},
	{"face-pixel", "face-pixelate", Refused, noDetector},
	{"faceindex", "", Refused, noDetector},
	{"facepad", "", Refused, noDetector},
	{"faces", "", Refused, noDetector},
	{"fill-gen-fallback", "fill-generative-fallback", Refused, noMaking},
	{"fill-gen-neg-prompt", "fill-generative-negative-prompt", Refused, noMaking},
	{"fill-gen-pos", "fill-generative-position", Refused, noMaking},
	{"fill-gen-prompt", "fill-generative-prompt", Refused, noMaking},
	{"fill-gen-seed", "fill-generative-seed", Refused, noMaking},
	{"fill-gradient-cs", "", Refused, noGrounds},
	{"fill-gradient-linear", "", Refused, noGrounds},
	{"fill-gradient-linear-direction", "", Refused, noGrounds},
	{"fill-gradient-radial", "", Refused, noGrounds},
	{"fill-gradient-radial-radius", "", Refused, noGrounds},
	{"fill-gradient-radial-x", "", Refused, noGrounds},
	{"fill-gradient-radial-y", "", Refused, noGrounds},
	{"fill-gradient-type", "", Refused, noGrounds},
	{"fill-max", "", Refused, "it belongs to fit=fillmax, which is refused"},
	{"flip", "", Refused, noTurning},
	{"fp-debug", "", Refused, "a picture shows no marks"},
	{"fp-z", "", Refused, "a focal point is kept, not zoomed into"},
	{"fps", "", Refused, noMoving},
	{"frame", "", Refused, noMoving},
	{"gam", "", Refused, noLooks},
	{"grid-colors", "", Refused, noGrounds},
	{"grid-size", "", Refused, noGrounds},
	{"high", "", Refused, noLooks},
	{"htn", "", Refused, noLooks},
	{"hue", "", Refused, noLooks},
	{"interval", "", Refused, noMoving},
	{"invert", "inv", Refused, noLooks},
	{"loop", "", Refused, noMoving},
	{"lossless", "", Refused, "WebP and AVIF are written with loss, PNG without"},
	{"lp-blur", "license-plate-blur", Refused, noDetector},
	{"mark", "m", Refused, noOverlay},
	{"mark-align", "ma markalign", Refused, noOverlay},
	{"mark-alpha", "malph markalpha", Refused, noOverlay},
	{"mark-base", "markbase mb", Refused, noOverlay},
	{"mark-fit", "markfit mf", Refused, noOverlay},
	{"mark-h", "markh mh", Refused, noOverlay},
	{"mark-if-min-height", "", Refused, noOverlay},
	{"mark-if-min-width", "", Refused, noOverlay},
	{"mark-pad", "markpad mp", Refused, noOverlay},
	{"mark-rot", "", Refused, noOverlay},
	{"mark-scale", "markscale ms", Refused, noOverlay},
	{"mark-tile", "marktile mtile", Refused, noOverlay},
	{"mark-w", "markw mw", Refused, noOverlay},
	{"mark-x", "markx mx", Refused, noOverlay},
	{"mark-y", "marky my", Refused, noOverlay},
	{"mask", "", Refused, noOverlay},
	{"mask-bg", "maskbg", Refused, noOverlay},
	{"min-h", "min-height", Refused, noEnlarging},
	{"min-w", "min-width", Refused, noEnlarging},
	{"monochrome", "mono", Refused, noLooks},
	{"nr", "", Refused, noLooks},
	{"nrs", "", Refused, noLooks},
	{"object-removal-negative-prompt", "", Refused, noMaking},
	{"object-removal-prompt", "", Refused, noMaking},
	{"object-removal-rect", "", Refused, noMaking},
	{"object-removal-seed", "", Refused, noMaking},
	{"orient", "or", Refused, noTurning},
	{"pad", "", Refused, noFrames},
	{"pad-bottom", "", Refused, noFrames},
	{"pad-left", "", Refused, noFrames},
	{"pad-right", "", Refused, noFrames},
	{"pad-top", "", Refused, noFrames},
	{"page", "", Refused, noPDF},
	{"palette", "", Refused, noPalette},
	{"pdf-annotation", "annotation", Refused, noPDF},
	{"prefix", "", Refused, noPalette},
	{"px", "", Refused, noLooks},
	{"rasterize-bypass", "", Refused, "originals are not passed on"},
	{"rect", "", Refused, "fit=crop cuts around a point"},
	{"reverse", "", Refused, noMoving},
	{"rot", "", Refused, noTurning},
	{"rot-type", "rott rottype", Refused, noTurning},
	{"sat", "", Refused, noLooks},
	{"sepia", "", Refused, noLooks},
	{"shad", "", Refused, noLooks},
	{"sharp", "", Refused, noLooks},
	{"skip", "", Refused, noMoving},
	{"transparency", "", Refused, noGrounds},
	{"trim", "", Refused, noTrimming},
	{"trim-alpha", "", Refused, noTrimming},
	{"trim-color", "trimcolor", Refused, noTrimming},
	{"trim-md", "trimmd", Refused, noTrimming},
	{"trim-pad", "trimpad", Refused, noTrimming},
	{"trim-sd", "trimsd", Refused, noTrimming},
	{"trim-tol", "trimtol", Refused, noTrimming},
	{"txt", "t", Refused, noOverlay},
	{"txt-align", "ta txtalign", Refused, noOverlay},
	{"txt-clip", "tcl txtclip", Refused, noOverlay},
	{"txt-color", "tc txt-clr txtclr txtcolor", Refused, noOverlay},
	{"txt-fit", "txtfit", Refused, noOverlay},
	{"txt-font", "tf txtfont", Refused, noOverlay},
	{"txt-lead", "txtlead", Refused, noOverlay},
	{"txt-line", "tl txtline", Refused, noOverlay},
	{"txt-line-color", "txt-line-clr txtlineclr txtlinecolor", Refused, noOverlay},
	{"txt-pad", "tp txtpad", Refused, noOverlay},
	{"txt-shad", "tsh txtshad", Refused, noOverlay},
	{"txt-size", "tsz txtsize", Refused, noOverlay},
	{"txt-track", "tt txttrack", Refused, noOverlay},
	{"txt-width", "txtwidth", Refused, noOverlay},
	{"txt-x", "txtx", Refused, noOverlay},
	{"txt-y", "txty", Refused, noOverlay},
	{"upscale", "", Refused, noEnlarging},
	{"upscale-fallback", "", Refused, noEnlarging},
	{"usm", "", Refused, noLooks},
	{"usmrad", "", Refused, noLooks},
	{"vib", "", Refused, noLooks},
	{"video-bitrate", "", Refused, noVideo},
	{"video-clip-duration", "", Refused, noVideo},
	{"video-clip-end", "", Refused, noVideo},
	{"video-clip-start", "", Refused, noVideo},
	{"video-codec", "", Refused, noVideo},
	{"video-generate-subtitles", "", Refused, noVideo},
	{"video-renditions", "", Refused, noVideo},
	{"video-spritesheet-columns", "", Refused, noVideo},
	{"video-spritesheet-format", "", Refused, noVideo},
	{"video-spritesheet-h", "", Refused, noVideo},
	{"video-spritesheet-interval", "", Refused, noVideo},
	{"video-spritesheet-smart-crop", "", Refused, noVideo},
	{"video-spritesheet-w", "", Refused, noVideo},
	{"video-subtitle-translations", "", Refused, noVideo},
	{"video-thumbnail", "", Refused, noVideo},
	{"video-wave", "", Refused, noVideo},
	{"video-wave-align", "", Refused, noVideo},
	{"video-wave-amplitude", "", Refused, noVideo},
	{"video-wave-bg-color", "", Refused, noVideo},
	{"video-wave-color", "", Refused, noVideo},
	{"video-wave-h", "", Refused, noVideo},
	{"video-wave-mode", "", Refused, noVideo},
	{"video-wave-pad", "", Refused, noVideo},
	{"video-wave-scale", "", Refused, noVideo},
	{"video-wave-split", "", Refused, noVideo},
	{"video-wave-thickness", "", Refused, noVideo},
	{"video-wave-w", "", Refused, noVideo},
	{"video-wave-x", "", Refused, noVideo},
	{"video-wave-y", "", Refused, noVideo},
}

// places leads from names and aliases to their place in parameters. It is read-only.
var places = newPlaces()

func newPlaces() map[string]int {
	at := make(map[string]int)
	for i, k := range parameters {
		at[k.Name] = i
		for alias := range strings.FieldsSeq(k.Aliases) {
			at[alias] = i
		}
	}
	return at
}

// implementedNames lists what is implemented, for messages.
var implementedNames = listImplemented()

func listImplemented() string {
	var names []string
	for _, k := range parameters {
		if k.Status == Implemented {
			names = append(names, k.Name)
		}
	}
	return strings.Join(names, " ")
}
