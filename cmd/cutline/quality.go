package main

import (
	"errors"
	"maps"
	"strconv"

	"gopkg.in/yaml.v3"

	"github.com/dd8bf596/cutline/internal/transform"
)

// qualityAuto has the engine search the quality of each picture.
const qualityAuto = "auto"

// A qualityValue is the quality of lossy formats: one word for all, "auto" or a number, or one for each that is named.
// Formats that are not in the map, or are 0 in it, are auto.
type qualityValue struct{ at *map[transform.Format]int }

// kind is that of the form that fits into a variable.
func (v qualityValue) kind() yaml.Kind { return yaml.ScalarNode }

func (v qualityValue) show() *yaml.Node {
	word := number(func(q int) string {
		if q == 0 {
			return qualityAuto
		}
		return strconv.Itoa(q)
	})
	each := &yaml.Node{Kind: yaml.MappingNode}
	same := true
	for _, f := range lossy() {
		each.Content = append(each.Content, text(f.Ext()), word((*v.at)[f]))
		same = same && (*v.at)[f] == (*v.at)[lossy()[0]]
	}
	if same {
		return word((*v.at)[lossy()[0]])
	}
	return each
}

func (v qualityValue) read(n *yaml.Node, report reportFunc) {
	n = follow(n)
	q := map[transform.Format]int{}
	switch n.Kind {
	case yaml.MappingNode:
		v.readEach(n, q, report)
	case yaml.ScalarNode:
		of, err := parseQuality(n.Value)
		if err != nil {
			report(n, "", err.Error()+byFormat)
			return
		}
		for _, f := range lossy() {
			q[f] = of
		}
	default:
		report(n, "", errQuality.Error()+byFormat)
		return
	}
	maps.DeleteFunc(q, func(_ transform.Format, q int) bool { return q == 0 })
	*v.at = q
}

func (v qualityValue) readEach(n *yaml.Node, q map[transform.Format]int, report reportFunc) {
	for key, child := range pairs(n) {
		f, err := transform.ParseFormat(key.Value)
		_, twice := q[f]
		switch {
		case err != nil || !f.Lossy():
			report(key, "", "expected "+joinOr(extensions(lossy())))
			continue
		case twice:
			report(key, "", f.Ext()+" stands twice")
			continue
		}
		var of int
		scalar(&of, parseQuality, number(strconv.Itoa)).read(child, func(n *yaml.Node, _, what string) {
			report(n, "."+key.Value, what)
		})
		q[f] = of
	}
}

// errQuality is what parseQuality expects; byFormat is what may stand in its place.
var errQuality = errors.New("expected auto or a whole number from 1 to 100")

const byFormat = ", or one of them by format such as {jpg: 82, webp: auto}"

func parseQuality(s string) (int, error) {
	if s == qualityAuto {
		return 0, nil
	}
	q, err := intBetween(1, 100)(s)
	if err != nil {
		return 0, errQuality
	}
	return q, nil
}

// lossy are the formats that have a quality.
func lossy() []transform.Format {
	var out []transform.Format
	for _, f := range transform.Formats() {
		if f.Lossy() {
			out = append(out, f)
		}
	}
	return out
}
