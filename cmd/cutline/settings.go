package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A setting binds one key to its field of a config. The table of settings is the only list of keys: file, environment,
// flags, help and "cutline config" all go by it.
type setting struct {
	key   string // dotted, as in the file: "fetch.max_bytes"
	about string // one line for --help
	flag  string // the flag that sets it for one run, and what it takes: "listen HOST:PORT"; "" has none
	value value
}

// flagName is the flag without dashes, "" where there is none.
func (s *setting) flagName() string {
	name, _, _ := strings.Cut(s.flag, " ")
	return name
}

// flagUsage is the flag's help; pflag takes the quoted word for what the flag takes.
func (s *setting) flagUsage() string {
	_, arg, _ := strings.Cut(s.flag, " ")
	return s.about + " (`" + arg + "`; " + s.key + ")"
}

// groups are the first parts of dotted keys, in the order of settings.
var groups = [...]string{"content", "fetch", "cache", "limits"}

// slots are the names that content.fields knows; see catalog.Options.Fields.
var slots = [...]string{
	"image", "alt", "cutline", "credit", "credit-url", "creator", "copyright", "license", "licensor", "licensor-url", "source-type", "focus",
}

// settings returns the table for c, in the order of the file. Reading a value changes c.
//
// The ranges keep out what cannot be meant: a timeout that no origin meets, a cache that holds no picture.
func settings(c *config) []setting {
	return slices.Concat(contentSettings(c), outputSettings(c), resourceSettings(c))
}

func contentSettings(c *config) []setting {
	return []setting{
		{"content.folders", "folders or export files with posts, under the site root; none: those of the layout", "content FOLDER",
			list(&c.Content.Folders, parseFolder, text)},
		{"content.fields", "front matter names by slot: image, alt, cutline, credit …", "",
			mapping(&c.Content.Fields, parseSlot, func(at *[]string) value { return list(at, parseDotted, text) })},
		{"content.image_base", "URL with {path}, for values that are keys of an image service", "",
			scalar(&c.Content.ImageBase, parseImageBase, text)},
		{"content.placeholders", "values that the theme takes for \"no image\"", "",
			list(&c.Content.Placeholders, parseNotEmpty, text)},
		{"listen", "address of the proxy, host:port; port 0 takes a free one", "listen HOST:PORT",
			scalar(&c.Listen, parseListen, text)},
		{"admin", "address of purges, rescans and metrics, host:port of this machine; \"off\" has none", "admin HOST:PORT",
			scalar(&c.Admin, parseAdmin, text)},
		{"keys", "that sign addresses: the one that signs, the one before it; imgix:TOKEN; admin:TOKEN for purges; as texts, or file:PATH", "",
			secretList{list(&c.Keys, parseKey, keyText)}},
		{"public_url", "scheme and host that absolute URLs begin with", "",
			scalar(&c.PublicURL, parsePublicURL, text)},
		{"fetch.hosts", "whose pictures may be asked for although no post shows them: names, or *.example.org for all below", "",
			list(&c.Fetch.Hosts, parseHost, text)},
		{"fetch.allow_private", "CIDR prefixes that may be dialled although private, on any port", "allow-private CIDR",
			list(&c.Fetch.AllowPrivate, parsePrefix, prefixText)},
		{"fetch.max_bytes", "largest original", "",
			scalar(&c.Fetch.MaxBytes, bytesBetween(1<<10, 1<<30), number(formatBytes))},
		{"fetch.timeout", "for one original, redirects and body included", "",
			scalar(&c.Fetch.Timeout, durationBetween(time.Millisecond, 5*time.Minute), durationText)},
		{"fetch.user_agent", "sent to origins; name a contact in it", "",
			scalar(&c.Fetch.UserAgent, parseUserAgent, text)},
		{"fetch.ignore", "what origins have no say in: changes of a post's picture, no-store (with private and no-cache)", "",
			list(&c.Fetch.Ignore, oneOf(ignoreChanges, ignoreNoStore), text)},
	}
}

func outputSettings(c *config) []setting {
	return []setting{
		{"lint", "what findings are, by code: error, warning or off; lint --codes lists the codes", "",
			mapping(&c.Lint, parseCode, func(at *catalog.Severity) value { return scalar(at, parseSeverity, severityText) })},
		{"presets", "named specs, added to hero, card, thumb, og, square and story", "",
			mapping(&c.Presets, parsePresetName, func(at *transform.Spec) value { return scalar(at, parsePreset, specText) })},
		{"widths", "the ladder that unsigned widths snap up to", "",
			ladder(&c.Widths)},
		{"formats", "that can be asked for: " + formatNames(), "",
			unique(list(&c.Formats, parseFormat, formatText))},
		{"quality", "where a spec names none: auto, 1 to 100, or {jpg: 82, webp: auto}", "",
			qualityValue{&c.Quality}},
	}
}

func resourceSettings(c *config) []setting {
	return []setting{
		{"cache.dir", "holds one folder per site; \"off\" keeps everything in memory", "cache FOLDER",
			scalar(&c.Cache.Dir, parseCacheDir, text)},
		{"cache.bucket", "shared by machines: s3://BUCKET?prefix=SITE&region=REGION, file:///FOLDER?prefix=SITE; none: not shared", "",
			secretValue{scalar(&c.Cache.Bucket, parseBucket, text)}},
		{"cache.redis", "Redis through which machines tell each other of purges and new posts: redis://HOST:6379?prefix=SITE", "",
			secretValue{scalar(&c.Cache.Redis, parseRedis, redisText)}},
		{"cache.memory", "bound of the memory tier", "",
			scalar(&c.Cache.Memory, bytesBetween(1<<20, 1<<40), number(formatBytes))},
		{"cache.disk", "bound of the disk tier", "",
			scalar(&c.Cache.Disk, bytesBetween(16<<20, 1<<50), number(formatBytes))},
		{"cache.fresh", "how long an original is current when its origin does not say", "",
			scalar(&c.Cache.Fresh, durationBetween(5*time.Minute, 30*24*time.Hour), durationText)},
		{"limits.pixels", "largest original, width × height", "",
			scalar(&c.Limits.Pixels, int64Between(1, 1_000_000_000), number(func(n int64) string { return strconv.FormatInt(n, 10) }))},
		{"limits.memory", "for decoding, all pictures under way together", "",
			scalar(&c.Limits.Memory, bytesBetween(16<<20, 1<<40), number(formatBytes))},
		{"limits.timeout", "for decoding, resizing and encoding one original", "",
			scalar(&c.Limits.Timeout, durationBetween(time.Millisecond, 5*time.Minute), durationText)},
		{"limits.workers", "pictures under way at a time, each in a process without files and network; 0: in this one", "workers N",
			scalar(&c.Limits.Workers, parseWorkers, number(workersText))},
		{"log", "from which level on, debug, info, warn or error, and json for programs: as in \"debug json\"", "log WORDS",
			scalar(&c.Log, parseLogging, number(logging.String))},
	}
}
