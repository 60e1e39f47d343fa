package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/dd8bf596/cutline/internal/sign"
)

// configName is the configuration in a site root.
const configName = "cutline.yaml"

// envPrefix begins every variable that is ours: CUTLINE_FETCH_MAX_BYTES is fetch.max_bytes.
const envPrefix = "CUTLINE_"

// kubernetes matches the variables that a cluster sets in every container beside a Service named "cutline". They begin
// like ours and mean nothing to us; no key of ours begins with "service" or "port".
var kubernetes = regexp.MustCompile(`^CUTLINE_(SERVICE_|PORT$|PORT_)`)

// A fault is one mistake in the configuration.
type fault struct {
	where string // "cutline.yaml:3", "CUTLINE_FETCH_TIMEOUT", "--listen"
	line  int    // of the file, for sorting; 0 elsewhere
	what  string // "key: what is wrong (got …)"
}

// A configError is every mistake of a configuration at once, one per line.
type configError struct{ faults []fault }

func (e *configError) Error() string {
	lines := make([]string, len(e.faults))
	for i, f := range e.faults {
		lines[i] = f.where + ": " + f.what
	}
	return strings.Join(lines, "\n")
}

// configSources says where a configuration comes from, weakest first: the defaults, then these.
type configSources struct {
	dir   string      // the site root; its cutline.yaml is read when there is one
	file  string      // read instead of it, and must exist; "" is none
	env   environ     // the process's variables
	flags []flagValue // of this run
}

// A flagValue is a flag that was given.
type flagValue struct {
	name string   // without dashes
	text []string // one, or as many as the flag was repeated
}

// An effective configuration is what the sources come to.
type effective struct {
	*config
	settings   []setting // bound to config
	signKeys   sign.Keys // what Keys names
	imgixToken sign.Token
	adminToken string            // lets in whoever bears it, and nobody else; "" lets in every program of this machine
	origin     map[string]string // by key, where its value comes from: originDefault, "cutline.yaml:12", "CUTLINE_LISTEN", "--listen"
}

// movedKey is how configurations spell what is one of keys. Its value is a secret, and is not quoted.
const movedKey = "admin_token"

// originDefault is the origin of a value that no source names.
const originDefault = "default"

// loadConfig reads all sources and reports all mistakes at once, as a *configError. Other errors are those of reading
// the file.
func loadConfig(src configSources) (*effective, error) {
	c := defaultConfig(src.env)
	l := &loader{
		effective: effective{config: c, settings: settings(c), origin: map[string]string{}},
		cacheBase: ".",
	}
	for _, s := range l.settings {
		l.origin[s.key] = originDefault
	}
	if err := l.readFile(src); err != nil {
		return nil, err
	}
	l.readEnv(src.env)
	l.readFlags(src.flags)
	if len(l.faults) == 0 {
		l.check()
		l.readKeys()
	}
	if len(l.faults) > 0 {
		return nil, &configError{l.faults}
	}
	base, err := filepath.Abs(l.cacheBase)
	if err != nil {
		return nil, fmt.Errorf("cache.dir: %w", err)
	}
	c.Cache.Dir = under(base, c.Cache.Dir)
	return &l.effective, nil
}

type loader struct {
	effective
	faults    []fault
	file      string // that was read; "" is none
	cacheBase string // what a relative cache.dir is relative to: the folder of the file that names it, or the current one
}

// setting returns the row of the table for key, or nil.
func (l *loader) setting(key string) *setting {
	i := slices.IndexFunc(l.settings, func(s setting) bool { return s.key == key })
	if i < 0 {
		return nil
	}
	return &l.settings[i]
}

