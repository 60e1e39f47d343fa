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

// errBehind says that there may be take-downs in the stream that this node has not read yet.
var errBehind = errors.New("not read far enough")

// errNoStream says that this node has yet to find the stream, or that Redis has lost it.
var errNoStream = errors.New("no stream")

// An outbox is the messages that Redis has not taken. They are sent in the order in which they were said: a take-down that comes
// after its restore would be for ever.
type outbox struct {
	mu      sync.Mutex // of sending too
	owed    []*wire
	sources int
	told    Position // of the last message that was not owed
	wake    chan struct{}
	sending chan struct{} // holds one while what is owed is being sent
}

func (b *outbox) init() { b.wake, b.sending = make(chan struct{}, 1), make(chan struct{}, 1) }

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

// add keeps messages for later; where they are too many, that there were some.
func (b *outbox) add(from string, messages ...*wire) {
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
	text, err := w.text()
	if err != nil {
		return Position{}, err
	}
	return n.append(func() rueidis.RedisResult {
		// Only a reader begins a stream, with its epoch: one without is given up, and what it holds with it.
		return c.Do(ctx, c.B().Xadd().Key(n.stream()).Nomkstream().Maxlen().Almost().Threshold(decimal(keepMessages)).Id("*").
			FieldValue().FieldValue(messageField, text).Build())
	})
}

// appendScript takes a message if the stream has the entry ARGV[1] and behind it fewer than ARGV[2], none of which has the text ARGV[3] or
// ARGV[4].
const appendScript = `if redis.call("XLEN",KEYS[1]) == 0 then return false end
local l = redis.call("XRANGE",KEYS[1],ARGV[1],"+","COUNT",ARGV[2] + 1)
if not l[1] or l[1][1] ~= ARGV[1] or #l > ARGV[2] + 0 then return "" end
for i = 2, #l do
  local text = l[i][2][2]
  if string.find(text,ARGV[3],1,true) or string.find(text,ARGV[4],1,true) then return "" end
end
return redis.call("XADD",KEYS[1],"MAXLEN","~",ARGV[5],"*",ARGV[6],ARGV[7])`

// takeDown is in the text of a message that takes sources down, and of no other: within sources its quotes are escaped.
const takeDown = `"do":"` + string(Withdraw) + `"`

// sendAfter is send for what is owed, of which text has the ID: whoever says it has to know of all take-downs that were told before, and it may
// have come already. It fails with errBehind where the stream has one of them behind tip, or as much as is read at one time.
func (n *Node) sendAfter(ctx context.Context, c rueidis.Client, tip Position, id, text string) (Position, error) {
	return n.append(func() rueidis.RedisResult {
		return c.Do(ctx, c.B().Eval().Script(appendScript).Numkeys(1).Key(n.stream()).
			Arg(tip.id(), decimal(readMost), takeDown, id, decimal(keepMessages), messageField, text).Build())
	})
}

// append has Redis take one message, and reads where it is.
func (n *Node) append(do func() rueidis.RedisResult) (Position, error) {
	epoch := n.reading.position().Epoch
	if epoch == 0 {
		return Position{}, errNoStream
	}
	id, err := do().ToString()
	switch {
	case rueidis.IsRedisNil(err):
		return Position{}, errNoStream
	case err != nil:
		return Position{}, err
	case id == "":
		return Position{}, errBehind
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
		behind, pause := operation/5, operation
		for err := n.flush(n.ctx, c, patient); err != nil; err = n.flush(n.ctx, c, patient) {
			if errors.Is(err, errBehind) { // the reader is at it
				if !n.sleep(behind) {
					return
				}
				behind = min(2*behind, 4*operation)
				continue
			}
			if !n.sleep(pause) {
				return
			}
			pause = min(2*pause, connectMost)
		}
	}
}

// flush sends what is owed, as long as this node has read far enough. nil means that nothing is owed any more.
func (n *Node) flush(ctx context.Context, c rueidis.Client, each time.Duration) error {
	select {
	case n.outbox.sending <- struct{}{}:
		defer func() { <-n.outbox.sending }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var sent Position // a node knows what it has sent itself before it reads it
	for {
		tip := n.reading.position() // before it is looked what is owed: what is settled after this is behind tip
		if tip.Epoch == sent.Epoch && tip.before(sent) {
			tip = sent
		}
		id, text, err := n.outbox.first()
		if id == "" {
			n.stuck.Store(false)
			return nil
		}
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, each)
		at, err := n.sendAfter(ctx, c, tip, id, text)
		cancel()
		if errors.Is(err, errBehind) {
			return err
		}
		if err != nil {
			n.stuck.Store(true)
			if !errors.Is(err, errNoStream) && n.ctx.Err() == nil {
				n.report(err)
			}
			return err
		}
		sent = at
		n.settle(id)
	}
}

// first is the ID and the text of what is to be sent next; without ID nothing is.
func (b *outbox) first() (id, text string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.owed) == 0 {
		return "", "", nil
	}
	text, err = b.owed[0].text()
	return b.owed[0].ID, text, err
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
	c := n.reach()
	if c == nil || n.breaker.isOpen() || !n.outbox.owes() {
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, lastChance)
	defer cancel()
	for errors.Is(n.flush(ctx, c, lastChance), errBehind) && ctx.Err() == nil {
		n.sleep(operation / 5)
	}
}
