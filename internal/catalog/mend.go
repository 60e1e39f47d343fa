package catalog

import (
	"bytes"
	"fmt"
	"os"
	"path"

	"github.com/dd8bf596/cutline/internal/catalog/frontmatter"
)

// ErrLeft says that a post was not mended, with the reason.
var ErrLeft = frontmatter.ErrLeft

// A Mender writes what Problem.Fix says into posts. It reads and writes no file, and is safe for concurrent use.
type Mender struct{ s *scanner }

// NewMender makes one for a site that Scan scans with the same options, whose errors it has.
func NewMender(root *os.Root, o Options) (*Mender, error) {
	s, err := newScanner(root, o)
	if err != nil {
		return nil, fmt.Errorf("mend: %w", err)
	}
	return &Mender{s: s}, nil
}

// Mend returns a post, whose path under the site root is file, with p.Fix in place of its featured image's address, which must
// be p.Value still. Nothing else in the post changes, neither a byte outside the value nor what any other key says (ADR 30);
// where that cannot be had, the error is ErrLeft with the reason, or one of frontmatter's.
func (m *Mender) Mend(file string, post []byte, p Problem) ([]byte, error) {
	image := func(doc *frontmatter.Document) (hit, bool) {
		f := finder{s: m.s, root: doc.Root, dir: path.Dir(file)}
		return f.find()
	}
	reader := m.s.reader()
	other := false
	mended, err := reader.Replace(post, func(doc *frontmatter.Document) *frontmatter.Node {
		h, ok := image(doc)
		if other = !ok || h.raw != p.Value; other || h.file != "" {
			return nil
		}
		return h.node
	}, p.Fix)
	switch {
	case other:
		return nil, fmt.Errorf("%w: its featured image is another one by now", ErrLeft)
	case err != nil:
		return nil, err
	}
	doc, err := reader.Read(bytes.NewReader(mended))
	if err != nil {
		return nil, err
	}
	if h, ok := image(doc); !ok || h.raw != p.Fix {
		return nil, fmt.Errorf("%w: it would not be the featured image any more", ErrLeft)
	}
	return mended, nil
}
