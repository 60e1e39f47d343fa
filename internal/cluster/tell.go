package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

const (
	// keepMessages is about how many messages a stream has: months of a newsroom's purges.
	keepMessages = 10_000
	// tellTime bounds how long a purge waits for Redis to take what it says.
	tellTime = time.Second
	// maxOwed bounds the sources of messages that wait for Redis; beyond it nodes are told that they missed something.
	maxOwed = 100_000
	// lastChance is how long a node that ends tries to say what it has not said.
	lastChance = time.Second
)

// errNonsense is an answer that no Redis gives.
var errNonsense = errors.New("an answer that makes no sense")

// errNoStream says that this node has yet to find the stream, or that Redis has lost it.
var errNoStream = errors.New("no stream")

// An outbox is the messages that Redis has not taken. They are sent in the order in which they were said: a take-down that comes
// after its restore would be for ever.
type outbox struct {
	mu      sync.Mutex // of sending too
	owed    []*wire
	sources int
	added   time.Time // the last of owed
	told    Position  // of the last message that was not owed
	wake    chan struct{}
}

// overtaken takes sources out of what would lift a take-down that this node had not heard of when it was asked: that was told first, and is
// the later one all the same. Whoever has told something later had a say in between.
func (b *outbox) overtaken(at Position, sources []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.owed) == 0 || at.Epoch == b.told.Epoch && at.before(b.told) {
		return
	}
	down := make(map[string]bool, len(sources))
	for _, s := range sources {
		down[s] = true
	}
	b.owed = slices.DeleteFunc(b.owed, func(w *wire) bool {
		if w.Kind != Forget && w.Kind != Restore {
			return false
		}
		left := slices.DeleteFunc(slices.Clone(w.Sources), func(s string) bool { return down[s] })
		b.sources -= len(w.Sources) - len(left)
		if w.Sources = left; len(left) == 0 {
			b.sources--
			return true
		}
		return false
	})
}

// caughtUp reports whether n has read everything that was told before the last of what it owes was asked for.
func (n *Node) caughtUp() bool {
	n.outbox.mu.Lock()
	added := n.outbox.added
	n.outbox.mu.Unlock()
	n.reading.mu.Lock()
	defer n.reading.mu.Unlock()
	return n.reading.clear.After(added)
}

// add keeps messages for later; where they are too many, that there were some.
func (b *outbox) add(from string, messages ...*wire) {
	b.added = time.Now()
	for _, w := range messages {
		b.sources += len(w.Sources) + 1
	}
	if b.owed = append(b.owed, messages...); b.sources > maxOwed {
		b.owed = split(from, doubt, nil)
		b.sources = 1
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Tell tells all nodes, this one included, and returns the position of the last of the messages that sources are split into.
// told is false where Redis did not take them within a second: they are sent when it does, and until then at is zero.
func (n *Node) Tell(ctx context.Context, kind Kind, sources ...string) (at Position, told bool) {
	messages := split(n.name, kind, sources)
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	n.outbox.mu.Lock()
	defer n.outbox.mu.Unlock()
	c := n.reach()
	if c == nil || n.breaker.isOpen() || len(n.outbox.owed) > 0 {
		n.outbox.add(n.name, messages...)
		n.save()
		return Position{}, false
	}
	for i, w := range messages {
		var err error
		if at, err = n.send(ctx, c, w); err != nil {
			if !errors.Is(err, errNoStream) {
				n.breaker.note(err)
			}
			n.outbox.add(n.name, messages[i:]...) // this one too: it may not have come
			n.save()
			return Position{}, false
		}
	}
	n.outbox.told = at
	return at, true
}

// send has Redis take one message.
func (n *Node) send(ctx context.Context, c rueidis.Client, w *wire) (Position, error) {
	epoch := n.reading.position().Epoch
	text, err := w.text()
	if err != nil {
		return Position{}, err
	}
	if epoch == 0 {
		return Position{}, errNoStream
	}
	// Only a reader begins a stream, with its epoch: one without is given up, and what it holds with it.
	id, err := c.Do(ctx, c.B().Xadd().Key(n.stream()).Nomkstream().Maxlen().Almost().Threshold(decimal(keepMessages)).Id("*").
		FieldValue().FieldValue(messageField, text).Build()).ToString()
	if rueidis.IsRedisNil(err) {
		err = errNoStream
	}
	if err != nil {
		return Position{}, err
	}
	at, ok := parseID(id)
	if !ok {
		return Position{}, errNonsense
	}
	at.Epoch = epoch
	n.stats.sent.Add(1)
	return at, nil
}

// deliver sends what is owed whenever Redis can be reached.
func (n *Node) deliver() {
	c := n.await()
	if c == nil {
		return
	}
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-n.outbox.wake:
		}
		for pause := operation; !n.caughtUp() || !n.flush(n.ctx, c, patient); pause = min(2*pause, connectMost) {
			if !n.sleep(pause) {
				return
			}
		}
	}
}

// flush sends what is owed, and reports whether nothing is any more.
func (n *Node) flush(ctx context.Context, c rueidis.Client, each time.Duration) bool {
	for {
		n.outbox.mu.Lock()
		if len(n.outbox.owed) == 0 {
			n.outbox.mu.Unlock()
			n.stuck.Store(false)
			return true
		}
		w := n.outbox.owed[0]
		n.outbox.mu.Unlock()
		ctx, cancel := context.WithTimeout(ctx, each)
		_, err := n.send(ctx, c, w)
		cancel()
		if err != nil {
			n.stuck.Store(true)
			if !errors.Is(err, errNoStream) && n.ctx.Err() == nil {
				n.report(err)
			}
			return false
		}
		n.settle(w.ID)
	}
}

// settle drops a message that has arrived, whether that was told or seen in the stream.
func (n *Node) settle(id string) {
	n.outbox.mu.Lock()
	defer n.outbox.mu.Unlock()
	for i, w := range n.outbox.owed {
		if w.ID == id {
			n.outbox.owed = append(n.outbox.owed[:i:i], n.outbox.owed[i+1:]...)
			n.outbox.sources -= len(w.Sources) + 1
			return
		}
	}
}

// owes reports whether messages wait.
func (b *outbox) owes() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.owed) > 0
}

// flushLast gives what is owed a last chance, where Redis answers.
func (n *Node) flushLast() {
	if c := n.reach(); c != nil && !n.breaker.isOpen() && n.outbox.owes() {
		ctx, cancel := context.WithTimeout(n.ctx, lastChance)
		defer cancel()
		n.flush(ctx, c, lastChance)
	}
}
