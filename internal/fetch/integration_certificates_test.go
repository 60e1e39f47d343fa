//go:build integration

package fetch

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificates are those of the rig's hosts, by the name that a client asks for. There is a good one for every other name, and
// for those who name none.
type certificates struct {
	rootFile string
	byName   map[string]*tls.Config
	good     *tls.Config
}

func newCertificates(t *testing.T) *certificates {
	t.Helper()
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Rig"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	root := issue(t, authority, nil)
	leaf := func(name string, until time.Time, by *tls.Certificate) *tls.Config {
		made := issue(t, &x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
			NotBefore: now.Add(-2 * time.Hour), NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		}, by)
		return &tls.Config{Certificates: []tls.Certificate{*made}}
	}
	c := &certificates{rootFile: filepath.Join(t.TempDir(), "roots.pem"), good: leaf("*.good.test", now.Add(time.Hour), root)}
	old := leaf("*.good.test", now.Add(time.Hour), root)
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
	c.byName = map[string]*tls.Config{
		"expired.good.test": leaf("*.good.test", now.Add(-time.Hour), root),
		"self.good.test":    leaf("*.good.test", now.Add(time.Hour), nil),
		"wrong.good.test":   leaf("www.bad.test", now.Add(time.Hour), root),
		"old.good.test":     old,
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate[0]})
	if err := os.WriteFile(c.rootFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// issue makes a key and a certificate for it, signed by another or, when by is nil, by itself.
func issue(t *testing.T, template *x509.Certificate, by *tls.Certificate) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := template, any(key)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed}
}

// config serves each name its certificate.
func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS10,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if found := c.byName[hello.ServerName]; found != nil {
				return found, nil
			}
			return c.good, nil
		},
	}
}
