package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/dd8bf596/cutline/internal/sign"
)

const (
	// keyFile begins a secret that stands in a file of its own: file:/run/secrets/cutline.
	keyFile = "file:"
	// imgixKey begins the token by which imgix's clients sign: imgix:aZ3kQ9xB7mT2wR5v, imgix:file:/run/secrets/imgix.
	imgixKey = "imgix:"
	// adminKey begins the token that purges and rescans bear: admin:xS1k…, admin:file:/run/secrets/admin.
	adminKey = "admin:"
	// maxKeys is how many keys there may be beside tokens: the one that signs, and the one before it.
	maxKeys = 2
)

// checkOf is what checks a key of the configuration, and what is left to be checked behind the prefix that says what it is
// for; prefix is "" for what signs addresses.
func checkOf(key string) (check func(string) error, prefix, rest string) {
	switch {
	case strings.HasPrefix(key, imgixKey):
		return sign.CheckToken, imgixKey, key[len(imgixKey):]
	case strings.HasPrefix(key, adminKey):
		return checkToken, adminKey, key[len(adminKey):]
	}
	return sign.CheckKey, "", key
}

// parseKey reads a key or a token, or the name of its file.
func parseKey(s string) (string, error) {
	check, _, rest := checkOf(s)
	path, isFile := strings.CutPrefix(rest, keyFile)
	if !isFile {
		return s, check(rest)
	}
	return s, checkPath(path)
}

// checkPath refuses what no file can have for its name.
func checkPath(path string) error {
	if path == "" || strings.ContainsRune(path, 0) {
		return errors.New("expected the name of a file behind 'file:'")
	}
	return nil
}

// keyText shows what kind of key it is and where, never the key.
func keyText(s string) *yaml.Node {
	_, prefix, rest := checkOf(s)
	if !strings.HasPrefix(rest, keyFile) {
		rest = masked
	}
	return text(prefix + rest)
}

// A secretList is a list of secrets.
type secretList struct{ *listValue[string] }

func (v secretList) read(n *yaml.Node, report reportFunc) { v.listValue.read(n, hiding(report)) }

// A secretValue may be given with a secret in it, by mistake, and does not quote what it refuses.
type secretValue struct{ value }

func (v secretValue) read(n *yaml.Node, report reportFunc) { v.value.read(n, hiding(report)) }

// hasAdminToken reports whether one of the keys lets in who bears it.
func (l *loader) hasAdminToken() bool {
	return slices.ContainsFunc(l.Keys, func(key string) bool { return strings.HasPrefix(key, adminKey) })
}

// readKeys reads the keys and tokens that stand in files of their own, and refuses those that anybody on this machine can read, in
// whatever file they are.
func (l *loader) readKeys() {
	found := map[string][]string{} // by prefix
	for i, key := range l.Keys {
		check, prefix, rest := checkOf(key)
		secret, err := l.secretOf("keys", rest, check)
		if err != nil {
			l.keyFault("[" + strconv.Itoa(i) + "]: " + err.Error())
			continue
		}
		found[prefix] = append(found[prefix], secret)
	}
	if n := len(found[""]); n > maxKeys {
		l.keyFault(fmt.Sprintf(": expected at most %d, the one that signs first (got %d)", maxKeys, n))
	}
	for _, prefix := range [...]string{imgixKey, adminKey} {
		if n := len(found[prefix]); n > 1 {
			l.keyFault(fmt.Sprintf(": expected at most one with %s (got %d)", prefix, n))
		}
	}
	if len(l.faults) > 0 {
		return
	}
	l.imgixToken = sign.Token(strings.Join(found[imgixKey], ""))
	l.adminToken = strings.Join(found[adminKey], "")
	var err error
	if l.signKeys, err = sign.NewKeys(found[""]...); err != nil { // each has been checked
		l.keyFault(": " + err.Error())
	}
}

func (l *loader) keyFault(what string) {
	l.faults = append(l.faults, fault{where: l.origin["keys"], what: "keys" + what})
}

// secretOf is what value stands for, at key: itself, or what is in its file.
func (l *loader) secretOf(key, value string, check func(string) error) (string, error) {
	path, isFile := strings.CutPrefix(value, keyFile)
	inFile := l.file != "" && strings.HasPrefix(l.origin[key], l.file+":")
	switch {
	case !isFile && inFile:
		if info, err := os.Stat(l.file); err == nil && !isPrivate(info) {
			return "", fmt.Errorf("stands in a file that everybody on this machine may read: chmod o= %s, or name a file of its own by %sPATH",
				l.file, keyFile)
		}
		return value, nil
	case !isFile:
		return value, nil
	case inFile && !filepath.IsAbs(path):
		path = filepath.Join(filepath.Dir(l.file), path)
	}
	value, err := readSecret(path)
	if err == nil {
		err = check(value)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return value, nil
}

// isPrivate reports whether only the file's owner and group may read and change it. Windows has its rights elsewhere.
func isPrivate(info fs.FileInfo) bool {
	const others = 0o007
	return runtime.GOOS == "windows" || info.Mode().Perm()&others == 0
}

// maxSecret bounds a file with a secret, in bytes.
const maxSecret = 4 << 10

// readSecret is the one line of a file that nobody else may read.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would be waited for
	if err != nil {
		return "", plainReason(err)
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("expected a file")
	}
	if !isPrivate(info) {
		return "", fmt.Errorf("everybody on this machine may read it: chmod o= %s", path)
	}
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return "", plainReason(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", plainReason(err)
	}
	if len(data) > maxSecret {
		return "", fmt.Errorf("expected one line, of at most %s", formatBytes(maxSecret))
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}
