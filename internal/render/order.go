package render

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/source"
)

// A Position is a place in the order of everything that the nodes of a site tell each other (ADR 35). The zero Position is before
// all others. Positions of two epochs have no order: whichever is of this node's is the later one.
type Position struct {
	Epoch uint64 `json:"e"`
	Time  uint64 `json:"t"`
	Seq   uint64 `json:"s,omitempty"`
}

// before reports whether p is earlier than q, where a node's epoch is current.
func (p Position) before(q Position, current uint64) bool {
	switch {
	case q == Position{}:
		return false
	case p == Position{}:
		return true
	case p.Epoch != q.Epoch:
		return p.Epoch != current
	case p.Time != q.Time:
		return p.Time < q.Time
	}
	return p.Seq < q.Seq
}

// An Order is where a purge stands. The zero Order is that of a node which is alone.
type Order struct {
	At   Position
	Owed bool // other nodes have yet to be told; At is zero
}

// own marks a pointer that was stored after a purge which other nodes have not been told of: nobody else's can be told from an
// earlier one then. Doubt is the number of one after which the origin was asked.
type own struct {
	Run   string `json:"run"`
	Count uint64 `json:"count,omitempty"`
	Doubt uint64 `json:"doubt,omitempty"`
}

// A mark is the last purge of a source: what was found out before it is out of date, whichever node did.
type mark struct {
	at      Position
	owed    uint64 // the number, in this run, of a purge that others were not told of; 0 is none
	pending int    // purges of which they still are not
}

// order is what a node knows of the order of purges. The zero value, of a node that is alone, is ready. It is safe for concurrent
// use.
type order struct {
	run     string // of this process
	reached atomic.Pointer[Position]
	doubt   atomic.Pointer[doubt]

	mu    sync.RWMutex
	marks map[source.Source]mark
	some  atomic.Bool // there are marks
	owed  uint64
}

// A doubt is up to where nobody can tell what was purged: in stores of this node alone, and in those that it shares. The epoch is the
// one that was current when it came up: the first word of another epoch is a doubt.
type doubt struct {
	private, shared Position
	epoch           uint64
	count           uint64 // of this run's; from 1
}

// raised is d that goes as far as private and shared too.
func (d *doubt) raised(private, shared Position, epoch uint64) *doubt {
	to := &doubt{epoch: epoch, count: 1}
	if d != nil {
		to.private, to.shared, to.count = d.private, d.shared, d.count+1
	}
	if to.private.before(private, epoch) {
		to.private = private
	}
	if to.shared.before(shared, epoch) {
		to.shared = shared
	}
	return to
}

// maxMarks bounds the purges that are remembered one by one: some 10 MB. What is forgotten is in doubt.
const maxMarks = 1 << 16

func (o *order) epoch() uint64 { return o.applied().Epoch }

// applied is up to where everything was applied.
func (o *order) applied() Position {
	if at := o.reached.Load(); at != nil {
		return *at
	}
	return Position{}
}

// of returns the mark of src.
func (o *order) of(src source.Source) mark {
	if !o.some.Load() {
		return mark{}
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.marks[src]
}

// set marks src, unless it was purged later. last says that nothing which is owed will be told after it.
func (o *order) set(src source.Source, at Order, last bool) {
	if at == (Order{}) {
		return
	}
	o.mark(src, at.At, func(m *mark, later bool) {
		switch {
		case at.Owed:
			o.owed++
			m.owed = o.owed
			m.pending++
		case later && m.pending > 0 && !last: // ours is still to come
			o.owed++
			m.owed = o.owed
		case later:
			m.owed, m.pending = 0, 0
		}
	})
}

// told marks src when others have been told of a purge that was owed: what this run stored after its own purge is from after it then, too.
func (o *order) told(src source.Source, at Position) {
	o.mark(src, at, func(m *mark, _ bool) { m.pending-- })
}

// mark changes the mark of src; later reports whether at is.
func (o *order) mark(src source.Source, at Position, change func(m *mark, later bool)) {
	epoch := o.epoch() // at may be of an earlier one, which ended between telling and this
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.marks) >= maxMarks {
		o.forget(epoch)
	}
	if o.marks == nil {
		o.marks = map[source.Source]mark{}
	}
	m := o.marks[src]
	later := m.at.before(at, epoch)
	if later {
		m.at = at
	}
	change(&m, later)
	o.marks[src] = m
	o.some.Store(true)
}

