package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"path"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/spf13/cobra"

	"github.com/dd8bf596/cutline/internal/catalog"
)

// serveSettings are the settings that have a flag on serve; config takes the same, to show what serve would do.
var serveSettings = [...]string{"listen", "admin", "cache", "allow-private", "content", "workers", "log"}

func (p *program) serveCommand() *cobra.Command {
	var watched bool
	cmd := &cobra.Command{
		Use:     "serve [DIR]",
		GroupID: groupSite,
		Short:   "Serve the featured images, resized, re-encoded and cached",
		Long: `Scans the posts under DIR and serves their featured images over HTTP: the contact sheet
at /, pictures at /p/POST/hero.webp, their words in the response headers. Clients of imgix
find them at /SOURCE?w=800; pictures of the hosts in fetch.hosts too.

Posts are read at the start, and again for 'cutline rescan' or SIGHUP. With --watch, they
and the pictures that they name are followed: a post that is saved is served within a
second, one that cannot be read keeps what it showed, and one whose date comes appears.
Drafts, unpublished posts and posts of the future are left out, as the site's generator
leaves them out: no story is announced before its time.

Pictures are kept in the cache folder, one sub-folder per site, and survive a restart.
By default that is $XDG_CACHE_HOME/cutline or what the operating system has for it; where
that cannot be made, they are kept in memory only, with a warning.

Purges and rescans come in on an address of their own (--admin), for programs of this
machine alone unless keys has a token for them (admin:TOKEN). Prometheus finds /metrics
there, and go tool pprof /debug/pprof/. Requests are traced where OpenTelemetry's
variables ask for it (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER).

SIGTERM and SIGINT (Ctrl-C) let requests under way finish, for ` + formatDuration(shutdownGrace) + ` at most; a second one
does not wait. The exit code is 0 after SIGTERM, 130 after SIGINT, 1 when the address
cannot be listened on, 2 when the configuration is wrong or there is nothing to serve.`,
		Example: `  cutline serve testdata/site
  cutline serve --listen :8080 --cache /var/cache/cutline
  cutline serve --allow-private 10.20.0.0/16       pictures on the intranet too`,
		Args:              oneSite,
		ValidArgsFunction: siteCompletion,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := p.openSite(cmd, siteDir(args))
			if err != nil {
				return err
			}
			defer s.close()
			s.watched = watched
			return p.serve(cmd.Context(), s)
		},
	}
	cmd.Flags().BoolVar(&watched, "watch", false, "follow posts and pictures as they change")
	settingFlags(cmd, serveSettings[:]...)
	choice(cmd, "log", logWords()...)
	return cmd
}

// serve scans s and serves it until ctx ends.
func (p *program) serve(ctx context.Context, s *site) (err error) {
	log := newLog(p.stderr, s.config.config)
	tracing, log, err := p.startTracing(ctx, log)
	if err != nil {
		return err
	}
	defer stopTracing(ctx, tracing)
	limitMemory(s.config.config, memlimit.FromCgroup, log)
	c, err := s.scan(ctx, publishedOnly)
	if err != nil {
		return err
	}
	if len(c.Entries) == 0 && len(s.config.Fetch.Hosts) == 0 && s.config.signKeys.Len() == 0 && s.config.imgixToken == "" {
		// With nothing to serve there is nobody to refuse: every source would be outside the catalog.
		p.sayProblems(findings(c))
		return &usageError{fmt.Errorf("nothing to serve: no post under %q has a featured image (%s found), fetch.hosts lists no host, and there are no keys; 'cutline scan' says more",
			s.name, count(c.Posts, "post"))}
	}
	ln, admin, err := listen(ctx, s.config, log)
	if err != nil {
		return err
	}
	s.own = addresses(ln, admin)
	st, err := newStack(s, c, tracing, log)
	if err != nil {
		_ = ln.Close() // nobody was let in yet; the error is what matters
		if admin != nil {
			_ = admin.Close()
		}
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	defer runtime.KeepAlive(newHeadroom(debug.SetMemoryLimit(-1))) // of what workers leave
	server, clients := st.server(log), newCrowd(&steadyListener{Listener: ln, size: steadyBytes, limit: steadyTime}, connections(openFiles()))
	server.ConnState = clients.watch
	st.watch(clients)
	adminURL, stopAdmin := startAdmin(ctx, admin, s, st, log)
	defer stopAdmin()
	stopFollowing, err := st.follow(ctx, s, log)
	if err != nil {
		return err
	}
	defer stopFollowing()
	p.sayServing(log, s, c, st, baseURL(ln.Addr()), adminURL)
	mgr := manager{log}
	mgr.ready() // who connects from here on waits for no more than the first Accept
	setReady := func(ready bool) {
		if !ready {
			mgr.stopping()
		}
		st.proxy.SetReady(ready)
	}
	life := lifecycle{http: server, setReady: setReady, drain: drainTime, grace: shutdownGrace, log: log}
	return life.run(ctx, clients)
}

// connections is how many clients may be connected at a time when the process may have files open: half of them, because a
// request at work may need another one, of the cache or of an original. 8,192 of them, idle, take 200 MB at the most.
func connections(files uint64) int {
	const most = 8192
	if files == 0 || files/2 > most {
		return most
	}
	return int(files / 2)
}

// newLog logs to stderr as configured.
func newLog(stderr io.Writer, c *config) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.Log.Level}
	if c.Log.JSON {
		return slog.New(slog.NewJSONHandler(lineWriter{stderr}, o))
	}
	return slog.New(slog.NewTextHandler(stderr, o))
}

