package main

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
)

// logging is what is logged to standard error, and how. The zero value logs from info on, as text.
type logging struct {
	Level slog.Level
	JSON  bool
}

// String is parseLogging's inverse.
func (l logging) String() string {
	s := strings.ToLower(l.Level.String())
	if l.JSON {
		s += " " + logJSON
	}
	return s
}

// logJSON and logText are the formats.
const (
	logJSON = "json"
	logText = "text"
)

// logLevels are the words for levels, by rising severity.
var logLevels = [...]string{"debug", "info", "warn", "error"}

// logWords are what completion offers.
func logWords() []string {
	return append(slices.Clone(logLevels[:]), logJSON, "debug,json", "warn,json")
}

var errLogging = errors.New(`expected debug, info, warn or error, and text or json, or one of both, as in "debug json"`)

// parseLogging reads a level, a format, or both in any order, apart by a space or a comma.
func parseLogging(s string) (logging, error) {
	var l logging
	var level, format bool
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
	for _, word := range words {
		switch {
		case !format && (word == logJSON || word == logText):
			format, l.JSON = true, word == logJSON
		case !level && slices.Contains(logLevels[:], word):
			level = true
			if err := l.Level.UnmarshalText([]byte(word)); err != nil {
				return logging{}, errLogging
			}
		default:
			return logging{}, errLogging
		}
	}
	if len(words) == 0 {
		return logging{}, errLogging
	}
	return l, nil
}
