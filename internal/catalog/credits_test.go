package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/caption"
)

func TestPeopleIn(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"Jane Doe", []string{"jane", "doe"}},
		{"Photo: Jane Doe / AP", []string{"jane", "doe", "ap"}},
		{"photo by JANE DOE for the Daily", []string{"jane", "doe", "daily"}},
		{"© 2024 Doe, Jane. All rights reserved.", []string{"doe", "jane"}},
		{"(c) 2019–2024 Jane Doe", []string{"jane", "doe"}},
		{"[Zoë Müller](https://zoe.test)/<em>Reuters</em>", []string{"zoe", "muller", "reuters"}},
		{"Aitzol Berasategi / CC BY-SA 4.0", []string{"aitzol", "berasategi"}},
		{"Foto: Jürgen von O’Neil", []string{"jurgen", "oneil"}},
		{"写真：山田太郎", []string{"写真", "山田太郎"}},
		{"Courtesy photo", []string{"courtesy", "photo"}},
		{"500px", []string{"500px"}},
		{"2024", []string{"2024"}},
		{" – ", nil},
		{"", nil},
	} {
		if got := peopleIn(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.text, []string(got), tt.want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"Jane Doe", "Jane Doe", true},
		{"Jane Doe", "AP / Doe, Jane", true},
		{"AP / Doe, Jane", "Jane Doe", false},
		{"J. Doe", "Jane Doe", true},
		{"Jane Doe", "J. Doe", true},
		{"J. Doe", "Ann Doe", false},
		{"AP", "Associated Press", true},
		{"Associated Press", "AP", true},
		{"Jane Doe / The Associated Press", "JANE DOE/AP", true},
		{"Agence France-Presse", "AFP", true},
		{"AFP", "Ann Frank", false},
		{"Jane", "Jane Doe", true},
		{"Ann", "Hanna", false},
		{"Bjorn Aas", "Björn Aas", true},
		{"", "Jane", false},
		{"Jane", "", false},
	} {
		if got := peopleIn(tt.a).within(peopleIn(tt.b)); got != tt.want {
			t.Errorf("%q within %q: got %t", tt.a, tt.b, got)
		}
	}
}

