package caption

import "github.com/rivo/uniseg"

// Cut returns the longest beginning of text that takes at most most bytes, cut between grapheme clusters (UAX #29): never within
// a letter and its accent, a flag or a family of emoji. Blanks before the cut stay.
func Cut(text string, most int) string {
	return CutFunc(text, most, func(s string) int { return len(s) })
}

// CutFunc is Cut where a cluster takes size of it.
func CutFunc(text string, most int, size func(cluster string) int) string {
	end, state := 0, -1
	for rest := text; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if most -= size(cluster); most < 0 {
			break
		}
		end += len(cluster)
	}
	return text[:end]
}

// Cut returns w as plain text with every word cut to at most most bytes. URLs, which are of no use cut, are left out where they
// are longer.
func (w Words) Cut(most int) Words {
	w = w.Plain()
	for _, field := range w.texts() {
		if len(*field) > most {
			*field = Cut(*field, most)
		}
	}
	for _, field := range w.links() {
		if len(*field) > most {
			*field = ""
		}
	}
	// Text was taken out of its markup and has to be put back.
	return w.escaped()
}

// texts are the fields that hold text.
func (w *Words) texts() []*string {
	out := []*string{&w.Cutline, &w.Credit, &w.Alt, &w.Creator, &w.Copyright, &w.Licensor}
	if WebURL(w.License) == "" {
		out = append(out, &w.License)
	}
	return out
}

// links are the fields that hold URLs.
func (w *Words) links() []*string {
	out := []*string{&w.CreditURL, &w.LicensorURL, &w.SourceType}
	if WebURL(w.License) != "" {
		out = append(out, &w.License)
	}
	return out
}
