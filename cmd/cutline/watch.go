package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/watch"
	"github.com/dd8bf596/cutline/proxy"
)

// A follower has a server read its posts again when they change, or when somebody sends SIGHUP.
type follower struct {
	site   *site
	root   string // of the site, absolute and without symbolic links
	server *proxy.Server
	log    *slog.Logger
	config os.FileInfo // of the configuration's file when it was last looked at; nil where there is none
}

// newestAhead is how many pictures are made ahead at the start of a server that follows its posts: those of a front page and a feed.
const newestAhead = 50

// follow begins to follow s, where it is watched, and to listen to SIGHUP, until ctx ends or stop, which waits for that.
func (st *stack) follow(ctx context.Context, s *site, log *slog.Logger) (stop func(), err error) {
	f := &follower{site: s, server: st.proxy, log: log}
	if f.root, err = filepath.Abs(s.dir); err == nil {
		f.root, err = filepath.EvalSymlinks(f.root)
	}
	if err != nil {
		return nil, fmt.Errorf("site folder %q: %w", s.dir, plainReason(err))
	}
	f.config = f.statConfig()
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	running.Go(func() { f.obey(ctx, signals) })
	newest := 0
	if s.watched {
		newest = newestAhead
		running.Go(func() { f.run(ctx) })
	}
	running.Go(func() { f.server.MakeAhead(ctx, newest) })
	return func() { cancel(); running.Wait() }, nil
}

// obey reads the posts again, all of them, for each SIGHUP.
func (f *follower) obey(ctx context.Context, signals chan os.Signal) {
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			mgr := manager{f.log}
			mgr.reloading()
			f.tell(f.server.Rescan(ctx))
			mgr.ready() // also where the posts could not be read: what was read before is served
		}
	}
}

// run watches until ctx ends.
func (f *follower) run(ctx context.Context) {
	w := watch.New(watch.Options{Matters: f.matters, Report: f.report})
	defer func() {
		if err := w.Close(); err != nil {
			f.report(err)
		}
	}()
	for polled := false; ; {
		trail := f.server.Trail()
		w.Follow(f.folders(trail))
		if w.Polls() && !polled {
			polled = true
			f.log.Info("posts are looked at every few seconds, because the system does not tell of all changes", "every", watch.DefaultPoll.String())
		}
		if w.Wait(ctx, trail.Next) != nil {
			return
		}
		f.tell(f.server.Follow(ctx))
		f.compareConfig()
	}
}

// folders are what is to be watched for trail.
func (f *follower) folders(trail *catalog.Trail) []string {
	var all []string
	for _, dir := range trail.Folders {
		all = append(all, filepath.Join(f.root, filepath.FromSlash(dir)))
	}
	for _, link := range trail.Links {
		if target, err := filepath.EvalSymlinks(filepath.Join(f.root, filepath.FromSlash(link))); err == nil {
			all = append(all, filepath.Dir(target))
		}
	}
	return all
}

// matters reports whether what happens to a file may change the catalog. In the root, any file may: the layout is told by them.
func (f *follower) matters(path string) bool {
	dir, name := filepath.Split(path)
	if catalog.Matters(name) {
		return !built.MatchString(name) || f.shows(path)
	}
	if filepath.Clean(dir) == f.root {
		return !strings.HasPrefix(name, ".") && strings.Contains(name, ".")
	}
	rel, ok := below(f.root, path)
	return ok && slices.Contains(f.server.Trail().Exports, rel)
}

// built matches the names that prefetch gives to the files it makes, when nobody gives it others.
var built = regexp.MustCompile(`-[0-9]+-[0-9a-f]{8}\.[a-z]+$`)

// shows reports whether a post shows the picture at path.
func (f *follower) shows(path string) bool {
	name, ok := below(f.root, path)
	if !ok {
		return false
	}
	src, err := source.Local(name)
	return err == nil && f.server.Shows(src)
}

// tell says what came of a scan that nobody asked for by a request.
func (f *follower) tell(result *proxy.RescanResult, err error) {
	if err != nil {
		return // the server has said so
	}
	for _, p := range result.Appeared {
		f.log.Warn("a post has an error", "at", fmt.Sprintf("%s:%d", p.File, p.Line), "code", p.Code, "problem", maskPasswords(p.Message))
	}
	if result.Repaired > 0 {
		f.log.Info("errors in posts are gone", "errors", result.Repaired)
	}
}

// report logs what went wrong with watching, with advice where there is some.
func (f *follower) report(err error) {
	advice := ""
	switch {
	case errors.Is(err, syscall.ENOSPC):
		advice = "raise the limit (sysctl fs.inotify.max_user_watches=524288) and restart"
	case errors.Is(err, syscall.EMFILE):
		advice = "raise the limits (sysctl fs.inotify.max_user_instances=1024, ulimit -n) and restart"
	}
	if advice == "" {
		f.log.Warn("watching", "err", err)
		return
	}
	f.log.Warn("watching", "err", err, "advice", advice)
}

// statConfig looks at the file that the configuration is read from.
func (f *follower) statConfig() os.FileInfo {
	info, err := os.Stat(cmp.Or(f.site.configFile, filepath.Join(f.root, configName)))
	if err != nil {
		return nil
	}
	return info
}

// compareConfig says that a configuration that changed is not the one in use. It is read at the start only: listeners, tiers and keys
// hang on it.
func (f *follower) compareConfig() {
	before, now := f.config, f.statConfig()
	f.config = now
	same := before == nil && now == nil ||
		before != nil && now != nil && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
	if !same {
		f.log.Warn("the configuration has changed and is read at the start only: restart the server", "file", cmp.Or(f.site.configFile, configName))
	}
}
