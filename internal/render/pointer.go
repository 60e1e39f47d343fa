package render

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A pointer says which original a source stands for, and until when that may be taken for granted. It is the only thing
// in the cache that expires and the only one that is overwritten.
type pointer struct {
	Current  *version        `json:"current,omitempty"`  // nil when no original was ever had
	Last     *version        `json:"last,omitempty"`     // what Current replaced, to fall back on when Current turns out damaged
	Expires  time.Time       `json:"expires,omitzero"`   // of Current's freshness
	Asked    time.Time       `json:"asked,omitzero"`     // when the origin last delivered, or said that nothing changed
	Failure  *failure        `json:"failure,omitempty"`  // of the latest attempt; nil when it succeeded
	Said     fetch.Freshness `json:"said,omitzero"`      // what the origin said with the latest answer
	Loose    bool            `json:"loose,omitempty"`    // Current is kept among what can be made again, because no post shows it
	Replaced *replacement    `json:"replaced,omitempty"` // the latest change of the original behind the same address
	Damaged  *damage         `json:"damaged,omitempty"`  // an original that could not be decoded, so that it is not adopted at once
	// Withdrawn is set where a purge took the source down; nothing else is then, but for Seen and Own.
	Withdrawn *withdrawal `json:"withdrawn,omitempty"`
	// Seen is a position such that this was found out after all purges of the source up to it; Own says the same of purges that the
	// other nodes had not been told of.
	Seen Position `json:"seen,omitzero"`
	Own  *own     `json:"own,omitempty"`

	asked    bool // the origin was, or all others were, after the doubt came up
	doubtful bool // it may be out of date, or was, and what is shared may know better
}

// A withdrawal is a tombstone. It is a pointer, the kind that stores give up last.
type withdrawal struct {
	At time.Time `json:"at"`
}

// A version is one state of an original.
type version struct {
	Sum        sum              `json:"sum"`
	Bytes      int64            `json:"bytes"`
	Info       transform.Info   `json:"info"`
	Found      caption.Found    `json:"found,omitzero"`
	Read       string           `json:"read,omitempty"` // caption.ReadRev of what found Found
	Modified   time.Time        `json:"modified"`       // the origin's word, else when it was fetched
	Validators fetch.Validators `json:"validators"`
}

// A damage is remembered so that the same bytes are not decoded in vain whenever the origin is asked. It heals: another
// release, or other limits, may well decode them.
type damage struct {
	Sum   sum       `json:"sum"`
	Class Class     `json:"class"`
	Until time.Time `json:"until"`
}

// damageKept is the error contract's figure for the same bytes having failed twice.
const damageKept = 5 * time.Minute

func (d *damage) covers(s sum, now time.Time) bool {
	return d != nil && d.Sum == s && now.Before(d.Until) && d.Until.Sub(now) <= damageKept
}

// A failure is remembered so that a broken source is not tried again for every reader.
type failure struct {
	Class   Class     `json:"class"`
	Since   time.Time `json:"since,omitzero"` // of the first failure after the last success
	RetryAt time.Time `json:"retry_at"`
}

// A replacement is an original that an origin put in place of another. It is Current, unless that is pinned.
type replacement struct {
	Sum        sum              `json:"sum"`
	At         time.Time        `json:"at"` // when it was seen first
	Validators fetch.Validators `json:"validators,omitzero"`
}

// prior are the validators of what the origin had last: of the replacement, where the original that it replaced is pinned.
func (p pointer) prior(pinned bool) fetch.Validators {
	switch {
	case p.Current == nil:
		return fetch.Validators{}
	case pinned && p.Replaced != nil && p.Replaced.Sum != p.Current.Sum:
		return p.Replaced.Validators
	}
	return p.Current.Validators
}

// replacedBy is p when v turned out to be in its original's place.
func (p pointer) replacedBy(v *version, now time.Time) *replacement {
	at := now.UTC().Truncate(time.Second)
	if p.Replaced != nil && p.Replaced.Sum == v.Sum {
		at = p.Replaced.At
	}
	return &replacement{Sum: v.Sum, At: at, Validators: v.Validators}
}

// A sum is a SHA-256, in hex as text.
type sum [32]byte

func (s sum) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

func (s *sum) UnmarshalText(text []byte) error {
	if len(text) != 2*len(s) {
		return fmt.Errorf("sum of %d characters: expected %d", len(text), 2*len(s))
	}
	_, err := hex.Decode(s[:], text)
	return err
}

func (s sum) key() cache.Key { return cache.Key{Kind: cache.Original, Sum: s} }

// looseKey is where an original is kept that no post shows: among renditions, which a full store gives up before any original.
// No rendition has it: their keys are hashes of three other fields.
func (s sum) looseKey() cache.Key { return cache.NewKey(cache.Rendition, "original", string(s[:])) }

func pointerKey(src source.Source) cache.Key { return cache.NewKey(cache.Pointer, src.String()) }

// fresh reports whether p needs no look at the origin. An expiry further away than any that is ever given means that the
// clock was set back; trusting it would keep the pointer for ever.
func (p pointer) fresh(now time.Time, most time.Duration) bool {
	return p.Current != nil && now.Before(p.Expires) && p.Expires.Sub(now) <= most
}

// resting reports whether the latest attempt failed so recently that the next one has to wait.
func (p pointer) resting(now time.Time) bool { return p.Failure != nil && p.Failure.resting(now) }

func (f failure) resting(now time.Time) bool {
	return now.Before(f.RetryAt) && f.RetryAt.Sub(now) <= maxPause
}

// maxPause bounds every pause after a failure: what fetch lets an origin ask for, and the longest of Error.pause.
const maxPause = 5 * time.Minute

