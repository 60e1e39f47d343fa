package cluster

import (
	"strconv"
	"sync/atomic"
)

// The bounds of what Redis may send, and is sent: the longest answer is readMost messages.
const (
	maxBulk     = 2 * maxMessage
	maxElements = 64 << 10 // of all arrays of one value
	maxLine     = 4 << 10
	maxDepth    = 8
)

// A counter reads RESP as it passes, in any parts, and counts values that are complete; pushed ones, which answer nothing, are not
// counted. It keeps nothing but the line it is in. done may be read from another goroutine.
type counter struct {
	done atomic.Int64

	line     []byte // since the last line ended
	skip     int    // bytes of a bulk string to come, its line end included
	open     []int  // elements to come, by depth
	pushed   bool   // the value is one
	elements int    // of the value so far
	failed   bool
}

// count takes what comes next. Its error is errLies, and stays.
func (c *counter) count(p []byte) error {
	for len(p) > 0 && !c.failed {
		if c.skip > 0 {
			n := min(c.skip, len(p))
			p, c.skip = p[n:], c.skip-n
			if c.skip == 0 {
				c.ended()
			}
			continue
		}
		c.line = append(c.line, p[0])
		if p[0] == '\n' {
			c.failed = !c.begin(c.line)
			c.line = c.line[:0]
		} else if len(c.line) > maxLine {
			c.failed = true
		}
		p = p[1:]
	}
	if c.failed {
		return errLies
	}
	return nil
}

// begin takes a whole line, and reports whether it makes sense.
func (c *counter) begin(line []byte) bool {
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return false
	}
	kind, rest := line[0], string(line[1:len(line)-2])
	if len(c.open) == 0 {
		c.elements, c.pushed = 0, kind == '>'
	}
	switch kind {
	case '+', '-', ',', '(':
		c.ended()
		return true
	case ':', '_', '#': // the client takes their lengths for granted
		c.ended()
		return kind == ':' && isNumber(rest) || kind == '_' && rest == "" || kind == '#' && (rest == "t" || rest == "f")
	case '$', '!', '=':
		n, err := strconv.Atoi(rest)
		switch {
		case err != nil || !isNumber(rest) || n < -1 || n > maxBulk || n == -1 && kind != '$':
			return false
		case n == -1:
			c.ended()
		default:
			c.skip = n + 2
		}
		return true
	case '*', '~', '%', '>':
		n, err := strconv.Atoi(rest)
		if err != nil || !isNumber(rest) || n < -1 || n > maxElements || kind != '*' && n < 0 || kind == '>' && (len(c.open) > 0 || n < 1) {
			return false
		}
		if kind == '%' {
			n *= 2
		}
		if c.elements += max(n, 0); c.elements > maxElements || len(c.open) >= maxDepth {
			return false
		}
		if n <= 0 {
			c.ended()
		} else {
			c.open = append(c.open, n)
		}
		return true
	}
	return false
}

// ended notes that a value has ended, and with it those of which it is the last part.
func (c *counter) ended() {
	for len(c.open) > 0 {
		last := &c.open[len(c.open)-1]
		if *last--; *last > 0 {
			return
		}
		c.open = c.open[:len(c.open)-1]
	}
	if !c.pushed {
		c.done.Add(1)
	}
}

// isNumber reports whether s is a number as Redis writes it, which no two readers take for different ones.
func isNumber(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && strconv.FormatInt(n, 10) == s
}
