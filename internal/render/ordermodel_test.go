package render

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
)

// A toldPurge is an entry of the model's stream.
type toldPurge struct {
	at      Position
	how     Purge
	from    string // the run that told it
	doubt   bool   // instead of a purge
	edition int    // what readers may see after it, at least
}

// A modelNode is a node with what it has heard and what it owes.
type modelNode struct {
	*node
	next  int         // in the stream
	epoch uint64      // of the stream that it reads
	owed  []toldPurge // in order
	late  []func()    // purges that were told and not carried out
	gate  chan struct{}
	need  int       // the edition that a reader has to get at least
	told  Position  // its last, that it did not owe
	last  toldPurge // of those that it has carried out, by position
}

// A model is nodes, what they share, and one source whose origin has an edition after the other: each purge is of all before.
type model struct {
	t       *testing.T
	rand    *rand.Rand
	shared  *mapStore
	nodes   []*modelNode
	stream  []toldPurge
	epoch   uint64
	clock   uint64
	edition int
	crossed bool // purges that were owed are lost
	trace   []string
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{t: t, rand: rand.New(rand.NewPCG(seed, 1)), shared: newMapStore(), epoch: 1, edition: 1}
	for range 3 {
		n := &modelNode{node: newNode(t, m.shared)}
		m.nodes = append(m.nodes, n)
		m.orient(n)
	}
	m.publish()
	return m
}

func (m *model) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf(format, args...))
}

// name is n's place among the nodes.
func (m *model) name(n *modelNode) string {
	for i := range m.nodes {
		if m.nodes[i] == n {
			return string(rune('A' + i))
		}
	}
	return "?"
}

func (m *model) last() Position {
	if len(m.stream) == 0 {
		return Position{Epoch: m.epoch, Time: 1}
	}
	return m.stream[len(m.stream)-1].at
}

// publish has all origins deliver the next edition.
func (m *model) publish() {
	m.edition++
	for _, n := range m.nodes {
		n.origin.set(func(o *fakeOrigin) {
			o.body, o.etag = []byte(strconv.Itoa(m.edition)), strconv.Quote(strconv.Itoa(m.edition))
		})
	}
}

// orient is what a node does before it reads: of another epoch it knows nothing.
func (m *model) orient(n *modelNode) {
	if n.epoch == m.epoch {
		return
	}
	m.note("%s doubts", m.name(n))
	n.Doubt(m.last(), Position{Epoch: m.epoch})
	n.Reached(Position{Epoch: m.epoch, Time: 1})
	n.epoch, n.next = m.epoch, 0
}

// hear has n carry out the next message.
func (m *model) hear(n *modelNode) bool {
	m.orient(n)
	if n.next >= len(m.stream) {
		return false
	}
	p := m.stream[n.next]
	n.next++
	m.note("%s hears %d", m.name(n), p.at.Time)
	if p.how == Withdraw && p.from != n.order.run && !p.at.before(n.told, m.epoch) {
		n.owed = slices.DeleteFunc(n.owed, func(p toldPurge) bool { return p.how != Withdraw })
	}
	if p.doubt {
		n.Doubt(p.at, p.at)
	} else {
		n.Apply(m.t.Context(), p.how, p.at, p.from == n.order.run, remote(m.t))
	}
	n.Reached(p.at)
	synctest.Wait()
	n.need = max(n.need, p.edition)
	n.done(p)
	return true
}

// done notes that n has carried out p.
func (n *modelNode) done(p toldPurge) {
	if !p.doubt && n.last.at.before(p.at, n.epoch) {
		n.last = p
	}
}

// tell adds to the stream.
func (m *model) tell(p toldPurge) Position {
	m.clock++
	p.at = Position{Epoch: m.epoch, Time: 1 + m.clock}
	m.stream = append(m.stream, p)
	return p.at
}

// purge has n asked for a purge, which it tells or owes, and carries out now or later.
func (m *model) purge(n *modelNode) {
	m.carry(n) // one after the other
	how := Purge(m.rand.IntN(3))
	if how == Restore && !n.Withdrawn(m.t.Context(), remote(m.t)) {
		return
	}
	if how == Forget || how == Withdraw {
		m.publish()
	}
	p := toldPurge{how: how, from: n.order.run, edition: m.edition}
	var order Order
	if len(n.owed) > 0 || n.epoch != m.epoch || m.rand.IntN(5) == 0 {
		n.owed, order.Owed = append(n.owed, p), true
	} else {
		p.at = m.tell(p)
		order.At, n.told = p.at, p.at
	}
	m.note("%s purges, %d at %d", m.name(n), how, order.At.Time)
	r := n.Renderer
	carry := func() {
		r.PurgeAt(m.t.Context(), how, order, remote(m.t))
		if r == n.Renderer {
			n.need = max(n.need, p.edition)
			n.done(p)
		}
	}
	if order.Owed || m.rand.IntN(3) > 0 {
		carry()
	} else {
		n.late = append(n.late, carry)
	}
}

// carry has n carry out what it told.
func (m *model) carry(n *modelNode) {
	for _, carry := range n.late {
		m.note("%s carries out", m.name(n))
		carry()
	}
	n.late = nil
}