// TestAgreement compares a post's credit, creator and copyright with a file's.
func TestAgreement(t *testing.T) {
	type w = caption.Words
	for _, tt := range []struct {
		name string
		post w
		file w
		want []string // codes
	}{
		{"nothing said", w{}, w{}, nil},
		{"the post alone", w{Credit: "Jane Doe"}, w{}, nil},
		{"the same", w{Credit: "Jane Doe"}, w{Credit: "Jane Doe"}, nil},
		{"case and punctuation", w{Credit: "Jane Doe/Reuters"}, w{Credit: "JANE DOE - REUTERS"}, nil},
		{"phrase and markup", w{Credit: "Photo by [Jane Doe](https://j.test)"}, w{Credit: "Jane Doe"}, nil},
		{"agency first", w{Credit: "Reuters / Jane Doe"}, w{Credit: "Jane Doe/REUTERS"}, nil},
		{"credit and creator in one", w{Credit: "Jane Doe / Reuters"}, w{Creator: "Jane Doe", Credit: "REUTERS"}, nil},
		{"the photographer of two", w{Credit: "Jane Doe"}, w{Creator: "Jane Doe", Credit: "Getty Images"}, nil},
		{"one more agency", w{Credit: "Jane Doe / AFP"}, w{Creator: "Jane Doe", Credit: "Getty Images"}, nil},
		{"a licence behind the name", w{Credit: "Jane Doe / CC BY 4.0"}, w{Credit: "Jane Doe"}, nil},
		{"written together", w{Credit: "JaneDoe"}, w{Credit: "Jane Doe"}, nil},
		{"abbreviated", w{Credit: "J. Doe / AP"}, w{Creator: "Jane Doe", Credit: "Associated Press"}, nil},
		{"cut by IIM", w{Credit: "Jane Doe / Harbour Gazette of Lower Saxony"}, w{Credit: "Jane Doe / Harbour Gazette of Lo"}, nil},
		{"copyright only in the file", w{Credit: "Jane Doe"}, w{Copyright: "© 2024 Reuters"}, nil},
		{"owner who is credited", w{Credit: "Jane Doe / Reuters"}, w{Credit: "Bo Ek", Copyright: "Jane Doe, Reuters 2024"}, nil},
		{"year of the notice", w{Credit: "Jane Doe", Copyright: "© 2023 Jane Doe"}, w{Copyright: "Copyright 2024 Jane Doe, all rights reserved"}, nil},
		{"what cameras write", w{Credit: "Jane Doe"}, w{Creator: "unknown", Copyright: "All rights reserved"}, nil},
		{"what programs write, and no credit", w{}, w{Creator: "Picasa"}, nil},

		{"another photographer", w{Credit: "Ann Smith"}, w{Credit: "Jane Doe"}, []string{codeCreditConflict}},
		{"another creator", w{Credit: "Ann Smith"}, w{Creator: "Jane Doe"}, []string{codeCreditConflict}},
		{"another photographer of the house", w{Credit: "Ann Smith / AP"}, w{Credit: "Jane Doe / AP"}, []string{codeCreditConflict}},
		{"creators", w{Credit: "AP", Creator: "Ann Smith"}, w{Credit: "AP", Creator: "Jane Doe"}, []string{codeCreditConflict}},
		{"owners", w{Credit: "AP", Copyright: "© Ann Smith"}, w{Credit: "AP", Copyright: "© Jane Doe"}, []string{codeCreditConflict}},
		{"owners, of whom the post credits the other", w{Credit: "AP", Copyright: "© Ann"}, w{Credit: "AP", Copyright: "© AP"}, []string{codeCreditConflict}},
		{"creators, of whom the post credits the other", w{Credit: "Jane Doe", Creator: "Ann"}, w{Creator: "Jane Doe"}, []string{codeCreditConflict}},
		{"creator and credit of the file the other way round", w{Creator: "Jane Doe"}, w{Creator: "AP", Credit: "Jane Doe"}, []string{codeEmbeddedCredit}},
		{"all", w{Credit: "Ann Smith", Copyright: "© Ann Smith"}, w{Credit: "Jane Doe", Copyright: "© Jane Doe"}, []string{codeCreditConflict, codeCreditConflict}},

		{"no credit", w{}, w{Credit: "Jane Doe"}, []string{codeEmbeddedCredit}},
		{"no credit, a creator", w{}, w{Creator: "Jane Doe"}, []string{codeEmbeddedCredit}},
		{"credited in the cutline", w{Cutline: "The harbour. (Photo: Jane Doe/AP)"}, w{Creator: "Jane Doe", Credit: "AP"}, nil},
		{"somebody else in the cutline", w{Cutline: "The harbour. Photo: Ann"}, w{Creator: "Jane Doe"}, []string{codeEmbeddedCredit}},
		{"the house alone", w{Credit: "AP"}, w{Creator: "Jane Doe", Credit: "AP"}, []string{codeEmbeddedCredit}},
		{"the photographer in the cutline", w{Credit: "AP", Cutline: "Photo by Jane Doe"}, w{Creator: "Jane Doe", Credit: "AP"}, nil},
		{"the creator alone", w{Creator: "Jane Doe"}, w{Creator: "Jane Doe", Credit: "AP"}, []string{codeEmbeddedCredit}},
		{"the creator, who is the file's", w{Creator: "Jane Doe"}, w{Creator: "Jane Doe"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, found := range []caption.Found{{XMP: tt.file}, {IPTC: tt.file}, {EXIF: tt.file}} {
				e := &Entry{Words: tt.post}
				var got []string
				for _, p := range e.lintCredits(&Post{Path: "p.md", Line: 1}, found) {
					got = append(got, p.Code)
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
}

// TestCreditsAreBounded compares a megabyte of names with a long list of others.
func TestCreditsAreBounded(t *testing.T) {
	e := &Entry{Words: caption.Words{Credit: strings.Repeat("ab ", 1<<20/3), Copyright: strings.Repeat("cd ", 1<<20/3)}}
	found := caption.Found{XMP: caption.Words{Credit: strings.Repeat("xyz ", 500), Copyright: strings.Repeat("uvw ", 500)}}
	if got := e.lintCredits(&Post{}, found); len(got) != 2 || len(got[0].Message) > 1000 {
		t.Errorf("got %.2000v, want two short conflicts", got)
	}
	if got := len(peopleIn(e.Words.Credit)); got != maxPeople {
		t.Errorf("got %d names, want %d", got, maxPeople)
	}
}

// TestFilesContradictThemselves has two sets of words in one file: agreeing with one of them is enough.
func TestFilesContradictThemselves(t *testing.T) {
	e := &Entry{Words: caption.Words{Credit: "Jane Doe"}}
	found := caption.Found{XMP: caption.Words{Credit: "Ann Smith"}, EXIF: caption.Words{Creator: "Jane Doe"}}
	if got := e.lintCredits(&Post{}, found); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}