// readFile reads the site's file, or the one that was named.
func (l *loader) readFile(src configSources) error {
	name := cmp.Or(src.file, filepath.Join(src.dir, configName))
	data, err := os.ReadFile(name) //nolint:gosec // whoever runs the program names it
	if errors.Is(err, fs.ErrNotExist) && src.file == "" {
		// The other spelling would be ignored in silence, defaults in force.
		other := filepath.Join(src.dir, "cutline.yml")
		if _, err := os.Lstat(other); err == nil {
			l.faults = append(l.faults, fault{where: other, what: "is not read; rename it to " + configName})
		}
		return nil
	}
	if err != nil {
		return &usageError{fmt.Errorf("read configuration: %w", err)}
	}
	l.file = name
	f := &fileReader{loader: l, name: name}
	f.read(data)
	slices.SortStableFunc(l.faults, func(a, b fault) int { return cmp.Compare(a.line, b.line) })
	if strings.HasPrefix(l.origin["cache.dir"], name+":") {
		l.cacheBase = filepath.Dir(name)
	}
	return nil
}

// readEnv reads the variables that begin with envPrefix, in the order of their names. An empty one counts as not set:
// that is how compose files pass on what nobody set. Lists are separated by commas; maps stand in the file alone.
func (l *loader) readEnv(env environ) {
	names := map[string]string{}
	for _, s := range l.settings {
		names[envName(s.key)] = s.key
	}
	for _, name := range env.names(envPrefix) {
		value := env.get(name)
		if value == "" || kubernetes.MatchString(name) {
			continue
		}
		key, ok := names[name]
		if !ok {
			what := "unknown variable" + didYouMean(name, sortedKeys(names))
			if name == envName(movedKey) {
				what = movedKey + ": write it into CUTLINE_KEYS, as admin:TOKEN or admin:file:PATH"
			}
			l.faults = append(l.faults, fault{where: name, what: what})
			continue
		}
		s := l.setting(key)
		switch s.value.kind() {
		case yaml.MappingNode:
			l.faults = append(l.faults, fault{where: name, what: key + ": can only be set in the file"})
		case yaml.SequenceNode:
			l.set(s, name, strings.Split(value, ","))
		default:
			l.set(s, name, []string{value})
		}
	}
}

func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// readFlags reads the flags of this run.
func (l *loader) readFlags(flags []flagValue) {
	for _, f := range flags {
		i := slices.IndexFunc(l.settings, func(s setting) bool { return s.flagName() == f.name })
		l.set(&l.settings[i], "--"+f.name, f.text)
	}
}

// set gives s the words that a variable or flag holds, replacing those of weaker sources.
func (l *loader) set(s *setting, where string, words []string) {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for _, word := range words {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.TrimSpace(word)})
	}
	if s.value.kind() == yaml.ScalarNode {
		n = n.Content[0]
	}
	s.value.read(n, func(n *yaml.Node, below, what string) {
		l.faults = append(l.faults, fault{where: where, what: fmt.Sprintf("%s%s: %s (got %s)", s.key, below, what, gotText(n))})
	})
	l.origin[s.key] = where
	if s.key == "cache.dir" {
		l.cacheBase = "."
	}
}

// check looks at values that are good alone but not together.
func (l *loader) check() {
	if l.Admin != adminOff && !l.hasAdminToken() && !loopback(l.Admin) {
		l.faults = append(l.faults, fault{
			where: l.origin["admin"],
			what:  fmt.Sprintf("admin: expected an address of this machine such as 127.0.0.1:9091, unless keys has admin:TOKEN (got %q)", l.Admin),
		})
	}
	// A pixel takes 4 bytes in the form that everything is resized in (image.NRGBA).
	if need := 4 * l.Limits.Pixels; l.Limits.Memory < need {
		l.faults = append(l.faults, fault{
			where: l.origin["limits.memory"],
			what: fmt.Sprintf("limits.memory: must hold one picture of limits.pixels, %d × 4 bytes = %s (got %s)",
				l.Limits.Pixels, formatBytes(need), formatBytes(l.Limits.Memory)),
		})
	}
}

// A fileReader reads one file into a loader.
type fileReader struct {
	*loader
	name string
}

