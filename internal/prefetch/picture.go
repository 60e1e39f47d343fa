package prefetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/manifest"
	"github.com/dd8bf596/cutline/internal/markup"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/srcset"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A wanted file is one place in the manifest that names a file.
type wanted struct {
	preset string // "" is the ladder
	file   srcset.File
	at     int // of its rendition
}

// An order is what is made of one original: the two renditions of its placeholder, then those of files, each once.
type order struct {
	specs []transform.Spec
	files []wanted
}

// newOrder chooses the files of e when its original is known.
func newOrder(c srcset.Choice, e *catalog.Entry, info transform.Info) *order {
	placeholder := srcset.Placeholder()
	o := &order{specs: placeholder[:]}
	index := map[transform.Spec]int{}
	add := func(preset string, file srcset.File) {
		spec := srcset.Aim(file.Spec, e.Focus.Set, transform.Point{X: e.Focus.X, Y: e.Focus.Y})
		key := spec.Resolve(info.Width, info.Height, c.MaxOutput, 0)
		at, known := index[key]
		if !known {
			at = len(o.specs)
			index[key] = at
			o.specs = append(o.specs, spec)
		}
		o.files = append(o.files, wanted{preset, file, at})
	}
	for _, f := range c.Page(info) {
		for _, file := range srcset.Kept(c.Ladder(info, f)) {
			add("", file)
		}
		for _, name := range c.PresetNames() {
			file, _ := c.Preset(info, name, f)
			add(name, file)
		}
	}
	return o
}

// A row is a picture on its way into the manifest.
type row struct {
	entry *catalog.Entry
	image *manifest.Image
	page  markup.Picture
}

// newRow makes the row of e and puts its files where they belong.
func (r *run) newRow(ctx context.Context, e *catalog.Entry, original *render.Original, o *order, rends []*render.Rendition) (*manifest.Image, error) {
	words, _ := e.Words.Over(original.Found)
	placeholder, err := markup.NewPlaceholder(rends[0].Body, rends[1].Body, rends[1].Spec.Format.MIME())
	if err != nil {
		return nil, err
	}
	text := words.Plain()
	w := &row{
		entry: e,
		image: &manifest.Image{
			ID: e.ID, Source: e.Source.String(), Words: newWords(words), Text: manifest.Text{Cutline: text.Cutline, Credit: text.Credit},
			Width: original.Info.Width, Height: original.Info.Height,
			Color: placeholder.Color, ThumbHash: placeholder.ThumbHash, BlurHash: placeholder.BlurHash, Placeholder: placeholder.LQIP, Transparent: placeholder.Transparent,
			Original: manifest.Original{SHA256: hex.EncodeToString(original.Sum[:]), Size: original.Bytes, Format: original.Info.Format.Ext()},
			Formats:  map[string][]manifest.File{}, Presets: map[string]map[string]manifest.File{},
		},
		page: markup.Picture{ID: e.ID, Words: words, Placeholder: placeholder},
	}
	if e.Focus.Set {
		w.image.Focus = &manifest.Focus{X: e.Focus.X, Y: e.Focus.Y}
	}
	if err := r.putFiles(ctx, w, o, rends); err != nil {
		return nil, err
	}
	if err := w.mark(r.o.Choice, original.Info); err != nil {
		return nil, err
	}
	return w.image, w.image.Seal(r.recipe.of(e))
}

// putFiles writes the files of w and names them in it.
func (r *run) putFiles(ctx context.Context, w *row, o *order, rends []*render.Rendition) error {
	hashes := make([]string, len(rends))
	for _, want := range o.files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rend := rends[want.at]
		if hashes[want.at] == "" {
			sum := sha256.Sum256(rend.Body)
			hashes[want.at] = hex.EncodeToString(sum[:])
		}
		of := title{
			name: plainName(w.entry.Source), id: w.entry.ID, preset: want.preset, ext: rend.Spec.Format.Ext(),
			width: rend.Spec.Width, height: rend.Spec.Height, hash: hashes[want.at],
		}
		if of.preset == "" {
			of.preset = "w" + strconv.Itoa(of.width)
		}
		name := r.o.Template.name(of)
		if err := r.out.put(name, of.hash, rend.Body); err != nil {
			return err
		}
		w.add(want.preset, r.file(name, rend))
	}
	return nil
}

// file is what the manifest says of a rendition under that name.
func (r *run) file(name string, rend *render.Rendition) manifest.File {
	mime, url := rend.Spec.Format.MIME(), r.o.URL+name
	return manifest.File{
		Format: strings.TrimPrefix(mime, "image/"), Width: rend.Spec.Width, Height: rend.Spec.Height, URL: url, SourceType: mime,
		Srcset: url + " " + strconv.Itoa(rend.Spec.Width) + "w", Filename: name, OutputPath: r.o.OutputPath + name, Size: int64(len(rend.Body)),
	}
}

func (w *row) add(preset string, f manifest.File) {
	if preset == "" {
		w.image.Formats[f.Format] = append(w.image.Formats[f.Format], f)
		return
	}
	if w.image.Presets[preset] == nil {
		w.image.Presets[preset] = map[string]manifest.File{}
	}
	w.image.Presets[preset][f.Format] = f
}

// mark writes the markup of w, whose files are known.
func (w *row) mark(c srcset.Choice, info transform.Info) error {
	for _, f := range c.Page(info) {
		files := w.image.Formats[strings.TrimPrefix(f.MIME(), "image/")]
		shown := markup.Format{MIME: f.MIME()}
		for _, file := range files[len(files)-len(srcset.Shown(srcset.Kept(c.Ladder(info, f)))):] {
			shown.Candidates = append(shown.Candidates, markup.Candidate{URL: file.URL, Width: file.Width, Height: file.Height})
		}
		w.page.Formats = append(w.page.Formats, shown)
	}
	figure, err := markup.Figure(w.page, markup.Options{})
	if err != nil {
		return err
	}
	element, err := markup.Element(w.page, markup.Options{})
	if err != nil {
		return err
	}
	words, err := markup.Caption(w.page.Words)
	if err != nil {
		return err
	}
	w.image.Figcaption = string(words)
	w.image.HTML, w.image.Picture = strings.TrimSpace(string(figure)), strings.TrimSpace(string(element))
	w.image.JSONLD, err = markup.JSONLD(w.page, markup.Options{})
	return err
}

func newWords(w caption.Words) manifest.Words {
	out := manifest.Words{
		Cutline: w.Cutline, Credit: w.Credit, CreditURL: w.CreditURL, Decorative: w.Decorative, Creator: w.Creator, Copyright: w.Copyright,
		License: w.License, Licensor: w.Licensor, LicensorURL: w.LicensorURL, SourceType: w.SourceType,
	}
	if w.Alt != "" || w.Decorative {
		out.Alt = &w.Alt
	}
	return out
}
