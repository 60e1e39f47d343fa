// Package cluster is what several nodes of one site tell each other through Redis: locks, so that work is done once, and
// a stream of what was purged and where posts changed, which each node reads from where it left off.
//
// Nothing depends on it. A Redis that is absent, slow, restarted, emptied or lying costs work that is done twice, and
// that other nodes hear of a purge later; ADR 35 says what holds then. It knows neither pictures nor posts: sources are
// texts, and what a message means is the Handler's.
package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// Options configures a Node; URL is required.
type Options struct {
	// URL is where Redis is: redis://, rediss:// with TLS, unix://, each with user:password@ and a database, and with
	// ?addr=HOST:PORT for more nodes of a Redis Cluster or more sentinels, then with &master_set=NAME.
	URL string
	// Prefix begins all keys: nodes that have it in common are one cluster, others never hear each other.
	Prefix string
	// Load and Save keep a short text over restarts: how far this node has read. It has to vanish with what the node keeps of
	// sources. nil has it unknown at the start, and then what the node kept is in doubt.
	Load func() string
	Save func(string)
	// Report is told that Redis cannot be reached or answers with nonsense, once, and with nil that it is back. It is
	// called from any goroutine and must return soon; nil drops it.
	Report func(error)
}

// A Position is a place in the order of all messages, as Redis numbers them within one epoch. The zero Position is before
// all of them.
type Position struct {
	Epoch     uint64 // of the stream; another one is another stream, whose positions cannot be compared with these
	Time, Seq uint64 // Redis' entry ID: milliseconds, and a number within them
}

// before reports whether p is before q in the same epoch.
func (p Position) before(q Position) bool {
	return p.Time < q.Time || p.Time == q.Time && p.Seq < q.Seq
}

// id is p as Redis writes it.
func (p Position) id() string { return fmt.Sprintf("%d-%d", p.Time, p.Seq) }

// A Handler does what messages say. Its methods are called by one goroutine, one after the other.
type Handler interface {
	// Apply does what m says. It comes in the order of positions.
	Apply(ctx context.Context, m Message)
	// Reached says that everything up to at has been applied.
	Reached(at Position)
	// Doubt says that messages may have been missed.
	Doubt(d Doubt)
}

// A Doubt says what may not be taken for granted because messages were missed. What was found out at a position of another epoch
// than these is from before.
type Doubt struct {
	Private Position // what this node alone keeps of sources, if it was found out before
	Shared  Position // what others keep with it, if it was found out before, in this epoch; zero is none
}

// A Node is one of several. It is safe for concurrent use.
type Node struct {
	o      Options
	redis  rueidis.ClientOption
	name   string // of this run
	ctx    context.Context
	end    context.CancelFunc
	idle   sync.WaitGroup
	client atomic.Pointer[rueidis.Client]
	ready  chan struct{} // closed when client is set

	breaker breaker
	keeper  keeper
	outbox  outbox
	stats   counters
	reading reading
	lost    atomic.Bool // reported
	stuck   atomic.Bool // Redis did not take a message that it was sent last
}

const (
	// operation bounds one operation that an answer waits for.
	operation = 50 * time.Millisecond
	// patient bounds one that nobody waits for: a Redis that is slow is still told, and heard.
	patient = 10 * time.Second
	// connectMost is the longest pause between two tries to connect.
	connectMost = 5 * time.Second
	buffer      = 64 << 10
)

// Check says what is wrong with a URL; nil means nothing. It asks nobody.
func Check(url string) error {
	_, err := parse(url)
	return err
}

// parse reads a URL. Its errors do not repeat it, for it may hold a password.
func parse(url string) (rueidis.ClientOption, error) {
	o, err := rueidis.ParseURL(url)
	if err != nil || len(o.InitAddress) == 0 || o.InitAddress[0] == "" {
		return o, fmt.Errorf("expected redis://[USER:PASSWORD@]HOST:PORT[/DB], rediss:// with TLS, or unix:///PATH")
	}
	return o, nil
}

// Open returns a Node that connects to Redis, and connects again, beside all else; an absent Redis is no error, a URL that cannot be
// read is. Close ends it.
func Open(o Options) (*Node, error) {
	redis, err := parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	dial := redis.DialCtxFn
	redis.DialCtxFn = guardDial(dial)
	redis.DisableCache = true // nothing is read twice
	redis.DisableRetry = true // within 50 ms there is one try
	redis.PipelineMultiplex = -1
	redis.ReadBufferEachConn, redis.WriteBufferEachConn, redis.RingScaleEachConn = buffer, buffer, 8
	redis.Dialer.Timeout = cmp.Or(redis.Dialer.Timeout, patient/2)
	n := &Node{o: o, redis: redis, name: random(), ready: make(chan struct{})}
	n.ctx, n.end = context.WithCancel(context.Background())
	n.keeper.init()
	n.outbox.init()
	n.idle.Go(n.connect)
	n.idle.Go(n.probe)
	n.idle.Go(n.keep)
	return n, nil
}

// Name tells this run of this node from all others.
func (n *Node) Name() string { return n.name }

// connect makes the client. Once there is one, it connects again by itself.
func (n *Node) connect() {
	for pause := operation; ; pause = min(2*pause, connectMost) {
		client, err := rueidis.NewClient(n.redis)
		if err == nil {
			n.client.Store(&client)
			close(n.ready)
			return
		}
		n.breaker.open()
		n.report(err)
		if !n.sleep(pause) {
			return
		}
	}
}

// sleep waits for about d, and reports whether there is reason to go on.
func (n *Node) sleep(d time.Duration) bool {
	select {
	case <-n.ctx.Done():
		return false
	case <-time.After(jitter(d)):
		return true
	}
}

// reach returns the client, nil while there is none.
func (n *Node) reach() rueidis.Client {
	if c := n.client.Load(); c != nil {
		return *c
	}
	return nil
}

// await waits for the client; nil when the node is closed.
func (n *Node) await() rueidis.Client {
	select {
	case <-n.ready:
		return n.reach()
	case <-n.ctx.Done():
		return nil
	}
}

// report tells of trouble once, and of its end once.
func (n *Node) report(err error) {
	if was := n.lost.Swap(err != nil); was == (err != nil) || n.o.Report == nil || n.ctx.Err() != nil {
		return
	}
	if err != nil {
		err = fmt.Errorf("redis: %w", err)
	}
	n.o.Report(err)
}

// Reachable reports whether Redis answers and takes messages, as far as is known: it costs no operation.
func (n *Node) Reachable() bool {
	return n.reach() != nil && !n.breaker.isOpen() && !n.stuck.Load() && n.reading.current()
}

// Close lets go of locks, gives messages that wait a last chance of a second, and ends the connections. Calls that come later find Redis absent.
func (n *Node) Close() error {
	owed := n.outbox.owes()
	n.flushLast()
	n.end()
	n.idle.Wait()
	if owed && !n.outbox.owes() { // or the next run would have all nodes doubt
		n.outbox.mu.Lock()
		n.save()
		n.outbox.mu.Unlock()
	}
	if c := n.reach(); c != nil {
		c.Close()
	}
	return nil
}

// random is a name that nobody else has.
func random() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // it never returns an error
	return hex.EncodeToString(id[:])
}