// failed is p after an attempt that ended in e: what was had stays.
func (p pointer) failed(e *Error, now time.Time) pointer {
	since := now.UTC().Truncate(time.Second)
	if p.Failure != nil && !p.Failure.Since.IsZero() {
		since = p.Failure.Since
	}
	p.Failure = &failure{Class: e.Class, Since: since, RetryAt: now.Add(min(e.pause(), maxPause))}
	return p
}

// damaged is p after its current original, fetched whole, could not be made into pixels: the version before, if any,
// takes its place until the origin has something better.
func (p pointer) damaged(e *Error, now time.Time) pointer {
	p.Damaged = &damage{Sum: p.Current.Sum, Class: e.Class, Until: now.Add(damageKept)}
	p.Current, p.Last, p.Expires, p.Replaced = p.Last, nil, time.Time{}, nil
	return p.failed(e, now)
}

// remembered is the error of a source that is resting with nothing to show.
func (f failure) remembered(src source.Source, now time.Time) *Error {
	return &Error{Class: f.Class, Source: src, RetryAfter: f.RetryAt.Sub(now), Err: fmt.Errorf("%w (%s)", errRemembered, f.Class)}
}

// change replaces the pointer of src by what f makes of it, alone: of two changes at one time one would undo the other.
// f returns false to leave it as it is. Nothing happens where src was purged after t.
func (r *Renderer) change(ctx context.Context, src source.Source, t token, f func(pointer) (pointer, bool)) {
	r.changeIn(ctx, r.o.Store, src, t, f)
}

// changeIn is change where only the store in is to know.
func (r *Renderer) changeIn(ctx context.Context, in cache.Store, src source.Source, t token, f func(pointer) (pointer, bool)) {
	lock := r.lock(src)
	lock.Lock()
	defer lock.Unlock()
	if r.purges.since(src, t) {
		return
	}
	if p, ok := f(r.loadPointer(ctx, src)); ok {
		r.savePointer(ctx, in, src, p)
		r.changed(src)
	}
}

// pointerLocks is how many locks all sources share. One is held for a write to disk, after the answer is out.
const pointerLocks = 64

// loadPointer returns what is known of src; the zero pointer when nothing is, or when what is there cannot be read.
func (r *Renderer) loadPointer(ctx context.Context, src source.Source) pointer {
	return r.loadPointerAt(ctx, src, pointerKey(src))
}

// loadPointerAt is loadPointer for who has the pointer's key.
func (r *Renderer) loadPointerAt(ctx context.Context, src source.Source, k cache.Key) pointer {
	if w := r.tombs.of(src); w != nil {
		return pointer{Withdrawn: w}
	}
	lifted := r.tombs.lifted.Load()
	p, known := r.readAt(ctx, r.o.Store, src, k)
	switch {
	case !known:
		return pointer{}
	case r.order.outdated(src, &p):
		return pointer{doubtful: true}
	case p.Withdrawn != nil:
		r.tombs.learn(p.Withdrawn, src, lifted)
	case r.order.doubts(&p, false):
		p.doubtful, p.Expires = true, time.Time{}
	}
	return p
}

// read returns what a store has of src, whatever it is worth; known is false where that is nothing, or cannot be read.
func (r *Renderer) read(ctx context.Context, from cache.Store, src source.Source) (p pointer, known bool) {
	return r.readAt(ctx, from, src, pointerKey(src))
}

func (r *Renderer) readAt(ctx context.Context, from cache.Store, src source.Source, k cache.Key) (p pointer, known bool) {
	o, err := from.Get(ctx, k)
	if err != nil {
		return pointer{}, false
	}
	if err := json.Unmarshal(o.Meta, &p); err != nil {
		r.report(fmt.Errorf("read the pointer of %s: %w", src.Public(), err))
		return pointer{}, false
	}
	if v := p.Current; v != nil && (v.Info.Width < 1 || v.Info.Height < 1) {
		r.report(fmt.Errorf("read the pointer of %s: an original of %d × %d pixels", src.Public(), v.Info.Width, v.Info.Height))
		return pointer{}, false
	}
	return p, true
}

// savePointer keeps p. The caller holds the source's lock.
func (r *Renderer) savePointer(ctx context.Context, in cache.Store, src source.Source, p pointer) {
	r.order.stamp(src, &p)
	o, err := pointerObject(p)
	if err != nil {
		r.report(fmt.Errorf("write the pointer of %s: %w", src.Public(), err))
		return
	}
	r.putIn(ctx, in, pointerKey(src), o)
}

// pointerObject is p as stores keep it.
func pointerObject(p pointer) (*cache.Object, error) {
	var meta bytes.Buffer
	enc := json.NewEncoder(&meta)
	enc.SetEscapeHTML(false) // a pointer is no page, and words full of markup shall not outgrow cache.MaxMeta
	if err := enc.Encode(p); err != nil {
		return nil, err
	}
	return &cache.Object{Meta: meta.Bytes()}, nil
}

// put keeps o if it can: a cache that fails is a metric and a slow miss, never a failed request.
func (r *Renderer) put(ctx context.Context, k cache.Key, o *cache.Object) {
	r.putIn(ctx, r.o.Store, k, o)
}

func (r *Renderer) putIn(ctx context.Context, in cache.Store, k cache.Key, o *cache.Object) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	start := time.Now()
	err := in.Put(ctx, k, o)
	stage := Stage{Name: "store", Begun: start, Bytes: len(o.Body)}
	if err != nil {
		stage.Class = Internal
		r.report(fmt.Errorf("keep %s: %w", k, err))
	}
	r.stage(ctx, stage)
}

// storeTimeout bounds one Put behind an answer; a disk that takes longer is broken.
const storeTimeout = 10 * time.Second
