//go:build integration

package goengine_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// secret is in every text that the originals of this test carry.
const secret = "CUTLINE-SECRET"

// tagged puts what cameras and editors write into a picture, with exiftool: names, serial numbers, a position, a
// thumbnail, maker notes, XMP, IPTC, comments.
func tagged(t *testing.T, path string) {
	t.Helper()
	thumb := filepath.Join(t.TempDir(), "thumb.jpg")
	write(t, thumb, imagetest.JPEG(t, 160, 120))
	args := []string{"-q", "-m", "-overwrite_original", "-ThumbnailImage<=" + thumb}
	for _, tag := range []string{
		"Artist", "Copyright", "SerialNumber", "LensSerialNumber", "OwnerName", "UserComment", "MakerNoteUnknownText", "Comment",
		"XMP-dc:Creator", "XMP-xmpMM:DocumentID", "XMP-GPano:CaptureSoftware", "IPTC:By-line", "IPTC:City",
	} {
		args = append(args, "-"+tag+"="+secret)
	}
	command(t, "exiftool", append(args, "-GPSLatitude=52.5", "-GPSLatitudeRef=N", "-GPSLongitude=13.4", "-GPSLongitudeRef=E",
		"-XMP-exif:GPSLatitude=52.5", "-DateTimeOriginal=2024:01:02 03:04:05", path)...)
}

// tags is what exiftool finds in a file, unknown and repeated tags too, by group and name.
func tags(t *testing.T, path string) map[string]any {
	t.Helper()
	var found []map[string]any
	out := command(t, "exiftool", "-j", "-G1", "-a", "-u", "-U", "-ee", "-struct", path)
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found) != 1 {
		t.Fatalf("exiftool: %v: %s", err, out)
	}
	return found[0]
}

// heif are the properties of an AVIF's pictures.
var heif = []string{
	"HandlerType", "PrimaryItemReference", "ImageSpatialExtent", "ImagePixelDepth", "AV1Configuration", "ColorProfiles", "ColorPrimaries",
	"TransferCharacteristics", "MatrixCoefficients", "VideoFullRangeFlag", "AuxiliaryImageType", "MetaImageSize", "ChromaFormat",
	"ChromaSamplePosition", "InitialDelaySamples", "QuickTime_ColorRep", "SeqProfile", "SeqTier0",
}

// structural are the groups, and the prefixes of tags in them, that describe the file and its pixels.
var structural = map[string][]string{
	"SourceFile": {""},
	"ExifTool":   {"ExifToolVersion"},
	"System":     {""},
	"File":       {"FileType", "MIMEType", "Image", "EncodingProcess", "BitsPerSample", "ColorComponents", "YCbCrSubSampling"},
	"Composite":  {"ImageSize", "Megapixels"},
	"JFIF":       {"JFIFVersion", "ResolutionUnit", "XResolution", "YResolution"},
	"PNG":        {"ImageWidth", "ImageHeight", "BitDepth", "ColorType", "Compression", "Filter", "Interlace", "SRGBRendering", "Gamma", "Palette", "Transparency"},
	"RIFF":       {"VP8", "WebP", "ImageWidth", "ImageHeight", "HorizontalScale", "VerticalScale", "AlphaPreprocessing", "AlphaFiltering", "AlphaCompression", "AlphaIsUsed"},
	"GIF":        {"GIFVersion", "ImageWidth", "ImageHeight", "HasColorMap", "ColorResolutionDepth", "BitsPerPixel", "BackgroundColor", "TransparentColor", "FrameCount"},
	"QuickTime":  append([]string{"MajorBrand", "MinorVersion", "CompatibleBrands", "MediaData"}, heif...), // exiftool 12
	"Meta":       heif,                                                                                     // exiftool 13
}

// profile are the groups of a colour profile, and the tags that hold one.
var profile = map[string][]string{"ICC-header": {""}, "ICC_Profile": {""}, "PNG": {"ProfileName"}}

// foreign lists the tags that are not structural; of a rendition in a wide gamut, nor a profile's.
func foreign(found map[string]any, wide bool) []string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(found)) {
		group, name, _ := strings.Cut(key, ":")
		if wide && slices.ContainsFunc(profile[group], func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			continue
		}
		known := slices.ContainsFunc(structural[group], func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if !known {
			list = append(list, key)
		}
	}
	return list
}

// TestIntegrationMetadata proves with another program that nothing of an original's metadata is in any rendition.
func TestIntegrationMetadata(t *testing.T) {
	tr := newTransformer(t)
	dir := t.TempDir()
	originals := map[string][]byte{
		"photo.jpg":        read(t, files(t, 1, "photos", "aizkorri*.jpg")[0]),
		"fixture.jpg":      imagetest.File(t, "progressive.jpg"),
		"fixture.png":      imagetest.PNG(t, 300, 200, true),
		"fixture.webp":     imagetest.File(t, "lossy.webp"),
		"transparent.webp": imagetest.File(t, "alpha.webp"),
		"wide.jpg":         imagetest.WithICC(t, imagetest.JPEG(t, 300, 200), imagetest.ICCAdobeRGB()),
	}
	for name, body := range originals {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			write(t, path, body)
			tagged(t, path)
			have := foreign(tags(t, path), false)
			for _, tag := range []string{"IFD0:Artist", "ExifIFD:SerialNumber", "ExifIFD:MakerNoteUnknownText", "GPS:GPSLatitude", "IFD1:ThumbnailImage", "XMP-dc:Creator"} {
				if !slices.Contains(have, tag) {
					t.Fatalf("the original has no %s, so this test proves nothing: %v", tag, have)
				}
			}
			src := read(t, path)
			for _, f := range encodes(t, tr) {
				for _, text := range []string{"w100.", "w80-h80-cover.", ".", "w60-p3."} { // resized, cut, as it is, and in a wide gamut
					if f == transform.GIF && strings.Contains(text, "p3") {
						continue // GIF has no profiles
					}
					out := render(t, tr, src, text+f.Ext())[0]
					made := filepath.Join(dir, name+text+f.Ext())
					write(t, made, out.Body)
					if left := foreign(tags(t, made), strings.Contains(text, "p3")); len(left) > 0 {
						t.Errorf("%s: %v is left", text+f.Ext(), left)
					}
					if bytes.Contains(out.Body, []byte(secret)) {
						t.Errorf("%s: %q is in the bytes", text+f.Ext(), secret)
					}
				}
			}
		})
	}
}
