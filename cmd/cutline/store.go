package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"runtime/debug"

	"github.com/dd8bf596/cutline/cache"
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
	if s.config.Cache.Dir == cacheOff {
		return memory, nil
	}
	name, err := siteCacheName(s.dir)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.config.Cache.Dir, name)
	disk, err := cache.OpenDisk(cache.DiskOptions{Dir: dir, MaxBytes: s.config.Cache.Disk})
	switch {
	case err != nil && s.config.origin["cache.dir"] == originDefault:
		log.Warn("the default cache folder cannot be used: pictures are kept in memory only and made anew after a restart; --cache takes another folder, or off",
			"folder", dir, "err", err)
		st.health.trouble = folderUnused
		return memory, nil
	case err != nil:
		return nil, fmt.Errorf("disk cache: %w; --cache takes another folder, or off", err)
	}
	st.cacheDir = dir
	st.closers = append(st.closers, disk.Close)
	st.health.try = func() string { trouble, _ := tryKeeping(disk); return trouble } // the log has its reason from whatever else fails
	if _, err := tryKeeping(disk); err != nil {
		log.Warn("the cache folder cannot be written: what it holds is served, what is new is kept in memory only; --cache takes another folder",
			"folder", dir, "err", err)
	}
	logs := [...]*tierLog{{log: log, tier: "memory"}, {log: log, tier: "disk"}} // in the order of the stores
	report := func(tier int, err error) { logs[tier].report(err) }
	behind, err := cache.NewBehind(disk, cache.BehindOptions{Report: logs[1].report})
	if err != nil {
		return nil, fmt.Errorf("disk cache: %w", err)
	}
	st.closers = append(st.closers, behind.Close)
	st.tiers, st.queue = append(st.tiers, telemetry.Tier{Name: "disk", Stats: diskStats(disk, behind)}), behind.Stats
	return cache.NewTiers(cache.TiersOptions{Report: report}, memory, behind), nil
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