// listenError says in plain words why an address cannot be listened on.
func listenError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cannot listen on %s: something else does; --listen takes another address (port 0: a free one): %w", address, syscall.EADDRINUSE)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot listen on %s: not allowed; ports below 1024 need a privilege: %w", address, syscall.EACCES)
	}
	return fmt.Errorf("cannot listen on %s: %w", address, err)
}

// baseURL is where a browser on this machine finds the listener.
func baseURL(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "http://" + addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// sayServing tells what was found and where it is. In a log that programs read it is one record.
func (p *program) sayServing(log *slog.Logger, s *site, c *catalog.Catalog, st *stack, base, adminURL string) {
	problems := len(c.Lint())
	if s.config.Log.JSON {
		log.Info("serving", "url", base+"/", "images", len(c.Entries), "posts", c.Posts, "problems", problems, "cache", st.cacheDir,
			"hosts", s.config.Fetch.Hosts, "keys", len(s.config.Keys), "admin", adminURL)
		return
	}
	p.say("cutline %s: %s from %s in %s", readBuild().Version, count(len(c.Entries), "image"), count(c.Posts, "post"), s.name)
	if len(c.Exports) > 0 {
		p.say("  export    %s", printable(strings.Join(c.Exports, ", ")))
	}
	if problems > 0 {
		p.say("  problems  %d; 'cutline lint %s' lists them", problems, s.name)
	}
	if hosts := s.config.Fetch.Hosts; len(hosts) > 0 {
		p.say("  hosts     %s", strings.Join(hosts, ", "))
	}
	if n := len(s.config.Keys); n > 0 {
		p.say("  signed    any picture and size, by %s", count(n, "key"))
	}
	p.say("  cache     %s", st.cacheDir)
	if adminURL != "" {
		p.say("  admin     %s", adminURL)
	}
	p.say("  open      %s/", base)
	if len(c.Entries) > 0 {
		p.say("  try       curl -i %s%s", base, examplePath(c))
	}
}

// examplePath is the address of one picture of a catalog that has some: of the first post whose picture is in the site, so
// that it works without a network, else of the first.
func examplePath(c *catalog.Catalog) string {
	entry := c.Entries[0]
	if i := slices.IndexFunc(c.Entries, func(e *catalog.Entry) bool { return !e.Source.Remote() }); i >= 0 {
		entry = c.Entries[i]
	}
	post := strings.TrimSuffix(entry.Posts[0].Path, path.Ext(entry.Posts[0].Path))
	if slug := entry.Posts[0].Slug; slug != "" {
		if found, _, err := c.ByPost(slug); err == nil && found == entry {
			post = slug // what a person would type
		}
	}
	return (&url.URL{Path: "/p/" + post + "/hero.webp"}).EscapedPath()
}
