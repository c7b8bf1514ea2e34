// Package pki holds what server and agent share about certificates: PEM, keys, chains and SPIFFE IDs.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// NewKey makes an EC P-256 key, the kind that Linkerd accepts.
func NewKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// NewSerial gives 127 random bits.
func NewSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

// ReadCertificates reads every certificate of a PEM file; none is an error.
func ReadCertificates(file string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	certificates, err := Certificates(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return certificates, nil
}

// Certificates reads every certificate of a PEM text; none is an error.
func Certificates(text []byte) ([]*x509.Certificate, error) {
	var result []*x509.Certificate
	for {
		var found *pem.Block
		found, text = pem.Decode(text)
		if found == nil {
			break
		}
		if found.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a %s where a CERTIFICATE is expected", found.Type)
		}
		certificate, err := x509.ParseCertificate(found.Bytes)
		if err != nil {
			return nil, err
		}
		result = append(result, certificate)
	}
	if len(result) == 0 {
		return nil, errors.New("no certificate in PEM form")
	}
	return result, nil
}

// ReadKey reads a private key in PEM form.
func ReadKey(file string) (crypto.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for {
		var found *pem.Block
		found, text = pem.Decode(text)
		if found == nil {
			return nil, fmt.Errorf("%s: no private key in PEM form", file)
		}
		if key := parsed(found.Bytes); key != nil {
			return key, nil
		}
	}
}

func parsed(der []byte) crypto.Signer {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		signer, _ := key.(crypto.Signer)
		return signer
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	return nil
}

// WriteKey writes a private key that only its owner reads.
func WriteKey(file string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return WritePrivate(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// WritePrivate replaces a file in one step; its owner alone reads it.
func WritePrivate(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	partial := fmt.Sprintf("%s.%d", file, os.Getpid())
	if err := os.WriteFile(partial, content, 0o600); err != nil {
		return err
	}
	return os.Rename(partial, file)
}

// Matches says whether the certificate is of this key.
func Matches(certificate *x509.Certificate, key crypto.Signer) bool {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(certificate.PublicKey)
}

// PEM writes a chain as text.
func PEM(chain []*x509.Certificate) string {
	var text []byte
	for _, one := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: one.Raw})...)
	}
	return string(text)
}

// DER writes a chain as the Workload API does: one certificate after the other.
func DER(chain []*x509.Certificate) []byte {
	var result []byte
	for _, one := range chain {
		result = append(result, one.Raw...)
	}
	return result
}

// ID gives the one SPIFFE ID of a certificate.
func ID(certificate *x509.Certificate) (spiffeid.ID, error) {
	if len(certificate.URIs) != 1 {
		return spiffeid.ID{}, fmt.Errorf("%d URI names where one SPIFFE ID is expected", len(certificate.URIs))
	}
	return spiffeid.FromURI(certificate.URIs[0])
}

// Verify checks a chain against the roots and gives the SPIFFE ID of its leaf.
func Verify(chain, roots []*x509.Certificate) (spiffeid.ID, error) {
	if len(chain) == 0 {
		return spiffeid.ID{}, errors.New("no certificate")
	}
	if err := VerifyChain(chain, roots); err != nil {
		return spiffeid.ID{}, err
	}
	return ID(chain[0])
}

// VerifyChain checks a chain, leaf first, against the roots.
func VerifyChain(chain, roots []*x509.Certificate) error {
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots:         pool(roots),
		Intermediates: pool(chain[1:]),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err
}

// HalfWay says whether half of a certificate's life has passed: time to ask for the next.
func HalfWay(certificate *x509.Certificate) bool {
	life := certificate.NotAfter.Sub(certificate.NotBefore)
	return time.Now().After(certificate.NotBefore.Add(life / 2))
}

func pool(certificates []*x509.Certificate) *x509.CertPool {
	result := x509.NewCertPool()
	for _, one := range certificates {
		result.AddCert(one)
	}
	return result
}
