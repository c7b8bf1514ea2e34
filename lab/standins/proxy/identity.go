package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

// identity is the certificate that the SPIRE agent gives, renewed while the proxy runs.
type identity struct {
	id      string
	mutex   sync.Mutex
	current *tls.Certificate
	renewed int
	first   chan struct{} // closed with the first certificate
}

func newIdentity(id string) *identity { return &identity{id: id, first: make(chan struct{})} }

// watch asks the agent for the identity until the context ends. A socket that is not there now is never asked again:
// that is the real proxy's behaviour, which a supervisor has to know.
func (i *identity) watch(ctx context.Context, socket string) {
	connection, err := net.Dial("unix", socket)
	if err != nil {
		logError("thread 'identity' panicked: spire client must gracefully handle errors: %v", err)
		return
	}
	_ = connection.Close()
	err = workloadapi.WatchX509Context(ctx, i, workloadapi.WithAddr("unix://"+socket), workloadapi.WithBackoffStrategy(backoff{}))
	if err != nil && ctx.Err() == nil {
		logError("SVID watch ended: %v", err)
	}
}

// OnX509ContextUpdate takes the identity that the environment names; others are of no use.
func (i *identity) OnX509ContextUpdate(update *workloadapi.X509Context) {
	for _, one := range update.SVIDs {
		if one.ID.String() != i.id {
			continue
		}
		certificate := &tls.Certificate{PrivateKey: one.PrivateKey, Leaf: one.Certificates[0]}
		for _, link := range one.Certificates {
			certificate.Certificate = append(certificate.Certificate, link.Raw)
		}
		i.mutex.Lock()
		first := i.current == nil
		i.current = certificate
		i.renewed++
		i.mutex.Unlock()
		if first {
			close(i.first)
			logInfo("Certified identity id=%s", i.id)
		} else {
			logDebug("Identity renewed id=%s", i.id)
		}
		return
	}
	logError("Error processing SVID update error=no matching SVID found")
}

// OnX509ContextWatchError tells why the agent gives none; it is asked again.
func (i *identity) OnX509ContextWatchError(err error) {
	logWarn("SVID watch failed, trying again: %v", err)
}

// certificate is what peers are shown; an error when there is no identity yet.
func (i *identity) certificate() (*tls.Certificate, int, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.current == nil {
		return nil, 0, fmt.Errorf("no identity yet")
	}
	return i.current, i.renewed, nil
}

// serverConfig is the TLS of the mesh: 1.3, own certificate, the client's only if it shows one that leads to an anchor.
func (i *identity) serverConfig(anchors *x509.CertPool) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ClientAuth: tls.VerifyClientCertIfGiven,
		ClientCAs:  anchors,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			found, _, err := i.certificate()
			return found, err
		},
	}
}

// backoff is the real proxy's: from 100 ms to 1 s.
type backoff struct{}

func (backoff) NewBackoff() workloadapi.Backoff { return new(pauses) }

type pauses time.Duration

func (p *pauses) Next() time.Duration {
	next := min(max(time.Duration(*p)*2, 100*time.Millisecond), time.Second)
	*p = pauses(next)
	return next
}

func (p *pauses) Reset() { *p = 0 }