// overtaken reports whether src was purged later than at, as far as this node knows.
func (o *order) overtaken(src source.Source, at Order) bool {
	return at.At != Position{} && at.At.before(o.of(src).at, o.epoch())
}

// forget drops all marks: what lies before the last of them is in doubt from then on. It needs mu.
func (o *order) forget(epoch uint64) {
	var last Position
	for m := range maps.Values(o.marks) {
		if last.before(m.at, epoch) {
			last = m.at
		}
	}
	clear(o.marks)
	o.doubt.Store(o.doubt.Load().raised(last, last, epoch))
}

// outdated reports whether p was found out before the last purge of its source that this node knows.
func (o *order) outdated(src source.Source, p *pointer) bool {
	m := o.of(src)
	if m == (mark{}) || m.owed > 0 && p.Own != nil && p.Own.Run == o.run && p.Own.Count >= m.owed {
		return false
	}
	return m.pending > 0 || p.Seen.before(m.at, o.epoch())
}

// stamp notes in p what a node knew when it was stored. The caller holds the source's lock, and has made sure that src was not
// purged since p began to be found out: then p is from after all purges of src up to what was applied. What is in doubt stays so.
func (o *order) stamp(src source.Source, p *pointer) {
	var settled uint64
	if d := o.doubt.Load(); d != nil && p.asked {
		settled = d.count
	}
	if p.doubtful && p.Current != nil {
		if settled > 0 {
			kept := own{Run: o.run, Doubt: settled}
			if p.Own != nil && p.Own.Run == o.run {
				kept.Count = p.Own.Count
			}
			p.Own = &kept
		}
		return
	}
	p.Seen, p.Own = o.applied(), nil
	m := o.of(src)
	if p.Seen.before(m.at, o.epoch()) {
		p.Seen = m.at
	}
	if m.owed > 0 || settled > 0 {
		p.Own = &own{Run: o.run, Count: m.owed, Doubt: settled}
	}
}

// doubts reports whether p may be out of date for all that this node knows, where it has it from a store of its own or from a shared
// one.
func (o *order) doubts(p *pointer, shared bool) bool {
	d := o.doubt.Load()
	switch {
	case d == nil, p.Own != nil && p.Own.Run == o.run && p.Own.Doubt == d.count:
		return false
	case shared:
		return p.Seen.before(d.shared, d.epoch)
	}
	return p.Seen.before(d.private, d.epoch)
}

// raise has what was found out before private, or shared, in doubt. It may begin an epoch, of which nothing is applied yet.
func (o *order) raise(private, shared Position) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if private.Epoch != o.epoch() {
		o.reached.Store(&Position{Epoch: private.Epoch})
	}
	o.doubt.Store(o.doubt.Load().raised(private, shared, private.Epoch))
}

// Reached says that this node has carried out everything that was told up to at.
func (r *Renderer) Reached(at Position) { r.order.reached.Store(&at) }

// Doubt says that this node may have missed messages: what it alone keeps of sources is not taken for granted if it was found out
// before private, and what it shares with others if it was before shared. It is asked for once more, in the shared store or of the
// origin. Tombstones stay.
func (r *Renderer) Doubt(private, shared Position) {
	r.order.raise(private, shared)
	r.fetches.detachAll()
	r.purges.markAll() // what is under way may have begun before what was missed
	for i := range r.changes {
		r.changes[i].Add(1) // no answer that is kept is given again before it was looked up
	}
}

