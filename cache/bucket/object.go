package bucket

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"gocloud.dev/blob"

	"github.com/dd8bf596/cutline/cache"
)

const (
	// layout is the version of names and of what is under them. Builds with other layouts never see each other's objects.
	layout = "v1"
	// headLabel has the head of a frame whose body stands alone.
	headLabel = "cutline"
	// maxHead bounds it in bytes: with its name and as base64 some 940 of the 2,048 that S3 has for all labels together.
	maxHead = 700
	// maxLabels bounds all labels, names included and escaped as they are sent.
	maxLabels = 2000
	// forever is what others are told who read a body: its name will never mean other bytes.
	forever = "public, max-age=31536000, immutable"
)

// name is the object of k: 256 folders per kind, as on disk.
func (s *Store) name(k cache.Key) string {
	sum := hex.EncodeToString(k.Sum[:])
	return s.prefix + "/" + layout + "/" + k.Kind.String() + "/" + sum[:2] + "/" + sum
}

// overwritten reports whether the last Put of k counts.
func overwritten(k cache.Key, o *cache.Object) bool {
	return k.Kind == cache.Pointer || k.Kind == cache.Rendition && len(o.Body) == 0
}

// A sealed object is one as the bucket keeps it: the frame as a whole, or the body alone and the head among its labels, where
// that has room. Then others can read the body too.
type sealed struct {
	content []byte
	options blob.WriterOptions
}

func (s *Store) seal(k cache.Key, o *cache.Object) sealed {
	head := cache.Head(k, o)
	_, _, framed := cache.CutHead(o.Body) // would be taken for a frame
	out := sealed{options: blob.WriterOptions{DisableContentTypeDetection: true, IfNotExist: !overwritten(k, o)}}
	if s.driver.framed || overwritten(k, o) || len(head) > maxHead || framed {
		out.content = append(head, o.Body...)
		out.options.ContentType = "application/octet-stream"
		return out
	}
	out.content = o.Body
	out.options.ContentType = "application/octet-stream"
	out.options.Metadata = map[string]string{headLabel: base64.RawURLEncoding.EncodeToString(head)}
	if o.Public != nil {
		if o.Public.ContentType != "" {
			out.options.ContentType = o.Public.ContentType
		}
		out.options.CacheControl = forever
		addLabels(out.options.Metadata, o.Public.Labels)
	}
	return out
}

// addLabels adds texts to labels, in the order of their names, each cut at a character where there is no room for all of it.
func addLabels(labels, texts map[string]string) {
	left := maxLabels
	for name, text := range labels {
		left -= len(name) + len(text)
	}
	names := slices.Sorted(func(yield func(string) bool) {
		for name, text := range texts {
			if text != "" && name != headLabel && !yield(name) {
				return
			}
		}
	})
	for i, name := range names {
		share := left/(len(names)-i) - len(name)
		if text := cutEscaped(texts[name], share); text != "" {
			labels[name] = text
			left -= len(name) + len(url.PathEscape(text))
		}
	}
}

// cutEscaped is the longest beginning of text that takes at most n bytes when it is escaped.
func cutEscaped(text string, n int) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	for len(url.PathEscape(text)) > max(n, 0) {
		_, last := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-last]
	}
	return text
}

// read reads and verifies the object of k, once.
func (s *Store) read(ctx context.Context, w *watch, k cache.Key) (*cache.Object, error) {
	name := s.name(k)
	r, err := s.bucket.NewReader(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	w.extend(s.o.Timeout)
	most := s.o.MaxBytes + cache.MaxHead
	if r.Size() > most {
		return nil, fmt.Errorf("%w: %d bytes", errTooLarge, r.Size())
	}
	var content bytes.Buffer
	if n := r.Size(); n > 0 {
		content.Grow(int(n) + bytes.MinRead) // at most MaxBytes
	}
	n, err := content.ReadFrom(io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return nil, err
	case n > most:
		return nil, fmt.Errorf("%w: more than %d bytes", errTooLarge, most)
	}
	if head, body, ok := cache.CutHead(content.Bytes()); ok {
		return cache.Unframe(k, head, body)
	}
	labels, ok := s.driver.labels(r)
	if !ok {
		attributes, err := s.bucket.Attributes(ctx, name)
		if err != nil {
			return nil, err
		}
		labels = attributes.Metadata
	}
	head, err := base64.RawURLEncoding.DecodeString(labels[headLabel])
	if err != nil {
		return nil, fmt.Errorf("%w: label %s: %w", cache.ErrDamaged, headLabel, err)
	}
	return cache.Unframe(k, head, content.Bytes())
}

// get reads k, and removes what is damaged.
func (s *Store) get(ctx context.Context, k cache.Key) (*cache.Object, error) {
	o, err := s.do(ctx, s.o.FirstByte, func(ctx context.Context, w *watch) (*cache.Object, error) { return s.read(ctx, w, k) })
	if errors.Is(err, cache.ErrDamaged) {
		s.corrupt.Add(1)
		// Twice the same: it is kept so. A pointer is left for the next Put to overwrite: between the look and a deletion
		// another machine may have put one that must not be lost, a tombstone.
		if k.Kind != cache.Pointer {
			if gone := s.remove(ctx, k); gone != nil {
				err = errors.Join(err, gone)
			}
		}
	}
	return o, err
}

func (s *Store) remove(ctx context.Context, k cache.Key) error {
	_, err := s.do(ctx, s.o.Timeout, func(ctx context.Context, _ *watch) (*cache.Object, error) {
		return nil, s.bucket.Delete(ctx, s.name(k))
	})
	if absent(err) {
		return nil
	}
	return err
}
