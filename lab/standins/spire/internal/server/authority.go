package server

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net/url"
	"sync"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"lab.invalid/standins/spire/internal/pki"
	"lab.invalid/standins/spire/internal/settings"
)

const skew = 10 * time.Second // clocks differ

// authority signs with SPIRE's own CA, whose certificate comes from the upstream authority or from itself.
type authority struct {
	settings *settings.Server
	mutex    sync.Mutex
	key      crypto.Signer
	chain    []*x509.Certificate // the CA and what is above it, without the root
	roots    []*x509.Certificate
}

func newAuthority(given *settings.Server) (*authority, error) {
	result := &authority{settings: given}
	var err error
	if given.Keys != "" {
		result.key, err = pki.ReadKey(given.Keys)
	}
	if result.key == nil && (err == nil || errors.Is(err, fs.ErrNotExist)) {
		result.key, err = pki.NewKey()
		if err == nil && given.Keys != "" {
			err = pki.WriteKey(given.Keys, result.key)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the CA's key: %w", err)
	}
	return result, result.prepare()
}

// prepare gets a CA certificate for the key.
func (a *authority) prepare() error {
	template, err := a.template(spiffeid.ID{}, a.settings.CATTL)
	if err != nil {
		return err
	}
	template.URIs = []*url.URL{a.settings.TrustDomain.ID().URL()}
	template.Subject = pkix.Name{Country: a.settings.Country, Organization: a.settings.Organization, CommonName: a.settings.CommonName}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageCertSign|x509.KeyUsageCRLSign, nil

	parent, signer := template, a.key
	var above, roots []*x509.Certificate
	if a.settings.UpstreamCert != "" {
		if above, roots, signer, err = a.upstream(); err != nil {
			return fmt.Errorf("UpstreamAuthority disk: %w", err)
		}
		parent = above[0]
		if template.NotAfter.After(parent.NotAfter) {
			template.NotAfter = parent.NotAfter
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, a.key.Public(), signer)
	if err != nil {
		return err
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	if roots == nil {
		roots = []*x509.Certificate{ca}
	}
	chain := append([]*x509.Certificate{ca}, above...)
	if err := a.tried(chain, roots); err != nil {
		return fmt.Errorf("X509 CA minted by upstream authority is invalid: X509 CA produced an invalid X509-SVID chain: %w", err)
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.chain, a.roots = chain, roots
	log.Printf("X509 CA prepared; expires %s", ca.NotAfter.Format(time.RFC3339))
	return nil
}

// tried signs an SVID that nobody gets: a path length above the CA shows below it only.
func (a *authority) tried(chain, roots []*x509.Certificate) error {
	template, err := a.template(spiffeid.RequireFromPath(a.settings.TrustDomain, "/spire/throwaway"), a.settings.SVIDTTL)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, chain[0], a.key.Public(), a.key)
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	return pki.VerifyChain(append([]*x509.Certificate{leaf}, chain...), roots)
}

func (a *authority) upstream() (above, roots []*x509.Certificate, key crypto.Signer, err error) {
	if above, err = pki.ReadCertificates(a.settings.UpstreamCert); err != nil {
		return
	}
	if key, err = pki.ReadKey(a.settings.UpstreamKey); err != nil {
		return
	}
	if !pki.Matches(above[0], key) {
		err = errors.New("certificate and private key do not match")
		return
	}
	if a.settings.UpstreamBundle == "" {
		if above[0].CheckSignatureFrom(above[0]) != nil {
			err = errors.New("the certificate is no root; bundle_file_path must be set")
		}
		return above, above[:1], key, err
	}
	roots, err = pki.ReadCertificates(a.settings.UpstreamBundle)
	return
}

// template is a certificate of this identity, from now on.
func (a *authority) template(id spiffeid.ID, life time.Duration) (*x509.Certificate, error) {
	serial, err := pki.NewSerial()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Country: []string{"US"}, Organization: []string{"SPIRE"}},
		URIs:                  []*url.URL{id.URL()},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(life),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}, nil
}

// sign gives the chain of a certificate for this key; it never outlives the CA.
func (a *authority) sign(id spiffeid.ID, public crypto.PublicKey, life time.Duration, names []string) ([]*x509.Certificate, error) {
	if err := a.refresh(); err != nil {
		return nil, err
	}
	template, err := a.template(id, life)
	if err != nil {
		return nil, err
	}
	template.DNSNames = names
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if template.NotAfter.After(a.chain[0].NotAfter) {
		template.NotAfter = a.chain[0].NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.chain[0], public, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return append([]*x509.Certificate{leaf}, a.chain...), nil
}

// refresh renews the CA's certificate when half of its life is over. A root of one's own stays: agents know it.
func (a *authority) refresh() error {
	a.mutex.Lock()
	due := a.settings.UpstreamCert != "" && pki.HalfWay(a.chain[0])
	a.mutex.Unlock()
	if due {
		return a.prepare()
	}
	return nil
}

func (a *authority) bundle() []*x509.Certificate {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.roots
}