// yamlError takes apart what the YAML parser says: it puts the line into the text.
var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func (f *fileReader) read(data []byte) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	err := dec.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		return // empty, or comments alone
	case err != nil:
		m := yamlError.FindStringSubmatch(err.Error())
		if m == nil {
			m = []string{"", "", err.Error()}
		}
		line, err := strconv.Atoi(m[1])
		if err != nil {
			line = syntaxLine(data, m[2])
		}
		f.report(line, "not YAML: "+m[2])
		return
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		f.report(second.Line, "expected one YAML document, here begins a second")
	}
	top := follow(doc.Content[0])
	if top.Kind != yaml.MappingNode {
		if top.ShortTag() != "!!null" {
			f.report(top.Line, "expected keys such as listen: 127.0.0.1:8080")
		}
		return
	}
	f.duplicates(top, "")
	for key, child := range pairs(top) {
		f.top(key, child)
	}
}

var (
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
	badCharacter  = regexp.MustCompile(`control characters|UTF-8|Unicode`)
	notInYAML     = regexp.MustCompile(`[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{84}\x{86}-\x{9f}\x{fffd}-\x{ffff}]`) // invalid UTF-8 reads as U+FFFD
)

// syntaxLine is the line, from 1, of what the YAML parser refused in data with a message that names none: an alias of
// nothing, a character that YAML forbids (YAML 1.2.2 §5.1), or whatever else stands in the first line, which the parser
// counts as 0 and leaves out.
func syntaxLine(data []byte, message string) int {
	var at []int
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		at = regexp.MustCompile(`\*` + regexp.QuoteMeta(m[1]) + `(?:[\s,\]}]|$)`).FindIndex(data)
	} else if badCharacter.MatchString(message) {
		at = notInYAML.FindIndex(data)
	}
	if at == nil {
		return 1
	}
	return 1 + bytes.Count(data[:at[0]], []byte("\n"))
}

func (f *fileReader) report(line int, what string) {
	where := f.name
	if line > 0 {
		where += ":" + strconv.Itoa(line)
	}
	f.faults = append(f.faults, fault{where: where, line: line, what: what})
}

// top reads one key of the first level: a group or a setting.
func (f *fileReader) top(key, child *yaml.Node) {
	if !slices.Contains(groups[:], key.Value) {
		f.leaf(key, key.Value, child)
		return
	}
	group := follow(child)
	switch {
	case group.Kind == yaml.MappingNode:
		for k, c := range pairs(group) {
			f.leaf(k, key.Value+"."+k.Value, c)
		}
	case group.ShortTag() != "!!null": // a group whose keys are all commented out is none
		f.report(child.Line, fmt.Sprintf("%s: expected keys below it (got %s)", key.Value, gotText(group)))
	}
}

// leaf reads one setting.
func (f *fileReader) leaf(key *yaml.Node, name string, child *yaml.Node) {
	s := f.setting(name)
	switch {
	case key.Kind != yaml.ScalarNode:
		f.report(key.Line, "expected the name of a key (got "+gotText(key)+")")
		return
	case name == movedKey:
		f.report(key.Line, name+": write it as keys: [admin:TOKEN], or keys: [admin:file:PATH]")
		return
	case s == nil:
		known := make([]string, len(f.settings))
		for i, s := range f.settings {
			known[i] = s.key
		}
		f.report(key.Line, name+": unknown key"+didYouMean(name, known))
		return
	}
	s.value.read(child, func(n *yaml.Node, below, what string) {
		f.report(n.Line, fmt.Sprintf("%s%s: %s (got %s)", name, below, what, gotText(n)))
	})
	f.origin[name] = f.name + ":" + strconv.Itoa(key.Line)
}

// duplicates reports every key that stands twice in one mapping; decoding into nodes does not.
func (f *fileReader) duplicates(n *yaml.Node, path string) {
	first := map[string]int{}
	for key, child := range pairs(n) {
		name := strings.TrimPrefix(path+"."+key.Value, ".")
		if line, ok := first[key.Value]; ok {
			f.report(key.Line, fmt.Sprintf("%s: stands twice, first in line %d", name, line))
		} else {
			first[key.Value] = key.Line
		}
		if child.Kind == yaml.MappingNode {
			f.duplicates(child, name)
		}
	}
}

// pairs ranges over the keys and values of a mapping.
func pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(*yaml.Node, *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}
