package sign

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const (
	keyA = "4Jx0V7mQ2sYb9tLr6WzK1nHc8dPf3gEa"
	keyB = "oT5uNw3RiXe7vGk1CzMq8yJh4sLb6dFp"
)

func newKeys(t testing.TB, texts ...string) Keys {
	t.Helper()
	k, err := NewKeys(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The signatures are those of `openssl dgst -sha256 -hmac KEY`.
func TestSign(t *testing.T) {
	k := newKeys(t, keyA)
	for _, tt := range []struct {
		target string
		exp    int64
		want   string
	}{
		{"/i/3k9v0c2m8q1d7f5e/w800-q40.webp", 0, "?s=tgeZGbB09G2YpboU-heqwOYBPXbyxdkK17zgGMpNigs"},
		{"/i/3k9v0c2m8q1d7f5e/w800-q40.webp", 1790000000, "?exp=1790000000&s=E4ZgenN5If7UyukMQLl28h0wMrl5Obivyvj3ljXWU8g"},
	} {
		exp := time.Time{}
		if tt.exp > 0 {
			exp = time.Unix(tt.exp, 999)
		}
		got, err := k.Sign(tt.target, exp)
		if err != nil || got != tt.target+tt.want {
			t.Errorf("Sign(%s) = %s, %v; want %s", tt.target, got, err, tt.want)
		}
	}
	for _, target := range []string{"", "i/x", "https://img.example/i/x", "/a b", "/a#b", "/é", "/a\n", "/a?s=1", "/a?w=1&exp=2", "/a?w=1&s", "/a/../b", "/a/%2E%2e/b", "/.", "/a\\b", "/a?x={y}"} {
		if got, err := k.Sign(target, time.Time{}); !errors.Is(err, ErrTarget) {
			t.Errorf("Sign(%q) = %q, %v; want ErrTarget", target, got, err)
		}
	}
	if _, err := (Keys{}).Sign("/a", time.Time{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
}

func TestVerify(t *testing.T) {
	k, now := newKeys(t, keyA), time.Unix(1_790_000_000, 0)
	sign := func(target string, exp int64) string {
		text := target
		if exp != 0 {
			text = join(target, fmt.Sprintf("exp=%d", exp))
		}
		return join(text, "s="+mac(keyA, text))
	}
	raw := func(message string) string { return join(message, "s="+mac(keyA, message)) }
	for _, tt := range []struct {
		name, target, want string // the Grant's
		err                error
	}{
		{"path", sign("/a.webp", 0), "/a.webp", nil},
		{"query", sign("/a?w=800&q=60", 0), "/a?w=800&q=60", nil},
		{"question marks", sign("/a?x=1?y=2", 0), "/a?x=1?y=2", nil},
		{"ampersand in the path", sign("/a&b", 0), "/a&b", nil},
		{"empty query", sign("/a?", 0), "/a?", nil},
		{"valid for a second", sign("/a", 1_790_000_001), "/a", nil},
		{"expired now", sign("/a", 1_790_000_000), "", ErrExpired},
		{"expired", sign("/a?w=1", 5), "", ErrExpired},
		{"no number", raw("/a?exp=tomorrow"), "", ErrTarget},
		{"another spelling of a number", raw("/a?exp=+1790000001"), "", ErrTarget},
		{"leading zero", raw("/a?exp=01790000001"), "", ErrTarget},
		{"negative", raw("/a?exp=-1"), "", ErrTarget},
		{"empty expiry", raw("/a?exp="), "", ErrTarget},
		{"expiry that is not last is left to the reader", raw("/a?exp=5&w=1"), "/a?exp=5&w=1", nil},
		{"none", "/a?w=800", "", ErrNone},
		{"in the path", "/a&s=" + mac(keyA, "/a"), "", ErrNone},
		{"not last", strings.Replace(sign("/a", 0), "?", "?w=1&", 1) + "&v=1", "", ErrNone},
		{"not the query's", "/a?x=1?s=" + mac(keyA, "/a?x=1"), "", ErrNone},
		{"upper-case name", strings.Replace(sign("/a", 0), "s=", "S=", 1), "", ErrNone},
		{"empty", "/a?s=", "", ErrWrong},
		{"another path", strings.Replace(sign("/a", 0), "/a", "/b", 1), "", ErrWrong},
		{"padding", sign("/a", 0) + "=", "", ErrWrong},
		{"percent-encoded padding", sign("/a", 0) + "%3D", "", ErrWrong},
		{"hexadecimal", "/a?s=" + fmt.Sprintf("%x", mac(keyA, "/a")), "", ErrWrong},
		{"percent-encoded", strings.Replace(sign("/%7Ea", 0), "%7E", "~", 1), "", ErrWrong},
		{"with an empty pair", strings.Replace(sign("/a", 0), "?", "?&", 1), "", ErrWrong},
		{"other key", join("/a", "s="+mac(keyB, "/a")), "", ErrWrong},
		{"absolute form", "http://h" + sign("/a", 0), "", ErrWrong},
	} {
		g, err := k.Verify(tt.target, now)
		if !errors.Is(err, tt.err) || err == nil && g.Target != tt.want {
			t.Errorf("%s: %s: %q, %v; want %q, %v", tt.name, tt.target, g.Target, err, tt.want, tt.err)
		}
		if got := Signed(tt.target); got == errors.Is(tt.err, ErrNone) {
			t.Errorf("%s: Signed(%s) = %v", tt.name, tt.target, got)
		}
	}
	if _, err := (Keys{}).Verify(sign("/a", 0), now); !errors.Is(err, ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
}

// K06: both keys do while both are there; the dropped one does no more.
func TestRotation(t *testing.T) {
	byOld, err := newKeys(t, keyA).Sign("/a", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	both := newKeys(t, keyB, keyA)
	byNew, err := both.Sign("/a", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for target, key := range map[string]int{byNew: 0, byOld: 1} {
		if g, err := both.Verify(target, time.Now()); err != nil || g.Key != key {
			t.Errorf("%s: key %d, %v; want %d", target, g.Key, err, key)
		}
	}
	if _, err := newKeys(t, keyB).Verify(byOld, time.Now()); !errors.Is(err, ErrWrong) {
		t.Errorf("the old key, dropped: %v", err)
	}
}

// K02: no target but the signed one is taken, whichever byte is another, missing or too many.
func TestMutations(t *testing.T) {
	k := newKeys(t, keyA, keyB)
	signed, err := k.Sign("/https%3A%2F%2Forigin.example%2Ffox.jpg?w=801&q=61", time.Unix(4_000_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		at, c := r.IntN(len(signed)), byte('!'+r.IntN('~'-'!'+1))
		for _, mutant := range []string{
			signed[:at] + string(c) + signed[at+1:], signed[:at] + signed[at+1:], signed[:at] + string(c) + signed[at:],
		} {
			if mutant == signed {
				continue
			}
			if g, err := k.Verify(mutant, time.Now()); err == nil {
				t.Fatalf("%s is taken as %+v", mutant, g)
			}
		}
	}
}

func FuzzVerify(f *testing.F) {
	k := newKeys(f, keyA)
	f.Add("/a?s=" + mac(keyA, "/a"))
	f.Add("/a?exp=4000000000&s=" + mac(keyA, "/a?exp=4000000000"))
	f.Add("/a&b?c?d&e=f&expires=1")
	f.Fuzz(func(t *testing.T, target string) {
		if _, err := k.Verify(target, time.Now()); err == nil {
			message, _ := Message(target)
			if join(message, "s="+mac(keyA, message)) != target {
				t.Errorf("%q is taken, and is not what Sign writes", target)
			}
		}
		_, _ = Token("t").Verify(target, time.Now())
		signed, err := k.Sign(target, time.Time{})
		if err != nil {
			return
		}
		if g, err := k.Verify(signed, time.Now()); err != nil || g.Target != target {
			t.Errorf("%q: %+v, %v", signed, g, err)
		}
	})
}

// K07: signatures are made anew and compared by hmac.Equal alone, with every key, and nothing leaves the loop early.
func TestComparesInConstantTime(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "sign.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	comparisons := 0
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Name.Name != "match" {
			continue
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.SelectorExpr:
				if x.Sel.Name == "Equal" && x.X.(*ast.Ident).Name == "hmac" {
					comparisons++
				}
			case *ast.BinaryExpr:
				t.Errorf("%s: a comparison by %s", fset.Position(x.Pos()), x.Op)
			case *ast.BranchStmt:
				t.Errorf("%s: leaves early", fset.Position(x.Pos()))
			case *ast.ForStmt, *ast.RangeStmt:
				ast.Inspect(n, func(n ast.Node) bool {
					if r, ok := n.(*ast.ReturnStmt); ok {
						t.Errorf("%s: leaves early", fset.Position(r.Pos()))
					}
					return true
				})
			}
			return true
		})
	}
	if comparisons != 1 {
		t.Errorf("%d comparisons by hmac.Equal in match, want 1", comparisons)
	}
}

// The first two vectors are of imgix's own documentation.
func TestToken(t *testing.T) {
	const token = Token("FOO123bar")
	now := time.Unix(1_790_000_000, 0)
	sum := func(message string) string { return join(message, "s="+md5Hex(string(token)+message)) }
	for _, tt := range []struct {
		target, want string
		err          error
	}{
		{"/users/1.png?s=6797c24146142d5b40bde3141fd3600c", "/users/1.png", nil},
		{"/http%3A%2F%2Favatars.com%2Fjohn-smith.png?s=493a52f008c91416351f8b33d4883135", "/http%3A%2F%2Favatars.com%2Fjohn-smith.png", nil},
		{sum("/a?w=400&h=300"), "/a?w=400&h=300", nil},
		{sum("/a?expires=1790000001&w=400"), "/a?w=400", nil},
		{sum("/a?w=400&expires=1790000001&auto"), "/a?w=400&auto", nil},
		{sum("/a?expires=1790000001"), "/a", nil},
		{sum("/a?expires=1790000000"), "", ErrExpired},
		{sum("/a?expires=soon"), "", ErrTarget},
		{sum("/a?expires=1790000001&expires=1790000002"), "", ErrTarget},
		{"/users/1.png?s=6797C24146142D5B40BDE3141FD3600C", "", ErrWrong},
		{"/users/2.png?s=6797c24146142d5b40bde3141fd3600c", "", ErrWrong},
		{"/users/1.png?s=" + mac(string(token), "/users/1.png"), "", ErrWrong},
		{"/users/1.png", "", ErrNone},
	} {
		g, err := token.Verify(tt.target, now)
		if !errors.Is(err, tt.err) || err == nil && g.Target != tt.want {
			t.Errorf("%s: %q, %v; want %q, %v", tt.target, g.Target, err, tt.want, tt.err)
		}
	}
	if signed, err := token.Sign("/a?w=400", time.Unix(1_790_000_001, 0)); err != nil || signed != sum("/a?w=400&expires=1790000001") {
		t.Errorf("Sign = %s, %v", signed, err)
	}
	if _, err := Token("").Verify("/users/1.png?s="+md5Hex("/users/1.png"), now); !errors.Is(err, ErrNoKey) {
		t.Errorf("without a token: %v", err)
	}
	if !OfImgix(sum("/a")) || OfImgix("/a?s="+mac(keyA, "/a")) || OfImgix("/a") {
		t.Error("OfImgix takes one for another")
	}
}

func TestCheckKey(t *testing.T) {
	for _, tt := range []struct{ key, says string }{
		{keyA, ""},
		{"0123456789abcdef0123456789abcdef", "guessed"},
		{"9f86d081884c7d659a2feaa0c55ad015", ""},
		{"h0xQ2+uT6u5pV3m3o1c9oZ8d1h8B7bq0Yk2E3w4r5tY=", ""},
		{"", "at least 32 bytes, this one has 0"},
		{keyA[1:], "at least 32 bytes, this one has 31"},
		{strings.Repeat("a", 64), "guessed"},
		{strings.Repeat("open sesame! ", 4), "guessed"},
		{"abcdefghijklmnopqrstuvwxyz0123456789", "guessed"},
		{"12345678901234567890123456789012", "guessed"},
		{"00000000000000000000000000000001", "guessed"},
		{"MY_SECURE_KEY_MY_SECURE_KEY_MY_SECURE_KEY", "guessed"},
		{"ChangeMe-4Jx0V7mQ2sYb9tLr6WzK1nHc8dPf3gEa", "an example"},
		{"4Jx0V7mQ2sYb9tLr6WzK1nHc8dPf3gEa-example", "an example"},
		{"4Jx0V7mQ2sYb9tLr6WzK1nHc\n8dPf3gEa", "one line"},
		{"4Jx0V7mQ2sYb9tLr6WzK1nHc\xff8dPf3gEa", "one line"},
	} {
		err := CheckKey(tt.key)
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("CheckKey(%q) = %v, want %q", tt.key, err, tt.says)
		}
		if err != nil && len(tt.key) > 8 && strings.Contains(err.Error(), tt.key[:8]) {
			t.Errorf("%v repeats the key", err)
		}
	}
	if k, err := NewKeys(keyA, "short"); err == nil || k.Len() != 0 || !strings.HasPrefix(err.Error(), "key 2: ") {
		t.Errorf("NewKeys = %v, %v", k, err)
	}
}

func TestCheckToken(t *testing.T) {
	for token, ok := range map[string]bool{
		"aZ3kQ9xB7mT2wR5v": true, "": false, "FOO123bar": false, "aaaaaaaaaaaaaaaa": false, "0123456789abcdef": false, "replace-me-please-1": false, "aZ3kQ9xB 7mT2wR5v": false,
	} {
		if err := CheckToken(token); (err == nil) != ok {
			t.Errorf("CheckToken(%q) = %v", token, err)
		}
	}
}

// K09: keys are in no text that is made of them.
func TestKeysAreNotPrinted(t *testing.T) {
	k := newKeys(t, keyA, keyB)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if got := fmt.Sprintf(verb, k); strings.Contains(got, keyA[:6]) || strings.Contains(got, keyB[:6]) {
			t.Errorf("%s prints %s", verb, got)
		}
		if got := fmt.Sprintf(verb, Token(keyA)); strings.Contains(got, keyA[:6]) {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}
