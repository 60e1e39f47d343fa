package proxy

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	// bodyTime and bodyBytes are what a request's body may take. Some clients send a short one with every GET, and it comes with the
	// header.
	bodyTime  = time.Second
	bodyBytes = 64 << 10
)

// skipBody takes what a request has beyond its header: no route here reads it. Left to net/http, a body that drips in, or that never
// comes, would hold up the answer until the server's read timeout, and a connection as long, in a reader's place. A client whose body
// is not there in time is answered, and has to come back for more.
func skipBody(c *gin.Context) {
	req := c.Request
	if req.ContentLength == 0 {
		return
	}
	// It holds for what net/http reads later too. Once the body has ended, net/http lifts it. An error is of a writer without deadlines.
	_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(bodyTime))
	if req.Header.Get("Expect") != "" {
		return // it is not sent before we ask for it, and the connection ends with the answer
	}
	if _, err := io.CopyN(io.Discard, req.Body, bodyBytes+1); !errors.Is(err, io.EOF) {
		c.Header("Connection", "close")
	}
}
