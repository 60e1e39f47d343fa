package source

// Unwrap looks for the picture's own URL inside the URL of a search engine's or CDN's image proxy, up to four deep.
// It returns the innermost URL and the wrapper's name as people know it ("DuckDuckGo"). ok is false when s is no
// wrapper, or an opaque one whose inner URL cannot be read off (see Opaque).
//
// The inner host is the author's choice, not the wrapper's: callers check it as they check any source.
func (s Source) Unwrap() (inner Source, wrapper string, ok bool) {
	return Source{}, "", false
}

// Page reports whether s is known to be a web page about a picture rather than the picture ("unsplash.com/photos/ID"),
// and says what to use instead.
func (s Source) Page() (hint string, ok bool) {
	return "", false
}

// Opaque reports whether s is a search engine's thumbnail that hides the picture's own URL and expires.
func (s Source) Opaque() (wrapper string, ok bool) {
	return "", false
}
