package imagetest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// update is the flag -update: write references instead of comparing with them. Every test program that imports this
// package has it.
var update = flag.Bool("update", false, "write golden references instead of comparing with them")

// maxGolden bounds the sides of a reference, in pixels: references are looked at and live in the repository.
const maxGolden = 256

// Golden compares img with the reference testdata/golden/NAME.png under the module's root, a lossless PNG of at most 256
// pixels a side. With -update it writes the reference instead, which it refuses where CI is set. A reference that is
// missing fails the test with the command that creates it: a reference that appears by itself would be compared with
// itself. Each comparison also checks that it could fail (see Sensitive).
func Golden(t testing.TB, name string, img image.Image, tol Tolerance) {
	t.Helper()
	path := filepath.Join(moduleRoot(t), "testdata", "golden", filepath.FromSlash(name)+".png")
	if err := golden(path, img, tol, *update, os.Getenv("CI") != ""); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("golden %s is missing; look at what this creates:\n\tgo test -run '^%s$' -update .", name, t.Name())
		}
		t.Fatalf("golden %s: %v", name, err)
	}
}

// golden is Golden for one file.
func golden(path string, img image.Image, tol Tolerance, write, ci bool) error {
	if size := img.Bounds().Size(); size.X > maxGolden || size.Y > maxGolden {
		return fmt.Errorf("%v pixels, of at most %d a side", size, maxGolden)
	}
	if write {
		if ci {
			return errors.New("-update is refused where CI is set: references are made and looked at by people")
		}
		return writePNG(path, img)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	want, err := png.Decode(bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := Sensitive(want, tol); err != nil {
		return err
	}
	return Differ(img, want, tol)
}

func writePNG(path string, img image.Image) error {
	var buf bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&buf, NRGBA(img)); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, buf.Bytes(), 0o644)
}

// Sensitive is an error where tol is too wide to notice that want was shifted by one pixel, brightened by a gamma of 0.8,
// or had its red and blue exchanged.
func Sensitive(want image.Image, tol Tolerance) error {
	for _, d := range []struct {
		name   string
		damage func(*image.NRGBA) *image.NRGBA
	}{{"shifted by one pixel", Shifted}, {"of another gamma", Brightened}, {"with red and blue exchanged", Swapped}} {
		if Differ(d.damage(NRGBA(want)), want, tol) == nil {
			return fmt.Errorf("a picture %s passes %+v", d.name, tol)
		}
	}
	return nil
}

// moduleRoot is the folder of go.mod above the test's working folder.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		t.Fatal("no go.mod above the working folder")
	}
}
