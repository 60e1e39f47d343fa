package sign

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// leastKey is what a key has at least, in bytes: as many as HMAC-SHA256's result, below which RFC 2104 §3 advises against it.
const leastKey = 32

// leastBits is what a key's text is worth at least, as strength counts. Of 200,000 texts of 32 random hexadecimal digits none had
// less than 89; repeated words, runs and digits typed by hand have less than 80.
const leastBits = 80

// examples are parts of keys that somebody copied, in lower case. Random keys of 44 characters of base64 have one of them once
// in some ten million times.
var examples = [...]string{"changeme", "change-me", "change_me", "example", "password", "secret", "default", "replace", "insert", "your-key", "your_key", "yourkey", "notasecret"}

// howToMake is the end of messages.
const howToMake = "; 'openssl rand -base64 32' makes a good one"

// CheckKey says what is wrong with a key: too short, an example, or one that is easily guessed; nil is nothing. Its texts do not
// repeat the key.
func CheckKey(text string) error {
	if len(text) < leastKey {
		return fmt.Errorf("expected a key of at least %d bytes, this one has %d%s", leastKey, len(text), howToMake)
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("expected a key of one line of text" + howToMake)
	}
	folded := strings.ToLower(text)
	if slices.ContainsFunc(examples[:], func(word string) bool { return strings.Contains(folded, word) }) {
		return errors.New("this key is an example, or was made by hand" + howToMake)
	}
	if strength(text) < leastBits {
		return errors.New("this key can be guessed: too few different characters, or a pattern" + howToMake)
	}
	return nil
}

// leastToken and leastTokenBits are as leastKey and leastBits, of imgix's tokens: 16 letters and digits, of which 100,000 random
// ones had 47 bits or more.
const (
	leastToken     = 16
	leastTokenBits = 40
)

// CheckToken is CheckKey for a token of imgix's.
func CheckToken(text string) error {
	bad := func(r rune) bool { return r <= ' ' || r > '~' }
	switch folded := strings.ToLower(text); {
	case len(text) < leastToken || strings.ContainsFunc(text, bad):
		return fmt.Errorf("expected a token of at least %d letters and digits, this one has %d", leastToken, len(text))
	case slices.ContainsFunc(examples[:], func(word string) bool { return strings.Contains(folded, word) }), strength(text) < leastTokenBits:
		return errors.New("this token is an example, or can be guessed")
	}
	return nil
}

// strength is the information in a key, in bits, as far as the key itself shows: what it repeats counts once, and then the
// characters or their distances, whichever say less. Whether a text is known elsewhere cannot be seen.
func strength(text string) float64 {
	unit := text[:period(text)]
	distances := make([]byte, 0, len(unit))
	for i := 1; i < len(unit); i++ {
		distances = append(distances, unit[i]-unit[i-1])
	}
	return float64(len(unit)) * min(entropy([]byte(unit)), entropy(distances))
}

// period is the length of the shortest text of which the whole is a repetition, be it broken off.
func period(text string) int {
	for n := 1; n < len(text); n++ {
		if text[n:] == text[:len(text)-n] {
			return n
		}
	}
	return len(text)
}

// entropy is Shannon's, in bits per byte, of the bytes' frequencies.
func entropy(text []byte) float64 {
	var counts [256]int
	for _, c := range text {
		counts[c]++
	}
	bits := 0.0
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(text))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
