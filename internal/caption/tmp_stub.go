package caption

import "errors"

const Rev = "1"

var ErrTooLong = errors.New("x")

func Embed(b []byte, w Words) ([]byte, error) { return b, nil }
func Extract(b []byte) (Found, error)         { return Found{}, nil }
func Cost(w Words) int                        { return 0 }
func (w Words) Cut(n int) Words               { return w }