// Apply carries out a purge that the nodes of a site were told of, own by this one: in what this node alone keeps. What is shared is
// the teller's; only that a source is withdrawn is made sure of. Sources that were purged later are left alone.
func (r *Renderer) Apply(ctx context.Context, p Purge, at Position, own bool, sources ...source.Source) {
	r.purges.one.Lock()
	defer r.purges.one.Unlock()
	for _, src := range sources {
		r.apply(ctx, p, at, own, src)
	}
}

func (r *Renderer) apply(ctx context.Context, p Purge, at Position, own bool, src source.Source) {
	lock := r.lock(src)
	lock.Lock()
	defer lock.Unlock()
	m := r.order.of(src)
	switch {
	case m.at != (Position{}) && !m.at.before(at, r.order.epoch()):
		return
	case own && m.pending > 0: // it was carried out when it was asked for
		r.order.told(src, at)
		return
	}
	r.order.set(src, Order{At: at}, p == Withdraw) // what was owed would have lifted it, and is not told any more
	if m.pending > 0 && r.tombs.of(src) != nil {
		p = Withdraw // ours, which is told after it
	}
	// A node that begins reads what it has carried out before, and what was lifted since: it has to know it, and that is all.
	had, has := r.counts(ctx, r.private(), src)
	var found pointer
	var shares bool
	if p == Withdraw && r.o.Shared != nil {
		found, shares = r.counts(ctx, r.o.Shared, src)
	}
	tomb := had.Withdrawn
	if lifted := has || shares && found.Withdrawn == nil; p == Withdraw && !lifted {
		tomb = &withdrawal{At: time.Now().UTC()}
	}
	if tomb != nil {
		r.tombs.add(tomb, src)
	}
	if !has && (tomb != nil || !r.absent(ctx, src)) { // thousands may be read at the start, and a deletion is an fsync
		if err := r.repoint(ctx, r.private(), src, tomb); err != nil {
			r.report(err)
		}
	}
	if tomb == nil {
		r.tombs.lift(src)
	} else if r.o.Shared != nil && !shares {
		r.savePointer(ctx, r.o.Shared, src, pointer{Withdrawn: tomb})
	}
	r.forgotten(src)
}

// absent reports whether this node's own store says that it has nothing of src, and not that it cannot read it.
func (r *Renderer) absent(ctx context.Context, src source.Source) bool {
	_, err := r.private().Get(ctx, pointerKey(src))
	return err == cache.ErrMiss //nolint:errorlint // wrapped, it has a reason
}

// counts returns what a store has of src from after its last purge.
func (r *Renderer) counts(ctx context.Context, from cache.Store, src source.Source) (pointer, bool) {
	p, known := r.read(ctx, from, src)
	if !known || r.order.outdated(src, &p) {
		return pointer{}, false
	}
	return p, true
}

// looked returns what notes that a fetch flight, for which p said all there was to say, has looked up what is in doubt.
func (r *Renderer) looked(ctx context.Context, src source.Source, t token, p pointer) (settle func()) {
	if !p.doubtful {
		return nil
	}
	return func() {
		r.changeIn(ctx, r.private(), src, t, func(latest pointer) (pointer, bool) {
			latest.asked = true
			return latest, latest.doubtful
		})
	}
}

// private is the store that is this node's alone.
func (r *Renderer) private() cache.Store {
	if r.o.Private != nil {
		return r.o.Private
	}
	return r.o.Store
}

// fromShared is what the shared store has of src, where what this node had, p, was out of date, in doubt, or is not fresh; else p. What it
// finds this node keeps too. A tombstone counts although it is in doubt.
func (r *Renderer) fromShared(ctx context.Context, src source.Source, t token, p pointer) pointer {
	if r.o.Shared == nil {
		return p
	}
	lifted := r.tombs.lifted.Load()
	found, known := r.counts(ctx, r.o.Shared, src)
	switch {
	case !known:
		return p
	case found.Withdrawn != nil:
		r.tombs.learn(found.Withdrawn, src, lifted)
	case found.Current == nil, r.order.doubts(&found, true), !p.doubtful && found.Asked.Before(p.Asked):
		return p
	}
	r.changeIn(ctx, r.private(), src, t, func(pointer) (pointer, bool) { return found, true })
	return found
}
