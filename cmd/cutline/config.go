package main

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/proxy"
)

// A config is everything that can be configured. Each field is one key of the file, spelled in lower case with "_"
// (Fetch.MaxBytes is fetch.max_bytes); the settings table binds the two and holds the ranges. Packages receive their own
// small option structs, never this one.
//
// The zero config is not usable; start from defaultConfig.
type config struct {
	// Content says where the posts are and how they name their pictures.
	Content struct {
		// Folders and export files hold the posts, as slash paths under the site root; none means the folders of the detected layout.
		Folders []string
		// Fields adds front matter names by slot (image, alt, cutline …) as dotted paths, tried before the known ones.
		Fields map[string][]string
		// ImageBase is a URL with {path} for values that are keys of an image service rather than URLs or files.
		ImageBase string
		// Placeholders are values that the theme takes for "no image".
		Placeholders []string
	}

	// Listen is the address of the proxy as host:port; port 0 takes a free one.
	Listen string
	// Admin is the address of the admin listener as host:port, of this machine alone unless one of Keys is for it; adminOff
	// has none.
	Admin string
	// Keys sign addresses that are open to nobody else: each a text, or keyFile and a path. The first signs, all check. One that
	// begins with imgixKey is the token of imgix's clients, one that begins with adminKey that of purges and rescans.
	Keys []string
	// PublicURL is the scheme and host that absolute URLs in answers begin with; "" leaves them relative.
	PublicURL string

	// Fetch bounds what is fetched for originals, and from where.
	Fetch struct {
		// Hosts lists those whose pictures may be asked for although no post shows them.
		Hosts []string
		// AllowPrivate lists prefixes that may be dialled although private, on any port.
		AllowPrivate []netip.Prefix
		// MaxBytes is the largest original.
		MaxBytes int64
		// Timeout is for one original, redirects and body included.
		Timeout time.Duration
		// UserAgent is sent to origins. Large archives block clients that name no contact.
		UserAgent string
		// Ignore is what origins have no say in: ignoreChanges, ignoreNoStore.
		Ignore []string
	}

	// Lint is what findings are, by code, where it is not what they are by themselves.
	Lint map[string]catalog.Severity
	// Presets are named specs without format. Those of the file are added to the default ones, or replace them by name.
	Presets map[string]transform.Spec
	// Widths is the ladder, ascending: widths that nobody signed snap up to it.
	Widths []int
	// Formats can be asked for; ".auto" takes the smallest that suits the picture and the client.
	Formats []transform.Format
	// Quality is that of lossy formats where a spec names none, 1…100 on each encoder's own scale; absent or 0 has one
	// searched for each picture.
	Quality map[transform.Format]int

	// Cache says where and how much is kept.
	Cache struct {
		// Dir holds one folder per site; cacheOff keeps everything in memory.
		Dir string
		// Bucket is the URL of the tier that machines share; "" has none.
		Bucket string
		// Redis is the URL of what machines tell each other through; "" has none.
		Redis string
		// Memory and Disk bound the tiers, in bytes.
		Memory, Disk int64
		// Fresh is how long an original counts as current when its origin does not say.
		Fresh time.Duration
	}

	// Limits keeps one picture, or many at once, from taking the machine.
	Limits struct {
		// Pixels is the largest original, width × height.
		Pixels int64
		// Memory is for decoding, all pictures under way together, in bytes.
		Memory int64
		// Timeout is for decoding, resizing and encoding one original.
		Timeout time.Duration
		// Workers is how many pictures are made at a time, each in a process of its own; 0 is one per CPU in this process,
		// workersAuto one per CPU where processes can be shut in.
		Workers int
	}

	// Log says what is logged to standard error, and how.
	Log logging
}

// The words of fetch.ignore.
const (
	ignoreChanges = "changes"  // a post's picture stays the one that was published when its origin replaces it
	ignoreNoStore = "no-store" // and private, and no-cache: what they forbid keeping is kept
)

// adminOff as admin has no admin listener.
const adminOff = "off"

// workersAuto as limits.workers is what suits the machine.
const workersAuto = -1

// cacheOff as cache.dir keeps everything in memory.
const cacheOff = "off"

// defaultConfig is the configuration without file, environment and flags. The numbers are those of design.md, §4 and §8.
func defaultConfig(env environ) *config {
	c := &config{
		Listen:  "127.0.0.1:8080",
		Admin:   "127.0.0.1:9091",
		Presets: proxy.DefaultPresets(),
		Widths:  proxy.DefaultWidths(),
		Formats: writable(),
	}
	c.Fetch.MaxBytes = 20_000_000
	c.Fetch.Timeout = 15 * time.Second
	c.Fetch.UserAgent = "cutline/" + readBuild().Version + " (+https://github.com/dd8bf596/cutline)"
	c.Cache.Dir = defaultCacheDir(env)
	c.Cache.Memory = 128 << 20
	c.Cache.Disk = 2 << 30
	c.Cache.Fresh = 24 * time.Hour
	c.Limits.Pixels = 50_000_000
	c.Limits.Memory = 256 << 20
	c.Limits.Timeout = 10 * time.Second
	c.Limits.Workers = workersAuto
	c.Log = logging{Level: slog.LevelInfo}
	return c
}

// defaultCacheDir is $XDG_CACHE_HOME/cutline, or the place that the operating system has for such things. It is
// cacheOff where there is neither, as in a container without a home folder: a place that nobody named would be lost
// with the container, or shared with strangers.
func defaultCacheDir(env environ) string {
	if dir := env.get("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "cutline")
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return cacheOff
	}
	return filepath.Join(dir, "cutline")
}

// maxOutput is the longest side of a rendition, in pixels: render's default, or the widest thing that the configuration
// itself asks for. As a key of its own it could contradict the ladder.
func (c *config) maxOutput() int {
	longest := render.DefaultMaxOutput
	for _, w := range c.Widths {
		longest = max(longest, w)
	}
	for _, spec := range c.Presets {
		folded := spec.Fold()
		longest = max(longest, folded.Width, folded.Height)
	}
	return longest
}
