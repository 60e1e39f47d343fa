package render

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/transform"
)

// minSpliced is the width in pixels from which words are put into the file. A thumbnail of 160 pixels has about 4 KB, so a
// packet would add a third to it, and pages show thumbnails beside the picture that has its words.
const minSpliced = 200

// maxWord bounds a word in a file in bytes, where all words as they are do not fit: IPTC-IIM's bound for captions.
const maxWord = 2000

// splices reports whether words are put into the file of a resolved spec. GIF has no place for them that programs read.
func splices(spec transform.Spec, w caption.Words) bool {
	w.Decorative = false // an empty text is said by headers and pages only
	return spec.Width >= minSpliced && spec.Format != transform.GIF && w != caption.Words{}
}

// makeRoom is spec with the bytes that words may take taken off the bytes that the file may have. Words that would take more
// than half of them stay out of the file, and so do those that leave the picture too little: it is what was asked for.
func makeRoom(spec transform.Spec, w caption.Words) (_ transform.Spec, splice bool) {
	if !splices(spec, w) {
		return spec, false
	}
	if spec.MaxKB == 0 {
		return spec, true
	}
	kb := (caption.Cost(w) + 999) / 1000
	if 2*kb > spec.MaxKB {
		return spec, false
	}
	spec.MaxKB -= kb
	return spec, true
}

// wordsSum is a hash of words, each preceded by its length.
func wordsSum(w caption.Words) sum {
	decorative := ""
	if w.Decorative {
		decorative = "1"
	}
	var buf [1024]byte
	text := append(buf[:0], caption.Rev...)
	for _, field := range [...]string{
		w.Cutline, w.Credit, w.CreditURL, w.Alt, w.Creator, w.Copyright, w.License, w.Licensor, w.LicensorURL, w.SourceType, decorative,
	} {
		text = binary.AppendUvarint(text, uint64(len(field)))
		text = append(text, field...)
	}
	return sha256.Sum256(text)
}

// etag is strong: it changes with the pixels' encoding, with the words, and with whether they are in the file, and with
// nothing else.
func etag(body, words sum, spliced bool) string {
	var text [2*sha256.Size + 1]byte
	copy(text[:], body[:])
	copy(text[sha256.Size:], words[:])
	if spliced {
		text[2*sha256.Size] = 1
	}
	h := sha256.Sum256(text[:])
	return `"` + base64.RawURLEncoding.EncodeToString(h[:16]) + `"`
}

// splicedKey names a rendition with words in its file, in the near store.
func (r *Renderer) splicedKey(rendition cache.Key, words sum) cache.Key {
	var adopted [8]byte
	binary.BigEndian.PutUint64(adopted[:], r.adopted[rendition.Sum[0]].Load())
	return cache.NewKey(cache.Rendition, "spliced", string(rendition.Sum[:]), string(words[:]), string(adopted[:]))
}

// Adopted tells that the store has come to hold another object than was put under k, a shared tier's: what was made of the one
// that was put, in the near store and in answers that are kept, is not answered any more.
func (r *Renderer) Adopted(k cache.Key) {
	r.adopted[k.Sum[0]].Add(1)
	for i := range r.changes {
		r.changes[i].Add(1) // whose answers rest on it is not known; to look them up anew costs each a hit
	}
}

// loadSpliced looks for w with its words in the near store.
func (r *Renderer) loadSpliced(ctx context.Context, c *call, w *wish) bool {
	if r.o.Near == nil || !w.splice {
		return false
	}
	m, ok := r.load(ctx, r.o.Near, r.splicedKey(w.key, c.wordsSum))
	if !ok {
		return false
	}
	w.made, w.spliced = m, true
	return true
}

// splice puts the words into w's file, unless they are there. A file that takes none is served without: the words are in the
// headers too.
func (r *Renderer) splice(ctx context.Context, c *call, w *wish) (took time.Duration) {
	if !w.splice || w.spliced {
		return 0
	}
	start := time.Now()
	body, err := caption.Embed(w.made.body, c.words)
	if errors.Is(err, caption.ErrTooLong) {
		body, err = caption.Embed(w.made.body, c.words.Cut(maxWord))
	}
	if err != nil {
		r.report(fmt.Errorf("put the words into %s of %s: %w", w.spec, c.req.Source.Public(), err))
		return 0
	}
	w.made.body, w.spliced = body, true
	took = time.Since(start)
	r.stage(ctx, Stage{Name: "embed", Begun: start, Format: w.spec.Format, Bytes: len(body)})
	if r.o.Near != nil && c.located.keep {
		r.commit(c.req.Source, c.located.token, func() { r.keepRendition(ctx, r.o.Near, r.splicedKey(w.key, c.wordsSum), w.made, nil) })
	}
	return took
}
