package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// A jsonReader reads JSON value by value.
type jsonReader struct {
	dec    *json.Decoder
	filter *jsonFilter
}

// line is the line of the token read last.
func (j *jsonReader) line() int { return j.filter.lines.at(j.dec.InputOffset()) }

// fail is err as Read returns it.
func (j *jsonReader) fail(err error) error {
	if err == nil {
		return nil
	}
	var limit limitError
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case errors.As(err, &limit):
		return &SyntaxError{Line: j.line(), Message: string(limit)}
	case isSyntax:
		return &SyntaxError{Line: j.filter.lines.at(max(syntax.Offset, j.dec.InputOffset())), Message: syntax.Error()}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &SyntaxError{Line: j.line(), Message: "the file ends within a value: it was cut off"}
	}
	return err
}

// object reads the next value where it is an object, and calls field for each of its keys, which reads the key's value.
// Other values are passed over.
func (j *jsonReader) object(field func(key string) error) error {
	token, err := j.dec.Token()
	if err != nil || token != json.Delim('{') {
		return errors.Join(err, j.rest(token))
	}
	for j.dec.More() {
		key, err := j.dec.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string) // the decoder gives nothing else here
		if err := field(name); err != nil {
			return err
		}
	}
	return j.end()
}

// list reads the next value where it is an array, and calls element before each of its elements, which reads it. Other
// values are passed over.
func (j *jsonReader) list(element func() error) error {
	token, err := j.dec.Token()
	if err != nil || token != json.Delim('[') {
		return errors.Join(err, j.rest(token))
	}
	for j.dec.More() {
		if err := element(); err != nil {
			return err
		}
	}
	return j.end()
}

// end reads the bracket that closes an object or array: More is false at the end of the file too.
func (j *jsonReader) end() error {
	_, err := j.dec.Token()
	return err
}

// text reads the next value: a string, or a number or boolean as it is written; "" for null and what is passed over.
func (j *jsonReader) text() (string, error) {
	token, err := j.dec.Token()
	if err != nil {
		return "", err
	}
	switch v := token.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		if v {
			return "true", nil
		}
		return "false", nil
	}
	return "", j.rest(token)
}

// skip passes over the next value.
func (j *jsonReader) skip() error {
	token, err := j.dec.Token()
	return errors.Join(err, j.rest(token))
}

// rest passes over what token begins.
func (j *jsonReader) rest(token json.Token) error {
	if token != json.Delim('{') && token != json.Delim('[') {
		return nil
	}
	for depth := 1; depth > 0; {
		token, err := j.dec.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}

// versionURL begins the version of every JSON Feed.
const versionURL = "jsonfeed.org/version/"

// detect tells the format by the keys of the first object, which may be cut off.
func (j *jsonReader) detect(head []byte) Format {
	var format Format
	found := errors.New("found")
	is := func(f Format) error {
		format = f
		return found
	}
	items, meta := false, false
	// The error is that the head is cut off, or found.
	_ = j.object(func(key string) error {
		switch key {
		case "version":
			if text, err := j.text(); err != nil || strings.Contains(text, versionURL) {
				return errors.Join(err, is(JSONFeed))
			}
			return nil
		case "db", "posts":
			if token, err := j.dec.Token(); err != nil || token != json.Delim('[') {
				return errors.Join(err, j.rest(token))
			}
			return is(Ghost)
		case "meta":
			return j.object(func(key string) error {
				meta = meta || key == "exported_on"
				return j.skip()
			})
		case "data":
			return j.object(func(key string) error {
				if meta || key == "posts" {
					return is(Ghost)
				}
				return j.skip()
			})
		case "items":
			items = true
		}
		return j.skip()
	})
	if format == "" && items && bytes.Contains(head, []byte(versionURL)) {
		return JSONFeed
	}
	return format
}