// flush has n tell what it owes, once it has heard all there is.
func (m *model) flush(n *modelNode) {
	for m.hear(n) {
		continue
	}
	for _, p := range n.owed {
		m.note("%s tells what it owes at %d", m.name(n), m.tell(p).Time)
	}
	n.owed = nil
}

// fetch has a reader at n begin a fetch, and leave; what was begun before ends.
func (m *model) fetch(n *modelNode) {
	m.land(n)
	gate := make(chan struct{})
	n.gate = gate
	n.origin.set(func(o *fakeOrigin) { o.gate = gate })
	ctx, leave := context.WithCancel(m.t.Context())
	m.note("%s begins to fetch", m.name(n))
	go func() {
		_, _ = n.Render(ctx, Request{Source: remote(m.t), Specs: []transform.Spec{webp(100)}})
	}()
	synctest.Wait()
	leave()
	synctest.Wait()
}

// land has the fetch that n has begun end.
func (m *model) land(n *modelNode) {
	if n.gate == nil {
		return
	}
	m.note("%s ends to fetch", m.name(n))
	n.origin.set(func(o *fakeOrigin) { o.gate = nil })
	close(n.gate)
	n.gate = nil
	synctest.Wait()
}

// restart ends n and begins it again, with an empty disk or not. It reads the stream before a reader looks closely.
func (m *model) restart(n *modelNode, empty bool) {
	m.land(n)
	m.note("%s begins anew, empty: %v", m.name(n), empty)
	if empty {
		n.store, n.epoch = newMapStore(), 0
	}
	owed := len(n.owed) > 0
	m.crossed = m.crossed || owed
	n.begin()
	n.next, n.owed, n.late, n.need, n.last = 0, nil, nil, 0, toldPurge{}
	m.orient(n)
	if owed && !empty {
		m.tell(toldPurge{doubt: true, edition: m.edition})
	}
	for m.hear(n) {
		continue
	}
}

// read has a reader look at n, and checks what it sees.
func (m *model) read(n *modelNode) {
	m.land(n)
	got := n.edition(m.t)
	m.note("%s answers %s, at least %d", m.name(n), got, n.need)
	if edition, err := strconv.Atoi(got); got != "withdrawn" && (err != nil || edition < n.need) {
		m.t.Errorf("%s answers %s, want edition %d", m.name(n), got, n.need)
	}
	owing := slices.ContainsFunc(m.nodes, func(n *modelNode) bool { return len(n.owed) > 0 })
	lifted := slices.ContainsFunc(m.stream, func(p toldPurge) bool { return n.last.at.before(p.at, m.epoch) && p.how != Withdraw })
	if n.last.how == Withdraw && n.last.at.Epoch == m.epoch && !owing && !lifted && !m.crossed && got != "withdrawn" {
		m.t.Errorf("%s answers %s, want withdrawn", m.name(n), got)
	}
}

func (m *model) step() {
	n := m.nodes[m.rand.IntN(len(m.nodes))]
	switch m.rand.IntN(16) {
	case 0, 1, 2:
		m.read(n)
	case 3:
		m.fetch(n)
	case 4, 5:
		m.land(n)
	case 6, 7:
		m.purge(n)
	case 8, 9, 10:
		m.hear(n)
	case 11:
		m.carry(n)
	case 12:
		m.flush(n)
	case 13:
		m.restart(n, m.rand.IntN(3) == 0)
	case 14:
		time.Sleep(time.Duration(m.rand.IntN(40)) * time.Minute)
	case 15:
		if m.rand.IntN(8) == 0 {
			m.note("Redis has lost its data")
			m.epoch, m.stream = m.epoch+1, nil
		}
	}
}

// settle has all come to an end, after which all nodes answer the same.
func (m *model) settle() {
	for _, n := range m.nodes {
		m.land(n)
		m.carry(n)
		m.flush(n)
	}
	for _, n := range m.nodes {
		m.orient(n)
		for m.hear(n) {
			continue
		}
	}
	for _, n := range m.nodes {
		m.read(n)
	}
	if len(m.stream) == 0 || m.crossed || m.epoch > 1 {
		return
	}
	fresh := &modelNode{node: newNode(m.t, m.shared)}
	m.nodes = append(m.nodes, fresh)
	m.publish()
	for m.hear(fresh) {
		continue
	}
	want := m.stream[len(m.stream)-1].how == Withdraw
	for _, n := range m.nodes {
		if got := n.edition(m.t); (got == "withdrawn") != want {
			m.t.Errorf("%s answers %s, withdrawn: %v", m.name(n), got, want)
		}
	}
}

// TestOrderModel lets nodes, readers, purges, lost disks and a Redis that loses its data come together in any order, by the seed. Whatever
// happens, a node that has carried out a purge never answers with what was there before it.
func TestOrderModel(t *testing.T) {
	for seed := range uint64(modelRuns) {
		ok := t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newModel(t, seed)
				for range 60 {
					if m.step(); t.Failed() {
						break
					}
				}
				if !t.Failed() {
					m.settle()
				}
				if t.Failed() {
					t.Logf("what happened:\n%s", strings.Join(m.trace, "\n"))
				}
			})
		})
		if !ok {
			return
		}
	}
}

// modelRuns is how many seeds are tried.
const modelRuns = 200
