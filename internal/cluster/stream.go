package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

const (
	// readBlock is how long Redis keeps a read waiting for messages. Between two, it is asked whether the stream is still the same one.
	readBlock = time.Second
	// readMost is how many messages are read at one time.
	readMost = 16
	// saveEvery is how often the position is saved at most: a disk writes it with two fsyncs. What is read again after a restart is
	// applied again, and costs a fetch.
	saveEvery = time.Second
	// currentFor is how long a node that has read everything counts as up to date.
	currentFor = 3*readBlock + patient/4
)

// The script makes a stream where there is none, or where the epoch was lost that it belongs to, or is ARGV[2] and to be given up.
// A stream without its beginning was trimmed; one with another beginning is another stream.
const beginScript = `local e = redis.call("GET",KEYS[1])
if not e or e == ARGV[2] or redis.call("XLEN",KEYS[2]) == 0 then
  e = ARGV[1]
  redis.call("SET",KEYS[1],e)
  redis.call("DEL",KEYS[2])
  redis.call("XADD",KEYS[2],"*","epoch",e)
end
return e`

// The two keys are in one slot of a Redis Cluster.
func (n *Node) stream() string   { return "cutline:{" + n.o.Prefix + "}:stream" }
func (n *Node) epochKey() string { return "cutline:{" + n.o.Prefix + "}:epoch" }
func (n *Node) probeKey() string { return "cutline:{" + n.o.Prefix + "}:probe" }

// reading is how far a node has come. The zero value is ready. It is safe for concurrent use.
type reading struct {
	mu    sync.Mutex
	at    Position
	had   Position  // how far an earlier run had come
	clear time.Time // when nothing was left to read
	saved time.Time
}

func (r *reading) position() Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

// furthest is how far this run or an earlier one has come.
func (r *reading) furthest() Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == (Position{}) || r.at.Epoch == r.had.Epoch && r.at.before(r.had) {
		return r.had
	}
	return r.at
}

// knew reports whether an earlier run had come as far as at.
func (r *reading) knew(at Position) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return at.Epoch == r.had.Epoch && !r.had.before(at)
}

func (r *reading) current() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.clear.IsZero() && time.Since(r.clear) < currentFor
}

func (r *reading) behind() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clear.IsZero() {
		return 0
	}
	return time.Since(r.clear)
}

// state is what a node keeps over restarts.
type state struct {
	Epoch string `json:"epoch"`
	ID    string `json:"id"`
	Owes  bool   `json:"owes,omitempty"` // messages were not sent
}

// Follow has h apply the stream from its beginning, until Close: what the node applied in an earlier run has to be known again, for
// others may store something from before it. It is called once.
func (n *Node) Follow(h Handler) {
	owed := n.load()
	if owed {
		n.outbox.mu.Lock()
		n.outbox.add(n.name, split(n.name, doubt, nil)...)
		n.outbox.mu.Unlock()
	}
	n.idle.Go(n.deliver)
	n.idle.Go(func() { n.follow(h) })
}

// load reads how far the node had come, and whether it owed messages then.
func (n *Node) load() (owed bool) {
	if n.o.Load == nil {
		return false
	}
	var s state
	if json.Unmarshal([]byte(n.o.Load()), &s) != nil {
		return false
	}
	epoch, err := strconv.ParseUint(s.Epoch, 16, 64)
	at, ok := parseID(s.ID)
	if err == nil && ok && epoch != 0 {
		at.Epoch = epoch
		n.reading.mu.Lock()
		n.reading.had = at
		n.reading.mu.Unlock()
	}
	return s.Owes
}

// save is load's inverse. It needs outbox.mu.
func (n *Node) save() {
	if n.o.Save == nil {
		return
	}
	at := n.reading.furthest()
	text, err := json.Marshal(state{Epoch: fmt.Sprintf("%016x", at.Epoch), ID: at.id(), Owes: len(n.outbox.owed) > 0})
	if err == nil {
		n.o.Save(string(text))
	}
}

// reached notes that everything up to at was applied, and tells h.
func (n *Node) reached(at Position, h Handler) {
	h.Reached(at)
	n.reading.mu.Lock()
	n.reading.at = at
	n.reading.mu.Unlock()
}

