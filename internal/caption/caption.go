// Package caption holds the words that belong to a picture and turns them into plain text.
//
// It knows nothing of posts, headers or pixels: catalog fills Words in, the HTTP edge and the file formats use them.
package caption

// Words are the editorial words of one picture, as the author wrote them: trimmed, white space folded, in UTF-8. Cutline,
// Credit and Copyright may hold Markdown or HTML; Plain turns them into text. An empty field means that nothing was said.
//
// Words is comparable; equal Words are the same words.
type Words struct {
	Cutline   string // who, what, where: the caption under the picture
	Credit    string // who took or owns it, as it is to be printed
	CreditURL string // where the credit links to; "" or an absolute URL
	Alt       string // what one sees, for who cannot; plain text
	Creator   string // the photographer, where named apart from the credit
	Copyright string // the copyright notice
	License   string // the licence's URL, or its name
	// Decorative says that the author wrote an empty alternative text, which HTML reads as "skip this picture". It is
	// never set together with Alt: an author who wrote nothing at all leaves both at zero.
	Decorative bool
}
