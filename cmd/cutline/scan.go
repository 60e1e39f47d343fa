package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dd8bf596/cutline/internal/catalog"
)

// scanVersion is the version of the scan document. Adding keys keeps it; removing one or changing what it means raises it.
const scanVersion = 1

// A scanDocument is what "scan --format json" prints.
type scanDocument struct {
	Version  int               `json:"version"`
	Images   []scanImage       `json:"images"`   // in the catalog's order
	Problems []catalog.Problem `json:"problems"` // what lint prints
	Summary  scanSummary       `json:"summary"`
}

// A scanImage is one entry of the catalog. The words stand as the author wrote them.
type scanImage struct {
	ID          string     `json:"id"`
	Source      string     `json:"source"`
	Cutline     string     `json:"cutline"`
	Credit      string     `json:"credit"`
	CreditURL   string     `json:"credit_url,omitempty"`
	Alt         string     `json:"alt"`
	Decorative  bool       `json:"decorative,omitempty"` // the author wrote an empty alternative text
	Creator     string     `json:"creator"`
	Copyright   string     `json:"copyright"`
	License     string     `json:"license"`
	Licensor    string     `json:"licensor,omitempty"`
	LicensorURL string     `json:"licensor_url,omitempty"`
	SourceType  string     `json:"source_type,omitempty"` // a URI of IPTC's vocabulary
	Focus       *scanFocus `json:"focus,omitempty"`
	Field       string     `json:"field"` // of the first post
	Posts       []string   `json:"posts"` // slash paths under the site root, sorted
}

// A scanFocus is a focal point in per cent from the left and the top.
type scanFocus struct {
	X uint8 `json:"x"`
	Y uint8 `json:"y"`
}

type scanSummary struct {
	Posts          int `json:"posts"`            // files with front matter, and posts in exports
	PostsWithImage int `json:"posts_with_image"` // those with a featured image
	Images         int `json:"images"`
	Problems       int `json:"problems"`
}

// scanFormats are the words of --format, in the order of the help.
var scanFormats = [...]string{"table", "json", "ndjson", "csv"}

func (p *program) scanCommand() *cobra.Command {
	var format, out string
	cmd := &cobra.Command{
		Use:     "scan [DIR]",
		GroupID: groupSite,
		Short:   "List the featured images of a site's posts with their words",
		Long: `Reads every post under DIR and prints its featured images. The network is not used.
DIR may also be an export of Ghost or WordPress, or an RSS, Atom or JSON feed.

Formats: a table for people; json, one document with images, problems and summary;
ndjson, one image per line; csv, one row per post and image, for spreadsheets: a cell
that a spreadsheet would take for a formula begins with an apostrophe.

Drafts, unpublished posts and posts of the future are left out, as serve leaves them
out; 'cutline lint' reads them too.

A post that cannot be read is a problem in the result and does not fail the scan
('cutline lint' does that): the exit code is 0 unless DIR itself cannot be read.`,
		Example: `  cutline scan
  cutline scan --format json testdata/site
  cutline scan --format csv -o pictures.csv
  cutline scan wordpress.xml         an export instead of a folder`,
		Args:              oneSite,
		ValidArgsFunction: siteCompletion,
		RunE: func(cmd *cobra.Command, args []string) error {
			write, err := scanWriter(format)
			if err != nil {
				return err
			}
			s, err := p.openSite(cmd, siteDir(args))
			if err != nil {
				return err
			}
			defer s.close()
			// What is read is kept until it is printed, so that Go's 100 would double the memory of a large site for nothing.
			defer debug.SetGCPercent(debug.SetGCPercent(scanGarbage))
			c, err := s.scan(cmd.Context(), publishedOnly)
			if err != nil {
				return err
			}
			doc := newScanDocument(c)
			if err := p.output(out, func(w io.Writer) error { return write(w, doc) }); err != nil {
				return err
			}
			p.sayScanned(doc, c)
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "table", "print as `FORMAT`: "+joinOr(scanFormats[:]))
	cmd.Flags().StringVarP(&out, "output", "o", "-", "write to `FILE`, replaced as a whole; - is standard output")
	settingFlags(cmd, "content")
	choice(cmd, "format", scanFormats[:]...)
	return cmd
}

// scanGarbage is by how much the heap may grow before it is collected, in percent: 100,000 posts take 160 MB instead of 210, and a sixth more of a processor.
const scanGarbage = 30

// scanWriter returns what writes a document in the format.
func scanWriter(format string) (func(io.Writer, *scanDocument) error, error) {
	switch format {
	case "table":
		return writeTable, nil
	case "json":
		return writeJSON, nil
	case "ndjson":
		return writeNDJSON, nil
	case "csv":
		return writeCSV, nil
	}
	return nil, &usageError{fmt.Errorf("--format: expected %s (got %q)", joinOr(scanFormats[:]), format)}
}

func newScanDocument(c *catalog.Catalog) *scanDocument {
	doc := &scanDocument{
		Version:  scanVersion,
		Images:   make([]scanImage, 0, len(c.Entries)),
		Problems: append([]catalog.Problem{}, findings(c)...), // [] rather than null
	}
	for _, e := range c.Entries {
		image := scanImage{
			ID: e.ID, Source: e.Source.String(),
			Cutline: e.Words.Cutline, Credit: e.Words.Credit, CreditURL: e.Words.CreditURL,
			Alt: e.Words.Alt, Decorative: e.Words.Decorative,
			Creator: e.Words.Creator, Copyright: e.Words.Copyright, License: e.Words.License,
			Licensor: e.Words.Licensor, LicensorURL: e.Words.LicensorURL, SourceType: e.Words.SourceType,
		}
		if e.Focus.Set {
			image.Focus = &scanFocus{X: e.Focus.X, Y: e.Focus.Y}
		}
		for i, post := range e.Posts {
			if i == 0 {
				image.Field = post.Field
			}
			image.Posts = append(image.Posts, post.Path)
		}
		doc.Images = append(doc.Images, image)
	}
	doc.Summary = scanSummary{c.Posts, c.PostsWithImage, len(doc.Images), len(doc.Problems)}
	return doc
}

// text is the point as a Spec has it, "30x70"; "" for none.
func (f *scanFocus) text() string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf("%dx%d", f.X, f.Y)
}

