package prefetch

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/transform"
)

// revision must grow when this package, or markup, writes other rows of the same pictures and words.
const revision = "1"

// A recipe is everything that decides what is made of an original: 32 hexadecimal digits. While it and the original are the
// same, so is the picture's row in the manifest.
type recipe struct{ common [32]byte }

// newRecipe is what the pictures of a run have in common.
func newRecipe(o *Options) recipe {
	texts := []string{
		revision, caption.Rev, caption.ReadRev, o.Template.String(), o.URL, o.OutputPath, strconv.Itoa(o.Choice.MaxOutput), fmt.Sprint(o.Choice.Widths),
	}
	for _, name := range o.Choice.PresetNames() {
		texts = append(texts, name, o.Choice.Presets[name].String())
	}
	for _, f := range o.Choice.Formats {
		texts = append(texts, f.Ext(), o.Rev(f), strconv.Itoa(o.Quality[f]))
	}
	for _, f := range []transform.Format{transform.PNG, transform.WebP} { // of placeholders
		texts = append(texts, o.Rev(f))
	}
	return recipe{hashOf(texts...)}
}

// of is the recipe of one picture.
func (r recipe) of(e *catalog.Entry) string {
	words, err := json.Marshal(e.Words)
	if err != nil { // of a struct of texts, which always have JSON
		panic(err)
	}
	sum := hashOf(string(r.common[:]), e.ID, e.Source.String(), string(words), fmt.Sprint(e.Focus))
	return hex.EncodeToString(sum[:16])
}

// hashOf hashes texts, each preceded by its length, so that no two lists give the same bytes.
func hashOf(texts ...string) [32]byte {
	var b []byte
	for _, text := range texts {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return sha256.Sum256(b)
}
