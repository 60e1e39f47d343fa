package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/cluster"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/proxy"
)

// redisPrefix is the parameter of cache.redis that names the site, as in cache.bucket.
const redisPrefix = "prefix"

// sitePrefix matches what may name a site in Redis.
var sitePrefix = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// parseRedis checks the URL of a Redis; "" is none.
func parseRedis(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	_, _, err := splitRedis(s)
	return s, err
}

// splitRedis returns a URL without its prefix, and that. Its errors do not repeat what may be a password.
func splitRedis(s string) (redis, prefix string, err error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", "", errors.New("expected a URL such as redis://HOST:6379?prefix=SITE")
	}
	q := u.Query()
	if prefix = q.Get(redisPrefix); !sitePrefix.MatchString(prefix) || len(q[redisPrefix]) != 1 {
		return "", "", errors.New("expected ?prefix=SITE in it, of letters, digits, dots and dashes: sites that share a Redis may not hear each other")
	}
	q.Del(redisPrefix)
	u.RawQuery = q.Encode()
	if err := cluster.Check(u.String()); err != nil {
		return "", "", err
	}
	return u.String(), prefix, nil
}

// redisText shows the URL of a Redis without its password.
func redisText(s string) *yaml.Node {
	if u, err := url.Parse(s); err == nil {
		return text(strings.Replace(u.Redacted(), ":xxxxx@", ":"+masked+"@", 1))
	}
	return text(masked)
}

// redisSilent is what /readyz says where Redis cannot be reached. What is purged here is purged elsewhere when it can be.
const redisSilent = "Redis does not answer, purges do not reach other machines"

// redisGrace is how long a server that has just begun may take to find Redis before that is worth a word.
const redisGrace = 10 * time.Second

// A node is this server as one of several. The zero value is alone.
type node struct {
	*cluster.Node
	begun time.Time
}

// openNode has st tell other machines what is purged, and hear of it, where they have a Redis. It asks it nothing before it returns.
func (st *stack) openNode(s *site, log *slog.Logger) error {
	if s.config.Cache.Redis == "" {
		return nil
	}
	url, prefix, err := splitRedis(s.config.Cache.Redis)
	if err != nil {
		return &usageError{fmt.Errorf("cache.redis: %w", err)}
	}
	keeper := positionKeeper{store: st.private}
	n, err := cluster.Open(cluster.Options{
		URL: url, Prefix: prefix, Load: keeper.load, Save: keeper.save,
		Report: func(err error) {
			if err != nil {
				log.Warn("Redis cannot be used: other machines are told of purges when it can", "err", maskPasswords(err.Error()))
				return
			}
			log.Info("Redis can be used again")
		},
	})
	if err != nil {
		return &usageError{fmt.Errorf("cache.redis: %w", err)}
	}
	st.node = &node{Node: n, begun: time.Now()}
	st.closers = append(st.closers, n.Close)
	return nil
}

// trouble is what /readyz says of n; nil and "" are none.
func (n *node) trouble() []string {
	if n == nil || n.Reachable() || time.Since(n.begun) < redisGrace {
		return nil
	}
	return []string{redisSilent}
}

// A positionKeeper keeps how far a node has read among what it keeps of sources, so that one does not outlive the other.
type positionKeeper struct{ store cache.Store }

// positionKey is no source's: theirs are hashes of one field.
func positionKey() cache.Key { return cache.NewKey(cache.Pointer, "cluster", "position") }

func (k positionKeeper) load() string {
	ctx, cancel := context.WithTimeout(context.Background(), tryTime)
	defer cancel()
	o, err := k.store.Get(ctx, positionKey())
	if err != nil {
		return ""
	}
	return string(o.Meta)
}

func (k positionKeeper) save(text string) {
	ctx, cancel := context.WithTimeout(context.Background(), tryTime)
	defer cancel()
	_ = k.store.Put(ctx, positionKey(), &cache.Object{Meta: []byte(text)}) // else it is read again; the tier has said why
}

// peers are the other nodes, as proxy knows them.
type peers struct{ n *node }

// peers are st's.
func (st *stack) peers() proxy.Peers {
	if st.node == nil {
		return nil
	}
	return peers{st.node}
}

// locker is st's; render asks it only where there is a bucket too.
func (st *stack) locker() render.Locker {
	if st.node == nil {
		return nil
	}
	return st.node
}

// Purged implements proxy.Peers.
func (p peers) Purged(ctx context.Context, how render.Purge, sources []source.Source) render.Order {
	kind := cluster.Forget
	switch how {
	case render.Withdraw:
		kind = cluster.Withdraw
	case render.Restore:
		kind = cluster.Restore
	}
	texts := make([]string, len(sources))
	for i, src := range sources {
		texts[i] = src.String()
	}
	at, told := p.n.Tell(ctx, kind, texts...)
	return render.Order{At: render.Position(at), Owed: !told}
}

// Rescanned implements proxy.Peers.
func (p peers) Rescanned(ctx context.Context) { p.n.Tell(ctx, cluster.Rescan) }

// A listener does what other nodes tell.
type listener struct {
	renderer *render.Renderer
	server   *proxy.Server
	begun    time.Time
	log      *slog.Logger
}

var _ cluster.Handler = (*listener)(nil)

// listenToNodes has st do what the other nodes tell, until it is closed.
func (st *stack) listenToNodes(log *slog.Logger) {
	if st.node == nil {
		return
	}
	st.node.Follow(&listener{renderer: st.renderer, server: st.proxy, begun: st.node.begun, log: log})
}

// Apply implements cluster.Handler.
func (l *listener) Apply(ctx context.Context, m cluster.Message) {
	how := render.Forget
	switch m.Kind {
	case cluster.Rescan:
		// What was told long before the start, the scan at the start has seen. Clocks may differ a little.
		if told := time.UnixMilli(int64(m.At.Time)); !m.Own && (!m.Learn || told.After(l.begun.Add(-time.Minute))) { //nolint:gosec // a time
			l.server.Heard(ctx)
		}
		return
	case cluster.Withdraw:
		how = render.Withdraw
	case cluster.Restore:
		how = render.Restore
	}
	var sources []source.Source
	for _, text := range m.Sources {
		src, err := source.Parse(text)
		if err != nil {
			l.log.Warn("another machine purges what is no source here", "err", err)
			continue
		}
		sources = append(sources, src)
	}
	l.renderer.Apply(ctx, how, render.Position(m.At), m.Own, sources...)
	if m.Own || m.Learn {
		return
	}
	l.server.Forgotten(sources...)
	l.log.Info("purged, as another machine has told", "how", string(m.Kind), "sources", len(sources))
}

// Reached implements cluster.Handler.
func (l *listener) Reached(at cluster.Position) { l.renderer.Reached(render.Position(at)) }

// Doubt implements cluster.Handler.
func (l *listener) Doubt(d cluster.Doubt) {
	l.renderer.Doubt(render.Position(d.Private), render.Position(d.Shared))
	l.log.Info("what was purged while this machine was away cannot be told: pictures are looked up once more")
}
