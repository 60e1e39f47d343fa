package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// A Kind is what a message is about.
type Kind string

// The kinds. The first three are of sources.
const (
	Forget   Kind = "forget"
	Withdraw Kind = "withdraw"
	Restore  Kind = "restore"
	Rescan   Kind = "rescan" // the posts changed
	// doubt says that its sender had more to say than it could keep: what is known of sources may be out of date.
	doubt Kind = "doubt"
)

// A Message is what one node tells all.
type Message struct {
	At      Position
	Kind    Kind
	Sources []string
	Own     bool // this run of this node sent it
	// Learn is set of what an earlier run has applied, and of what was said while nothing of this node's own had to be changed,
	// because all of it is in doubt: it has to be known.
	Learn bool

	id string
}

// The bounds of a message. A purge of more sources is more messages.
const (
	maxSources      = 256
	maxSource       = 8 << 10   // bytes; longer ones no address has room for
	maxMessage      = 256 << 10 // bytes, of which JSON's escapes may be the most
	messageVersion  = 1
	messageField    = "m"
	beginningField  = "epoch" // of the first entry of a stream
	maxSourcesBytes = 64 << 10
)

// wire is a message as it is sent.
type wire struct {
	Version int      `json:"v"`
	ID      string   `json:"id"`   // of the message; sent twice, it is the same
	From    string   `json:"from"` // the name of a node's run
	Kind    Kind     `json:"do"`
	Sources []string `json:"sources,omitempty"`
}

// errMessage says that something is no message of this version. Nothing else is told of it: it may be anything.
var errMessage = errors.New("not a message")

// parseMessage reads a message strictly: what is not understood whole is not obeyed by half.
func parseMessage(text string) (wire, error) {
	if len(text) > maxMessage {
		return wire{}, fmt.Errorf("%w: %d bytes", errMessage, len(text))
	}
	var w wire
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return wire{}, fmt.Errorf("%w: %w", errMessage, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return wire{}, fmt.Errorf("%w: more than one value", errMessage)
	}
	return w, w.check()
}

// check reports what is wrong with w.
func (w *wire) check() error {
	if w.Version != messageVersion || len(w.ID) != 16 || len(w.From) != 16 {
		return fmt.Errorf("%w of version %d", errMessage, messageVersion)
	}
	switch w.Kind {
	case Forget, Withdraw, Restore:
		if len(w.Sources) == 0 || len(w.Sources) > maxSources {
			return fmt.Errorf("%w: %d sources: expected 1 to %d", errMessage, len(w.Sources), maxSources)
		}
	case Rescan, doubt:
		if len(w.Sources) > 0 {
			return fmt.Errorf("%w: %s has no sources", errMessage, w.Kind)
		}
	default:
		return fmt.Errorf("%w: of an unknown kind", errMessage)
	}
	for _, s := range w.Sources {
		if s == "" || len(s) > maxSource || !utf8.ValidString(s) {
			return fmt.Errorf("%w: a source of %d bytes", errMessage, len(s))
		}
	}
	return nil
}

// text is parseMessage's inverse.
func (w *wire) text() (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(w); err != nil {
		return "", err
	}
	return b.String(), nil
}

// split makes messages of any number of sources.
func split(from string, kind Kind, sources []string) []*wire {
	message := func(sources []string) *wire {
		return &wire{Version: messageVersion, ID: random(), From: from, Kind: kind, Sources: sources}
	}
	if len(sources) == 0 {
		return []*wire{message(nil)}
	}
	var all []*wire
	for len(sources) > 0 {
		n, size := 0, 0
		for n < len(sources) && n < maxSources && (n == 0 || size+len(sources[n]) <= maxSourcesBytes) {
			size += len(sources[n])
			n++
		}
		all = append(all, message(sources[:n:n]))
		sources = sources[n:]
	}
	return all
}
