package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Errors of Decode.
var (
	ErrForeign = errors.New("no manifest of cutline's, or changed by hand") // not the document's shape
	ErrNewer   = errors.New("written by a newer cutline")                   // of a version that is not known
)

// A Syntax is how a document is written.
type Syntax uint8

// The syntaxes.
const (
	JSON Syntax = iota
	YAML
)

// SyntaxOf tells the syntax by a file's extension.
func SyntaxOf(name string) (Syntax, error) {
	switch strings.ToLower(path.Ext(name)) {
	case ".json":
		return JSON, nil
	case ".yaml", ".yml":
		return YAML, nil
	}
	return 0, fmt.Errorf("expected a name that ends in .json, .yaml or .yml (got %q)", name)
}

// Ext is the extension of files of that syntax, with its dot.
func (s Syntax) Ext() string {
	if s == YAML {
		return ".yaml"
	}
	return ".json"
}

// document is a Manifest with what says what it is.
type document struct {
	Schema  string `json:"$schema"`
	Version int    `json:"version"`
	Manifest
}

// Encode writes m. All keys are sorted, and what is equal gives the same bytes.
func Encode(m *Manifest, s Syntax) ([]byte, error) {
	d := document{Schema: SchemaURL, Version: Version, Manifest: *m}
	if d.Images == nil {
		d.Images = map[string]*Image{}
	}
	if d.Pages == nil {
		d.Pages = map[string]Page{}
	}
	text, err := marshal(d, "")
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	tree, err := parse(text) // maps, whose keys are written in order
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	if s == JSON {
		return marshal(tree, "  ")
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(yamlNode(tree)); err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return out.Bytes(), nil
}

// marshal is JSON without HTML's escapes, which would make every figure unreadable in a diff.
func marshal(v any, indent string) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(v)
	return out.Bytes(), err
}

// parse reads one JSON value, numbers as they stand.
func parse(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the document")
		}
	}
	return v, err
}

// yamlNode is v for YAML: the same keys in the same order, texts as texts whatever they look like.
func yamlNode(v any) *yaml.Node {
	switch v := v.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, yamlText(key), yamlNode(v[key]))
		}
		return n
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, each := range v {
			n.Content = append(n.Content, yamlNode(each))
		}
		return n
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(v.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: v.String()}
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v)}
	case string:
		return yamlText(v)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
}

// yamlText is a text that no reader takes for anything else: in double quotes, whatever it holds.
func yamlText(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: yaml.DoubleQuotedStyle}
}

// Decode reads what Encode wrote. It returns ErrNewer for a version that it does not know, and ErrForeign for what is not the document,
// down to unknown keys: rather than to forget what it does not understand when it writes the document again.
func Decode(text []byte, s Syntax) (*Manifest, error) {
	if s == YAML {
		var err error
		if text, err = fromYAML(text); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrForeign, err)
		}
	}
	var version struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForeign, place(text, err))
	}
	switch v := version.Version; {
	case v == nil:
		return nil, fmt.Errorf("%w: expected version %d (got none)", ErrForeign, Version)
	case *v > Version:
		return nil, fmt.Errorf("%w: expected version %d (got %d)", ErrNewer, Version, *v)
	case *v != Version:
		return nil, fmt.Errorf("%w: expected version %d (got %d)", ErrForeign, Version, *v)
	}
	var d document
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForeign, place(text, err))
	}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	for _, i := range d.Images {
		if err := i.settle(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrForeign, err)
		}
	}
	return &d.Manifest, nil
}

// settle gives i's JSON-LD the spelling that Seal has seen, whatever indentation it came in.
func (i *Image) settle() (err error) {
	i.JSONLD, err = plainJSON(i.JSONLD)
	return err
}

// plainJSON is a JSON value with sorted keys, without blanks and HTML's escapes.
func plainJSON(text []byte) (json.RawMessage, error) {
	tree, err := parse(text)
	if err != nil {
		return nil, err
	}
	out, err := marshal(tree, "")
	return bytes.TrimSpace(out), err
}

// place adds the line to an error of the JSON parser.
func place(text []byte, err error) error {
	offset := int64(0)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	} else if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = kind.Offset
	}
	if offset <= 0 || offset > int64(len(text)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(text[:offset], []byte("\n")), err)
}

// fromYAML is a YAML document as JSON.
func fromYAML(text []byte) ([]byte, error) {
	var v map[string]any // a mapping that has another key than a text is an error
	if err := yaml.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	out, err := marshal(v, "")
	if err != nil {
		return nil, fmt.Errorf("expected what JSON has too: %w", err)
	}
	return out, nil
}