// saveNow and then: at most every saveEvery, unless it is the last time.
func (n *Node) saveSometimes(last bool) {
	n.reading.mu.Lock()
	due := last || time.Since(n.reading.saved) >= saveEvery
	if due {
		n.reading.saved = time.Now()
	}
	n.reading.mu.Unlock()
	if due {
		n.outbox.mu.Lock()
		defer n.outbox.mu.Unlock()
		n.save()
	}
}

// follow reads until Close.
func (n *Node) follow(h Handler) {
	c := n.await()
	if c == nil {
		return
	}
	pause := operation
	dirty := false
	for n.ctx.Err() == nil {
		news, err := n.round(n.ctx, c, h)
		dirty = dirty || news
		if dirty && err == nil && !news {
			n.saveSometimes(false)
			dirty = false
		}
		if err == nil {
			pause = operation
			continue
		}
		if n.ctx.Err() == nil {
			n.breaker.note(err)
			n.report(err)
		}
		n.sleep(pause)
		pause = min(2*pause, connectMost)
	}
	if dirty {
		n.saveSometimes(true)
	}
}

// round makes sure that the stream is the one that was read before, and reads what has come. It reports whether anything had.
func (n *Node) round(ctx context.Context, c rueidis.Client, h Handler) (news bool, err error) {
	learnTo, err := n.orient(ctx, c, h)
	if err != nil {
		return false, err
	}
	for {
		at := n.reading.position()
		entries, err := n.read(ctx, c, at)
		if err != nil {
			return news, err
		}
		if len(entries) == 0 {
			n.reading.mu.Lock()
			n.reading.clear = time.Now()
			n.reading.mu.Unlock()
			return news, nil
		}
		news = true
		if err := n.gap(ctx, c, h, at); err != nil {
			return news, err
		}
		for _, e := range entries {
			id, ok := parseID(e.ID)
			if !ok || !at.before(id) {
				return news, errNonsense // or it would be read for ever
			}
			id.Epoch = at.Epoch
			n.apply(ctx, h, id, e.FieldValues, !learnTo.before(id))
			n.reached(id, h)
			at = id
		}
	}
}

// gap has h doubt where the stream was trimmed past at, from which on it was read: nobody looks while there is always more to read.
func (n *Node) gap(ctx context.Context, c rueidis.Client, h Handler, at Position) error {
	ctx, cancel := context.WithTimeout(ctx, patient/2)
	defer cancel()
	ends, err := c.Do(ctx, c.B().Xrange().Key(n.stream()).Start("-").End("+").Count(1).Build()).AsXRange()
	if err != nil || len(ends) == 0 {
		return err // with none it is another stream, or will be: that is found in time
	}
	first, ok := parseID(ends[0].ID)
	if _, whole := ends[0].FieldValues[beginningField]; !ok || whole || !at.before(first) || at.Time == 0 {
		return nil
	}
	first.Epoch = at.Epoch
	n.stats.epochs.Add(1)
	h.Doubt(Doubt{Private: first, Shared: first})
	return nil
}

// read waits for entries after at.
func (n *Node) read(ctx context.Context, c rueidis.Client, at Position) ([]rueidis.XRangeEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, readBlock+patient/2)
	defer cancel()
	streams, err := c.Do(ctx, c.B().Xread().Count(readMost).Block(readBlock.Milliseconds()).Streams().Key(n.stream()).Id(at.id()).Build()).AsXRead()
	if rueidis.IsRedisNil(err) {
		return nil, nil
	}
	return streams[n.stream()], err
}

// apply has h do what one entry says. What is no message is counted, and nothing else.
func (n *Node) apply(ctx context.Context, h Handler, at Position, fields map[string]string, learn bool) {
	if _, ok := fields[beginningField]; ok && len(fields) == 1 {
		return
	}
	w, err := parseMessage(fields[messageField])
	if err != nil || len(fields) != 1 {
		n.stats.ignored.Add(1)
		return
	}
	n.settle(w.ID)
	n.stats.received.Add(1)
	if w.Kind == doubt {
		h.Doubt(Doubt{Private: at, Shared: at})
		return
	}
	if w.Kind == Withdraw && w.From != n.name && !n.reading.knew(at) {
		n.outbox.overtaken(at, w.Sources)
	}
	h.Apply(ctx, Message{At: at, Kind: w.Kind, Sources: w.Sources, Own: w.From == n.name, Learn: learn, id: w.ID})
}