// writeJSON writes doc as json.Encoder would, indented, but an element at a time: the encoder would hold the document twice in memory.
func writeJSON(w io.Writer, doc *scanDocument) error {
	b := bufio.NewWriter(w)
	// What goes wrong with b, Flush returns.
	_, _ = fmt.Fprintf(b, "{\n  \"version\": %d,\n  \"images\": ", doc.Version)
	if err := writeJSONList(b, doc.Images); err != nil {
		return err
	}
	_, _ = b.WriteString(",\n  \"problems\": ")
	if err := writeJSONList(b, doc.Problems); err != nil {
		return err
	}
	_, _ = b.WriteString(",\n  \"summary\": ")
	if err := writeJSONValue(b, "  ", doc.Summary); err != nil {
		return err
	}
	_, _ = b.WriteString("\n}\n")
	return b.Flush()
}

func writeJSONList[T any](b *bufio.Writer, list []T) error {
	if len(list) == 0 {
		_, _ = b.WriteString("[]")
		return nil
	}
	before := "["
	for _, v := range list {
		_, _ = b.WriteString(before + "\n    ")
		if err := writeJSONValue(b, "    ", v); err != nil {
			return err
		}
		before = ","
	}
	_, _ = b.WriteString("\n  ]")
	return nil
}

// writeJSONValue writes v without a line's end; prefix is what its lines begin with, but for the first.
func writeJSONValue(b *bufio.Writer, prefix string, v any) error {
	var text bytes.Buffer
	e := newJSON(&text)
	e.SetIndent(prefix, "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, _ = b.Write(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
	return nil
}

func writeNDJSON(w io.Writer, doc *scanDocument) error {
	e := newJSON(w)
	for _, image := range doc.Images {
		if err := e.Encode(image); err != nil {
			return err
		}
	}
	return nil
}

// newJSON encodes for programs and eyes: "&" and "<" stay what they are, nothing here is put into HTML.
func newJSON(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

func writeCSV(w io.Writer, doc *scanDocument) error {
	c := csv.NewWriter(w)
	header := []string{"post", "source", "cutline", "credit", "credit_url", "alt", "decorative", "creator", "copyright", "license", "field", "id", "focus", "licensor", "licensor_url", "source_type"}
	if err := c.Write(header); err != nil {
		return err
	}
	for _, image := range doc.Images {
		for _, post := range image.Posts {
			row := []string{
				post, image.Source, image.Cutline, image.Credit, image.CreditURL, image.Alt, strconv.FormatBool(image.Decorative),
				image.Creator, image.Copyright, image.License, image.Field, image.ID, image.Focus.text(),
				image.Licensor, image.LicensorURL, image.SourceType,
			}
			for i := range row {
				row[i] = inert(row[i])
			}
			if err := c.Write(row); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

// inert puts an apostrophe before a cell that a spreadsheet would evaluate (OWASP, CSV Injection): posts are written by
// many hands, and the table is opened by the editor. Programs that want the words untouched take JSON.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// sayScanned sums a scan up on stderr.
func (p *program) sayScanned(doc *scanDocument, c *catalog.Catalog) {
	s := doc.Summary
	p.say("%s (%s layout), %s with a featured image, %s, %s",
		count(s.Posts, "post"), c.Layout, count(s.PostsWithImage, "post"), count(s.Images, "image"), count(s.Problems, "problem"))
	p.sayExports(c)
	if s.Images == 0 {
		p.sayProblems(doc.Problems)
	}
	switch {
	case s.Images == 0 && s.Problems >= max(s.Posts, 1): // they are reason enough
	case s.Posts == 0:
		p.say("No posts found: is this the site's root folder? --content names the folder or the export that has its posts. Drafts and posts of the future are left out.")
	case s.Images == 0:
		p.say("No featured images found: content.fields in %s names the front matter that holds them.", configName)
	case s.Problems > 0:
		p.say("Run 'cutline lint' to see the problems.")
	}
}

// sayExports says which files were taken for exports, and that nobody need have named them.
func (p *program) sayExports(c *catalog.Catalog) {
	if len(c.Exports) > 0 {
		p.say("The posts of %s were read.", printable(strings.Join(c.Exports, ", ")))
	}
}

// count is "1 post" or "2 posts".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
