//go:build integration && compare

package goengine_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// compareFormats are those of the tables that the engine writes, as sharp names them.
func compareFormats(t *testing.T, tr *transform.Transformer) []string {
	t.Helper()
	var list []string
	for _, f := range encodes(t, tr) {
		if f.Lossy() {
			list = append(list, strings.ToLower(f.String()))
		}
	}
	return list
}

// options are the quality of the tables, and an encoder's effort; 0 is the program's own default.
func options(format string, fast bool) map[string]any {
	o := map[string]any{"quality": 80}
	if format == "avif" {
		o["quality"] = 50
	}
	if fast && format == "webp" {
		o["effort"] = 2
	}
	if fast && format == "avif" {
		o["effort"] = 0
	}
	return o
}

// TestCompare prints time and memory of single renditions, and of a family, in Markdown. It asserts nothing about them.
func TestCompare(t *testing.T) {
	tr := newTransformer(t)
	formats := compareFormats(t, tr)
	fmt.Println(machine(t))
	for _, f := range encodes(t, tr) {
		fmt.Printf("* %s: `%s`\n", f, tr.Rev(f))
	}
	fmt.Print("\n### One rendition, 800 pixels wide, one core\n\n" +
		"| original | format | cutline, static | cutline, native | sharp, same effort | sharp, default | vipsthumbnail (whole process) |\n|---|---|---|---|---|---|---|\n")
	for _, size := range []string{"p2", "p6", "p24"} {
		src := work(t, "sizes", size+".jpg")
		for _, format := range formats {
			one := func(fast bool) workload {
				return workload{Src: src, Runs: compareRuns, Outputs: []target{{Width: 800, Format: format, Options: options(format, fast)}}}
			}
			plain := one(false)
			_, fast := sharp(t, one(true))
			_, usual := sharp(t, plain)
			fmt.Printf("| %s | %s | %s | %s | %s | %s | %s |\n", size, format, cutline(t, static, 1, plain), cutline(t, native, 1, plain),
				fast[0], usual[0], vipsThumbnail(t, one(true)))
		}
	}
}

// TestCompareFamily prints time and memory of all widths of a srcset in all formats.
func TestCompareFamily(t *testing.T) {
	tr := newTransformer(t)
	formats := compareFormats(t, tr)
	var outputs []target
	for _, width := range []int{320, 640, 960, 1280, 1920, 2560} {
		for _, format := range formats {
			outputs = append(outputs, target{Width: width, Format: format, Options: options(format, true)})
		}
	}
	cores := runtime.NumCPU()
	fmt.Printf("\n### A family: 6 widths in %s, %d renditions\n\n", strings.Join(formats, ", "), len(outputs))
	fmt.Printf("| original | cores | mode | cutline, one call | cutline, %d calls | sharp, %[1]d calls, same effort |\n|---|---|---|---|---|---|\n", len(outputs))
	for _, n := range []int{1, cores} {
		w := workload{Src: work(t, "sizes", "p6.jpg"), Runs: compareFamilyRuns, Parallel: n > 1, Outputs: outputs}
		_, theirs := sharp(t, w)
		for _, mode := range []string{static, native} {
			together := w
			together.Together = true
			fmt.Printf("| p6 | %d | %s | %s | %s | %s |\n", n, mode, cutline(t, mode, n, together), cutline(t, mode, n, w), theirs[0])
		}
	}
}

// A bytesRow sums up one program's files in one format.
type bytesRow struct {
	files, bytes  int
	ssim, poorest float64
}

func (r *bytesRow) add(n int, ssim float64) {
	if r.files == 0 {
		r.poorest = 1
	}
	r.files, r.bytes, r.ssim, r.poorest = r.files+1, r.bytes+n, r.ssim+ssim, min(r.poorest, ssim)
}

// TestCompareBytes prints the bytes of all photographs at 800 pixels, and how much each differs from what the same
// program writes as PNG: the encoders are compared, not the resizers.
func TestCompareBytes(t *testing.T) {
	tr := newTransformer(t)
	formats := compareFormats(t, tr)
	rows := map[string]*bytesRow{}
	var order []string
	add := func(name string, body []byte, want *bytesReference) {
		if rows[name] == nil {
			rows[name], order = &bytesRow{}, append(order, name)
		}
		rows[name].add(len(body), imagetest.SSIM(pixels(t, tr, body), pixels(t, tr, want.png)))
	}
	dir := t.TempDir()
	for _, src := range files(t, 30, "photos", "*.jpg") {
		body := read(t, src)
		ours := &bytesReference{render(t, tr, body, "w800.png")[0].Body}
		theirs, vips := &bytesReference{compareSharp(t, src, dir, "png", nil)}, &bytesReference{compareVips(t, src, dir, "png", nil)}
		for _, format := range formats {
			o := target{Width: 800, Format: format, Options: options(format, false)}
			add(format+" | cutline", render(t, tr, body, o.text())[0].Body, ours)
			if auto := compareAuto(t, tr, body, format); auto != nil {
				add(format+" | cutline, searched quality", auto, ours)
			}
			add(format+" | sharp", compareSharp(t, src, dir, format, options(format, true)), theirs)
			if format == "webp" {
				add(format+" | sharp, default effort", compareSharp(t, src, dir, format, options(format, false)), theirs)
			}
			if format == "jpeg" {
				add(format+" | sharp, mozjpeg", compareSharp(t, src, dir, format, map[string]any{"quality": 80, "mozjpeg": true}), theirs)
			}
			add(format+" | vipsthumbnail", compareVips(t, src, dir, format, options(format, true)), vips)
		}
	}
	fmt.Print("\n### Bytes, 800 pixels wide\n\n| format | program | photographs | bytes on average | SSIM, mean | SSIM, poorest |\n|---|---|---|---|---|---|\n")
	for _, format := range formats {
		for _, name := range order {
			if r := rows[name]; strings.HasPrefix(name, format) {
				fmt.Printf("| %s | %d | %d | %.4f | %.4f |\n", name, r.files, r.bytes/r.files, r.ssim/float64(r.files), r.poorest)
			}
		}
	}
}

// A bytesReference is a program's own PNG.
type bytesReference struct{ png []byte }

// compareAuto is src at the quality that the engine searches; nil where it does not search.
func compareAuto(t *testing.T, tr *transform.Transformer, src []byte, format string) []byte {
	t.Helper()
	specs := resolved(t, tr, src, target{Width: 800, Format: format}.text())
	specs[0].Quality = 0
	outputs, err := tr.Transform(t.Context(), src, specs)
	if err != nil || outputs[0].Quality == 0 {
		return nil
	}
	return outputs[0].Body
}

func compareSharp(t *testing.T, src, dir, format string, o map[string]any) []byte {
	t.Helper()
	file := filepath.Join(dir, "sharp."+format)
	sharp(t, workload{Src: src, Runs: 1, Outputs: []target{{Width: 800, Format: format, Options: o, File: file}}})
	return read(t, file)
}

func compareVips(t *testing.T, src, dir, format string, o map[string]any) []byte {
	t.Helper()
	file := filepath.Join(dir, "vips."+format)
	vipsThumbnail(t, workload{Src: src, Runs: 1, Outputs: []target{{Width: 800, Format: format, Options: o, File: file}}})
	return read(t, file)
}