// orient looks whether the stream is the one that was read before, and goes on to the next position to read from. learnTo is up to
// where messages need only be known.
func (n *Node) orient(ctx context.Context, c rueidis.Client, h Handler) (learnTo Position, err error) {
	ctx, cancel := context.WithTimeout(ctx, patient/2)
	defer cancel()
	at, begun := n.reading.furthest(), n.reading.position() != Position{}
	epoch, first, last, whole, err := n.look(ctx, c, "")
	if err == nil && epoch == at.Epoch && last.before(at) {
		// Redis has forgotten what it had said, as after a crash: nobody knows who has heard of it.
		epoch, first, last, whole, err = n.look(ctx, c, fmt.Sprintf("%016x", epoch))
	}
	if err != nil {
		return Position{}, err
	}
	shared := first
	if whole {
		shared = Position{Epoch: epoch}
	}
	missed := !whole && at.before(first)
	switch {
	case epoch != at.Epoch:
		if at != (Position{}) {
			n.stats.epochs.Add(1)
		}
		h.Doubt(Doubt{Private: last, Shared: shared})
		learnTo = last
	case missed:
		n.stats.epochs.Add(1)
		h.Doubt(Doubt{Private: first, Shared: first})
	case begun:
		return Position{}, nil
	default:
		learnTo = at
	}
	if epoch != at.Epoch || !begun {
		n.reading.mu.Lock()
		n.reading.at = Position{Epoch: epoch}
		n.reading.mu.Unlock()
	}
	return learnTo, nil
}

// look finds the stream's epoch, its first and last entry, and whether it was never trimmed; or begins one, also where its epoch is
// giveUp.
func (n *Node) look(ctx context.Context, c rueidis.Client, giveUp string) (epoch uint64, first, last Position, whole bool, err error) {
	text, err := c.Do(ctx, c.B().Get().Key(n.epochKey()).Build()).ToString()
	if err != nil && !rueidis.IsRedisNil(err) {
		return 0, first, last, false, err
	}
	var ends [2][]rueidis.XRangeEntry
	for i := 0; ; i++ {
		if err == nil && text != giveUp {
			if ends[0], err = c.Do(ctx, c.B().Xrange().Key(n.stream()).Start("-").End("+").Count(1).Build()).AsXRange(); err != nil {
				return 0, first, last, false, err
			}
			if ends[1], err = c.Do(ctx, c.B().Xrevrange().Key(n.stream()).End("+").Start("-").Count(1).Build()).AsXRange(); err != nil {
				return 0, first, last, false, err
			}
			if len(ends[0]) == 1 && len(ends[1]) == 1 {
				break
			}
		}
		if i > 0 {
			return 0, first, last, false, errNonsense
		}
		text, err = c.Do(ctx, c.B().Eval().Script(beginScript).Numkeys(2).Key(n.epochKey(), n.stream()).Arg(random(), giveUp).Build()).ToString()
		if err != nil {
			return 0, first, last, false, err
		}
		giveUp = ""
	}
	epoch, err = strconv.ParseUint(text, 16, 64)
	first, ok := parseID(ends[0][0].ID)
	last, ok2 := parseID(ends[1][0].ID)
	if err != nil || epoch == 0 || !ok || !ok2 || last.before(first) {
		return 0, first, last, false, errNonsense
	}
	first.Epoch, last.Epoch = epoch, epoch
	return epoch, first, last, ends[0][0].FieldValues[beginningField] == text, nil
}

// parseID reads an entry's ID.
func parseID(id string) (p Position, ok bool) {
	ms, seq, found := strings.Cut(id, "-")
	var err, err2 error
	p.Time, err = strconv.ParseUint(ms, 10, 64)
	p.Seq, err2 = strconv.ParseUint(seq, 10, 64)
	return p, found && err == nil && err2 == nil
}
