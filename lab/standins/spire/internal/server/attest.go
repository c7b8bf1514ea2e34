package server

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // the fingerprint of SPIRE's x509pop, nothing is protected by it
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"lab.invalid/standins/spire/internal/pki"
	"lab.invalid/standins/spire/internal/settings"
	"lab.invalid/standins/spire/internal/wire"
)

const (
	nonceBytes    = 32
	challengeLife = 30 * time.Second
	attestPause   = time.Second // between two attempts from one address
)

// attestor is x509pop: a device proves that it holds the key of a certificate that a device CA signed.
type attestor struct {
	roots      []*x509.Certificate
	path       *template.Template
	domain     spiffeid.TrustDomain
	limited    bool
	mutex      sync.Mutex
	challenges map[string]challenge
	last       map[string]time.Time // address -> last attempt
}

type challenge struct {
	leaf *x509.Certificate
	at   time.Time
}

// pathData is what agent_path_template may use.
type pathData struct {
	*x509.Certificate
	PluginName      string
	Fingerprint     string
	SerialNumberHex string
	TrustDomain     string
}

func newAttestor(given *settings.Server) (*attestor, error) {
	result := &attestor{domain: given.TrustDomain, limited: given.LimitAttestation, challenges: map[string]challenge{}, last: map[string]time.Time{}}
	for _, file := range given.DeviceCAs {
		roots, err := pki.ReadCertificates(file)
		if err != nil {
			return nil, fmt.Errorf("NodeAttestor x509pop: %w", err)
		}
		result.roots = append(result.roots, roots...)
	}
	var err error
	result.path, err = template.New("agent_path_template").Option("missingkey=error").Parse(given.AgentPathTemplate)
	return result, err
}

// allowed says whether an address may try now: one attempt a second, as SPIRE's rate limit has it.
func (a *attestor) allowed(address string) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.limited && time.Since(a.last[address]) < attestPause {
		return false
	}
	a.last[address] = time.Now()
	return true
}

// challenge gives a nonce for a certificate that a device CA signed.
func (a *attestor) challenge(certificates string) ([]byte, error) {
	chain, err := pki.Certificates([]byte(certificates))
	if err != nil {
		return nil, err
	}
	if err := pki.VerifyChain(chain, a.roots); err != nil {
		return nil, fmt.Errorf("certificate verification failed: %w", err)
	}
	if chain[0].KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return nil, errors.New("certificate not intended for digital signature use")
	}
	nonce := make([]byte, nonceBytes)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for key, old := range a.challenges {
		if time.Since(old.at) > challengeLife {
			delete(a.challenges, key)
		}
	}
	a.challenges[string(nonce)] = challenge{leaf: chain[0], at: time.Now()}
	return nonce, nil
}

// prove checks the signature over a nonce of ours and gives the agent that it is, without its certificate yet.
func (a *attestor) prove(proof *wire.Attestation) (spiffeid.ID, []wire.Selector, error) {
	a.mutex.Lock()
	asked, there := a.challenges[string(proof.Nonce)]
	delete(a.challenges, string(proof.Nonce))
	a.mutex.Unlock()
	if !there || time.Since(asked.at) > challengeLife {
		return spiffeid.ID{}, nil, errors.New("unknown or old challenge")
	}
	digest := sha256.Sum256(proof.Nonce)
	switch key := asked.leaf.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(key, digest[:], proof.Signature) {
			return spiffeid.ID{}, nil, errors.New("challenge response verification failed: ecdsa signature")
		}
	case *rsa.PublicKey:
		if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], proof.Signature); err != nil {
			return spiffeid.ID{}, nil, fmt.Errorf("challenge response verification failed: %w", err)
		}
	default:
		return spiffeid.ID{}, nil, fmt.Errorf("unsupported key type %T", key)
	}
	id, err := a.identify(asked.leaf)
	selectors := []wire.Selector{{Type: "x509pop", Value: "subject:cn:" + asked.leaf.Subject.CommonName}}
	return id, selectors, err
}

func (a *attestor) identify(leaf *x509.Certificate) (spiffeid.ID, error) {
	print := sha1.Sum(leaf.Raw)
	var path bytes.Buffer
	err := a.path.Execute(&path, pathData{
		Certificate:     leaf,
		PluginName:      "x509pop",
		Fingerprint:     hex.EncodeToString(print[:]),
		SerialNumberHex: fmt.Sprintf("%x", leaf.SerialNumber),
		TrustDomain:     a.domain.Name(),
	})
	if err != nil {
		return spiffeid.ID{}, fmt.Errorf("agent_path_template: %w", err)
	}
	return spiffeid.FromPath(a.domain, "/spire/agent/"+strings.TrimPrefix(path.String(), "/"))
}
