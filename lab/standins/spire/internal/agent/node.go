// Package agent is the stand-in of SPIRE's agent: it attests by a device certificate and serves the SPIFFE Workload API.
package agent

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"lab.invalid/standins/spire/internal/pki"
	"lab.invalid/standins/spire/internal/settings"
	"lab.invalid/standins/spire/internal/wire"
)

const callTimeout = 10 * time.Second

// node is the machine's own identity: its certificate from the server, and the bundle.
type node struct {
	settings *settings.Agent
	key      crypto.Signer
	chain    []*x509.Certificate // empty: not attested
	bundle   []*x509.Certificate
}

// kept is the file agent-data.json.
type kept struct {
	SVID   string `json:"svid"`
	Bundle string `json:"bundle"`
}

// openNode takes up the certificate of the last run when it is still good.
func openNode(given *settings.Agent) (*node, error) {
	roots, err := pki.ReadCertificates(given.TrustBundle)
	if err != nil {
		return nil, fmt.Errorf("trust_bundle_path: %w", err)
	}
	result := &node{settings: given, bundle: roots}
	if given.Keys != "" {
		if result.key, err = pki.ReadKey(result.keyFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Printf("Key of the last run is not used: %v", err)
		}
	}
	if result.key != nil {
		if err := result.recall(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Printf("SVID of the last run is not used: %v", err)
		}
		return result, nil
	}
	result.key, err = pki.NewKey()
	if err == nil && given.Keys != "" {
		err = pki.WriteKey(result.keyFile(), result.key)
	}
	return result, err
}

func (n *node) keyFile() string { return filepath.Join(n.settings.Keys, "keys.pem") }

func (n *node) dataFile() string { return filepath.Join(n.settings.DataDir, "agent-data.json") }

func (n *node) recall() error {
	text, err := os.ReadFile(n.dataFile())
	if err != nil {
		return err
	}
	var data kept
	if err := json.Unmarshal(text, &data); err != nil {
		return err
	}
	chain, err := pki.Certificates([]byte(data.SVID))
	if err != nil {
		return err
	}
	// The trust bundle of the configuration decides, not the one of the last run: it is how an operator changes roots.
	if _, err := pki.Verify(chain, n.bundle); err != nil {
		return err
	}
	if !pki.Matches(chain[0], n.key) {
		return errors.New("it is of another key")
	}
	n.chain = chain
	return nil
}

// id is the agent's SPIFFE ID, empty until it has attested.
func (n *node) id() string {
	if len(n.chain) == 0 {
		return ""
	}
	return n.chain[0].URIs[0].String()
}

// attest proves the device key to the server and gets the agent's certificate.
func (n *node) attest(ctx context.Context) error {
	device, err := os.ReadFile(n.settings.DeviceCert)
	if err != nil {
		return err
	}
	if n.settings.Intermediates != "" {
		more, err := os.ReadFile(n.settings.Intermediates)
		if err != nil {
			return err
		}
		device = append(append(device, '\n'), more...)
	}
	key, err := pki.ReadKey(n.settings.DeviceKey)
	if err != nil {
		return err
	}
	client := n.client(false)
	defer client.CloseIdleConnections()
	var nonce wire.Nonce
	if err := n.call(ctx, client, "/challenge", wire.Challenge{Certificates: string(device)}, &nonce); err != nil {
		return err
	}
	digest := sha256.Sum256(nonce.Nonce)
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	request, err := certificateRequest(n.key)
	if err != nil {
		return err
	}
	return n.receive(ctx, client, "/attest", wire.Attestation{Nonce: nonce.Nonce, Signature: signature, Request: request})
}

// renew gets the next certificate with the present one.
func (n *node) renew(ctx context.Context) error {
	request, err := certificateRequest(n.key)
	if err != nil {
		return err
	}
	client := n.client(true)
	defer client.CloseIdleConnections()
	return n.receive(ctx, client, "/renew", wire.Request{Request: request})
}

func (n *node) receive(ctx context.Context, client *http.Client, path string, message any) error {
	var issued wire.Issued
	if err := n.call(ctx, client, path, message, &issued); err != nil {
		return err
	}
	chain, err := pki.Certificates([]byte(issued.Chain))
	if err != nil {
		return err
	}
	bundle, err := pki.Certificates([]byte(issued.Bundle))
	if err != nil {
		return err
	}
	n.chain, n.bundle = chain, bundle
	text, err := json.Marshal(kept{SVID: issued.Chain, Bundle: issued.Bundle})
	if err != nil {
		return err
	}
	return pki.WritePrivate(n.dataFile(), text)
}

// forget drops the certificate, so that the next start attests.
func (n *node) forget() {
	n.chain = nil
	if err := os.Remove(n.dataFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Printf("The old SVID could not be removed: %v", err)
	}
}

func (n *node) call(ctx context.Context, client *http.Client, path string, message, answer any) error {
	limited, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return wire.Call(limited, client, "https://"+n.settings.Server+path, message, answer)
}

// client trusts a server of this trust domain whose certificate leads to the bundle, and shows the agent's own.
func (n *node) client(attested bool) *http.Client {
	roots, expected := n.bundle, spiffeid.RequireFromPath(n.settings.TrustDomain, "/spire/server")
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // no host names: VerifyConnection checks chain and SPIFFE ID
		VerifyConnection: func(state tls.ConnectionState) error {
			id, err := pki.Verify(state.PeerCertificates, roots)
			if err != nil {
				return fmt.Errorf("the server's certificate: %w", err)
			}
			if id != expected {
				return fmt.Errorf("the server is %s, expected %s", id, expected)
			}
			return nil
		},
	}
	if attested {
		own := tls.Certificate{PrivateKey: n.key}
		for _, one := range n.chain {
			own.Certificate = append(own.Certificate, one.Raw)
		}
		config.Certificates = []tls.Certificate{own}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
}

func certificateRequest(key crypto.Signer) ([]byte, error) {
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
}
