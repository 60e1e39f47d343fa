package fetch

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// TestFetchTLS is row S50 of the fault matrix: a certificate that proves nothing is an origin that cannot be reached, however well it
// answers, and is not asked without TLS instead.
func TestFetchTLS(t *testing.T) {
	now := time.Now()
	loopbackIP := []net.IP{net.IPv4(127, 0, 0, 1)}
	for _, tt := range []struct {
		name    string
		until   time.Time
		ips     []net.IP
		trusted bool
		version uint16
		want    error
	}{
		{"good", now.Add(time.Hour), loopbackIP, true, tls.VersionTLS12, nil},
		{"nobody vouches for it", now.Add(time.Hour), loopbackIP, false, tls.VersionTLS13, ErrUnreachable},
		{"expired", now.Add(-time.Minute), loopbackIP, true, tls.VersionTLS13, ErrUnreachable},
		{"of another host", now.Add(time.Hour), []net.IP{net.IPv4(127, 0, 0, 2)}, true, tls.VersionTLS13, ErrUnreachable},
		{"TLS 1.0", now.Add(time.Hour), loopbackIP, true, tls.VersionTLS10, ErrUnreachable},
		{"TLS 1.1", now.Add(time.Hour), loopbackIP, true, tls.VersionTLS11, ErrUnreachable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			certificate := selfSigned(t, tt.until, tt.ips)
			server := httptest.NewUnstartedServer(imagetest.Picture(picture))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, MaxVersion: tt.version}
			server.StartTLS()
			t.Cleanup(server.Close)
			f := loopback(t, Options{})
			if tt.trusted {
				roots := x509.NewCertPool()
				roots.AddCert(certificate.Leaf)
				f.transport.TLSClientConfig = &tls.Config{RootCAs: roots}
			}
			o, err := f.Fetch(t.Context(), parse(t, server.URL+"/a.jpg"), Validators{})
			if tt.want != nil {
				wantError(t, o, err, tt.want)
				if !strings.Contains(err.Error(), "tls: ") {
					t.Errorf("%v: failed for another reason", err)
				}
			} else if err != nil || !bytes.Equal(o.Body, picture) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// selfSigned makes a certificate for ips that is its own authority.
func selfSigned(t *testing.T, until time.Time, ips []net.IP) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: until, IPAddresses: ips,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
