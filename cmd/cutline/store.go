package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"sync"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/bucket"
	"github.com/dd8bf596/cutline/internal/telemetry"
)

// memoryOnly is what people are told in place of a cache folder.
const memoryOnly = "memory only"

// openCache opens the tiers, fastest first. The default folder is nobody's wish: where it cannot be made, as for a
// system user whose home does not exist, the cache is in memory only, and a warning says so. A folder that was named and
// cannot be opened is an error.
func (st *stack) openCache(s *site, log *slog.Logger) (cache.Store, error) {
	most := tierBytes(s.config.config, debug.SetMemoryLimit(-1)) // which only reads it
	if most < s.config.Cache.Memory {
		log.Warn("there is less memory than the budgets add up to: the memory tier of the cache is smaller",
			"bytes", most, "configured", s.config.Cache.Memory)
	}
	memory, err := cache.NewMemory(cache.MemoryOptions{MaxBytes: most})
	if err != nil {
		return nil, fmt.Errorf("memory cache: %w", err)
	}
	st.near = memory
	st.tiers = []telemetry.Tier{{Name: "memory", Stats: memory.Stats}}
	st.pressure = pressure{tier: most, held: func() int64 { return memory.Stats().Bytes }}
	st.closers = append(st.closers, memory.Close)
	st.cacheDir = memoryOnly
	stores, logs := []cache.Store{memory}, []*tierLog{{log: log, tier: "memory"}} // of the same tiers
	add := func(store cache.Store, l *tierLog) { stores, logs = append(stores, store), append(logs, l) }
	if err := st.openDisk(s, log, add); err != nil {
		return nil, err
	}
	var tiers *cache.Tiers
	adopt := func(k cache.Key) {
		ctx, cancel := context.WithTimeout(context.Background(), adoptTime)
		defer cancel()
		if tiers.Adopt(ctx, k) {
			st.adopted(k)
		}
	}
	st.private = memory
	if len(stores) > 1 {
		st.private = cache.NewTiers(cache.TiersOptions{}, stores...)
	}
	alone := len(stores)
	if err := st.openBucket(s, log, adopt, add); err != nil {
		return nil, err
	}
	if len(stores) > alone {
		st.common = stores[alone]
	}
	if len(stores) == 1 {
		return memory, nil
	}
	report := func(tier int, err error) { logs[tier].report(err) }
	tiers = cache.NewTiers(cache.TiersOptions{Report: report}, stores...)
	return tiers, nil
}

// adoptTime bounds how long it takes to have what another machine put first.
const adoptTime = 10 * time.Second

// openDisk adds the disk tier, unless there is none.
func (st *stack) openDisk(s *site, log *slog.Logger, add func(cache.Store, *tierLog)) error {
	if s.config.Cache.Dir == cacheOff {
		return nil
	}
	name, err := siteCacheName(s.dir)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.config.Cache.Dir, name)
	disk, err := cache.OpenDisk(cache.DiskOptions{Dir: dir, MaxBytes: s.config.Cache.Disk})
	switch {
	case err != nil && s.config.origin["cache.dir"] == originDefault:
		log.Warn("the default cache folder cannot be used: pictures are kept in memory only and made anew after a restart; --cache takes another folder, or off",
			"folder", dir, "err", err)
		st.health.trouble = folderUnused
		return nil
	case err != nil:
		return fmt.Errorf("disk cache: %w; --cache takes another folder, or off", err)
	}
	st.cacheDir = dir
	st.closers = append(st.closers, disk.Close)
	st.health.try = func() string { trouble, _ := tryKeeping(disk); return trouble } // the log has its reason from whatever else fails
	if _, err := tryKeeping(disk); err != nil {
		log.Warn("the cache folder cannot be written: what it holds is served, what is new is kept in memory only; --cache takes another folder",
			"folder", dir, "err", err)
	}
	l := &tierLog{log: log, tier: "disk"}
	behind, err := cache.NewBehind(disk, cache.BehindOptions{Report: l.report})
	if err != nil {
		return fmt.Errorf("disk cache: %w", err)
	}
	st.closers = append(st.closers, behind.Close)
	st.tiers = append(st.tiers, counted("disk", disk, behind))
	add(behind, l)
	return nil
}

// openBucket adds the tier that machines share, unless there is none. It asks the bucket nothing before it returns: a server without
// it works, and says so.
func (st *stack) openBucket(s *site, log *slog.Logger, adopt func(cache.Key), add func(cache.Store, *tierLog)) error {
	if s.config.Cache.Bucket == "" {
		return nil
	}
	l := &tierLog{log: log, tier: "bucket"}
	b, err := bucket.Open(context.Background(), bucket.Options{
		URL:      s.config.Cache.Bucket,
		MaxBytes: max(s.config.Fetch.MaxBytes, 64<<20), // an original, or a rendition
		Report:   l.report,
	})
	if err != nil {
		return &usageError{fmt.Errorf("cache.bucket: %w", err)}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var first sync.WaitGroup
	first.Go(func() { _ = tryBucket(ctx, b) }) // the log has its reason from b
	st.closers = append(st.closers, func() error { cancel(); first.Wait(); return b.Close() })
	st.shared.silent = bucketSilent
	st.shared.try = func() string { return tryBucket(ctx, b) }
	behind, err := cache.NewBehind(b, cache.BehindOptions{NoWait: true, Report: l.report, Exists: adopt})
	if err != nil {
		return fmt.Errorf("bucket: %w", err)
	}
	st.closers = append(st.closers, behind.Close)
	st.tiers = append(st.tiers, counted("bucket", b, behind))
	add(behind, l)
	return nil
}

// siteCacheName is the sub-folder of a site in the cache folder. Pointers are keyed by source, and a source such as
// /img/hero.jpg means another picture on another site: two sites may never share a folder. The name is taken from the
// folder's real path, so that one site has one cache however it is reached; a site that moves begins anew.
func siteCacheName(dir string) (string, error) {
	real, err := filepath.Abs(dir)
	if err == nil {
		real, err = filepath.EvalSymlinks(real)
	}
	if err != nil {
		return "", fmt.Errorf("site folder %q: %w", dir, err)
	}
	sum := sha256.Sum256([]byte(real))
	readable := notPlain.ReplaceAllString(filepath.Base(real), "_")
	return cmp.Or(readable[:min(len(readable), 32)], "site") + "-" + hex.EncodeToString(sum[:8]), nil
}

// notPlain matches what a folder name on every file system does without.
var notPlain = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// aheadShare is the part of the cache that pictures nobody has asked for may take in a day. On disk and in memory they make room first,
// before all that was asked for twice (ADR 23).
const aheadShare = 10

// aheadBytes is that in bytes: of the disk, or, where there is none, of the memory.
func aheadBytes(c *config, dir string) int64 {
	if dir == memoryOnly {
		return c.Cache.Memory / aheadShare
	}
	return c.Cache.Disk / aheadShare
}
