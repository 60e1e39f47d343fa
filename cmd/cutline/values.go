package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"
)

// A value is one field of a config in its text form.
type value interface {
	// kind is the shape in YAML: a scalar, a sequence or a mapping.
	kind() yaml.Kind
	// read sets the field from n. A mistake goes to report, with the node that it is in and its place below the key ("",
	// "[2]", ".hero"); the field is then unspecified. Aliases are followed, never recursively: each value has a fixed
	// depth.
	read(n *yaml.Node, report reportFunc)
	// show is the inverse of read.
	show() *yaml.Node
}

// reportFunc takes one mistake: what is wrong at n, without what was met there.
type reportFunc func(n *yaml.Node, below, what string)

// shower makes the node of one scalar.
type shower[T any] func(T) *yaml.Node

// text shows a string; the encoder quotes it where YAML would read another type.
func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// number shows what YAML reads as a number, or as a plain word such as 64MiB.
func number[T any](format func(T) string) shower[T] {
	return func(v T) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: format(v)} }
}

// follow returns what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

type scalarValue[T any] struct {
	at     *T
	parse  func(string) (T, error)
	format shower[T]
}

// scalar is a value of one word; parse's error says what was expected.
func scalar[T any](at *T, parse func(string) (T, error), format shower[T]) value {
	return &scalarValue[T]{at, parse, format}
}

func (v *scalarValue[T]) kind() yaml.Kind  { return yaml.ScalarNode }
func (v *scalarValue[T]) show() *yaml.Node { return v.format(*v.at) }

func (v *scalarValue[T]) read(n *yaml.Node, report reportFunc) {
	n = follow(n)
	if n.Kind != yaml.ScalarNode {
		report(n, "", "expected one value")
		return
	}
	// Text decides, not the type that YAML would give it: "8080", 8080 and 0x1F90 are what was written.
	parsed, err := v.parse(n.Value)
	if err != nil {
		report(n, "", err.Error())
		return
	}
	*v.at = parsed
}

// masked stands for a secret. It is too short to be taken for one when it is read back.
const masked = "***"

// hiding is report without what stands at a node.
func hiding(report reportFunc) reportFunc {
	return func(n *yaml.Node, below, what string) {
		hidden := *n
		if hidden.Kind == yaml.ScalarNode {
			hidden = *text(masked)
			hidden.Line = n.Line
		}
		report(&hidden, below, what)
	}
}

type listValue[T any] struct {
	at     *[]T
	parse  func(string) (T, error)
	format shower[T]
}

// list is a sequence of words. What is read replaces what was there.
func list[T any](at *[]T, parse func(string) (T, error), format shower[T]) *listValue[T] {
	return &listValue[T]{at, parse, format}
}

func (v *listValue[T]) kind() yaml.Kind { return yaml.SequenceNode }

func (v *listValue[T]) show() *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, element := range *v.at {
		n.Content = append(n.Content, v.format(element))
	}
	return n
}

func (v *listValue[T]) read(n *yaml.Node, report reportFunc) {
	n = follow(n)
	if n.Kind != yaml.SequenceNode {
		report(n, "", "expected a list such as [a, b]")
		return
	}
	elements := make([]T, len(n.Content))
	for i, c := range n.Content {
		scalar(&elements[i], v.parse, v.format).read(c, func(n *yaml.Node, _, what string) {
			report(n, "["+strconv.Itoa(i)+"]", what)
		})
	}
	*v.at = elements
}

type uniqueValue[T comparable] struct{ *listValue[T] }

// unique is a list that names at least one thing, and nothing twice.
func unique[T comparable](v *listValue[T]) uniqueValue[T] { return uniqueValue[T]{v} }

func (v uniqueValue[T]) read(n *yaml.Node, report reportFunc) {
	n = follow(n)
	failed := false
	v.listValue.read(n, func(n *yaml.Node, below, what string) {
		failed = true
		report(n, below, what)
	})
	if failed {
		return
	}
	if len(*v.at) == 0 {
		report(n, "", "expected at least one")
	}
	for i, element := range *v.at {
		if slices.Contains((*v.at)[:i], element) {
			report(n.Content[i], "["+strconv.Itoa(i)+"]", "stands twice")
		}
	}
}

type ladderValue struct{ uniqueValue[int] }

// ladder is a list of pixel widths in any order, kept ascending.
func ladder(at *[]int) value {
	return ladderValue{unique(list(at, intBetween(1, maxSide), number(strconv.Itoa)))}
}

func (v ladderValue) read(n *yaml.Node, report reportFunc) {
	v.uniqueValue.read(n, report)
	slices.Sort(*v.at)
}

type mapValue[T any] struct {
	at      *map[string]T
	name    func(string) error
	element func(*T) value
}

// mapping is named values. What is read is added to what was there, or replaces it by name.
func mapping[T any](at *map[string]T, name func(string) error, element func(*T) value) value {
	return &mapValue[T]{at, name, element}
}

func (v *mapValue[T]) kind() yaml.Kind { return yaml.MappingNode }

func (v *mapValue[T]) show() *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	if len(*v.at) == 0 {
		n.Style = yaml.FlowStyle
	}
	for _, name := range sortedKeys(*v.at) {
		element := (*v.at)[name]
		n.Content = append(n.Content, text(name), v.element(&element).show())
	}
	return n
}

func (v *mapValue[T]) read(n *yaml.Node, report reportFunc) {
	n = follow(n)
	if n.Kind != yaml.MappingNode {
		report(n, "", "expected names with values such as name: value")
		return
	}
	merged := make(map[string]T, len(*v.at)+len(n.Content)/2)
	maps.Copy(merged, *v.at)
	for key, child := range pairs(n) {
		if err := v.name(key.Value); err != nil {
			report(key, "", err.Error())
			continue
		}
		var element T
		v.element(&element).read(child, func(n *yaml.Node, below, what string) {
			report(n, "."+key.Value+below, what)
		})
		merged[key.Value] = element
	}
	*v.at = merged
}

// gotText is what stands at n, short enough for a message; words that could be misread are quoted.
func gotText(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "names with values"
	case n.ShortTag() == "!!null" && n.Style == 0:
		return "nothing"
	}
	got := []rune(n.Value)
	if len(got) > 60 {
		got = append(got[:60], '…')
	}
	if n.ShortTag() == "!!int" {
		return string(got)
	}
	return fmt.Sprintf("%q", string(got))
}
