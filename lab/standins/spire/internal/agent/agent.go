package agent

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"lab.invalid/standins/spire/internal/pki"
	"lab.invalid/standins/spire/internal/settings"
	"lab.invalid/standins/spire/internal/wire"
)

// SPIRE's own: the first attestation is tried for a minute, then the agent ends and its supervisor starts it again.
const (
	attestFirstPause = time.Second
	attestPause      = 5 * time.Second
	attestFor        = time.Minute
	headerTimeout    = 10 * time.Second
)

type agent struct {
	settings *settings.Agent
	node     *node
	cache    *cache
	health   *health.Server
}

// Run serves until the context ends, or until the server refuses this agent.
func Run(ctx context.Context, given *settings.Agent) error {
	log.Printf("This is the stand-in of SPIRE's agent: it speaks with the stand-in server only")
	own, err := openNode(given)
	if err != nil {
		return err
	}
	a := &agent{settings: given, node: own, cache: newCache(), health: health.NewServer()}
	a.health.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	server, failed, err := a.serve()
	if err != nil {
		return err
	}
	defer server.Stop()
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { failed <- a.work(working) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

func (a *agent) serve() (*grpc.Server, chan error, error) {
	socket := a.settings.Socket
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		return nil, nil, err
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, nil, err
	}
	// Every process may ask: what it gets is decided by what it is.
	if err := os.Chmod(socket, 0o777); err != nil {
		return nil, nil, err
	}
	server := grpc.NewServer(grpc.Creds(peerCredentials{}))
	workload.RegisterSpiffeWorkloadAPIServer(server, &workloadAPI{cache: a.cache, discoverPath: a.settings.DiscoverPath})
	grpc_health_v1.RegisterHealthServer(server, a.health)
	failed := make(chan error, 3)
	go func() { failed <- server.Serve(listener) }()
	log.Printf("Starting Workload API: %s", socket)
	if a.settings.Health.Enabled {
		probes, err := net.Listen("tcp", a.settings.Health.Address)
		if err != nil {
			return nil, nil, err
		}
		handler := a.settings.Health.Handler(func() error {
			if !a.cache.ready() {
				return errors.New("not attested")
			}
			return nil
		})
		go func() { failed <- (&http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout}).Serve(probes) }()
	}
	return server, failed, nil
}

// work attests, then asks the server again and again. A server that does not know this agent any more is attested to anew;
// it ends with an error when that is refused.
func (a *agent) work(ctx context.Context) error {
	if a.node.id() == "" {
		if err := a.attest(ctx); err != nil {
			return err
		}
	} else {
		log.Printf("SVID of the last run is still good: %s", a.node.id())
	}
	for {
		if err := a.sync(ctx); err != nil {
			log.Printf("Synchronization with the server failed: %v", err)
			if refused(err) {
				log.Printf("Agent needs to re-attest; will attempt to re-attest")
				a.node.forget()
				if err := a.attest(ctx); err != nil {
					return err
				}
				continue
			}
		} else {
			a.health.SetServingStatus("", grpc_health_v1.HealthCheckResponse_SERVING)
		}
		if !pause(ctx, a.settings.SyncInterval) {
			return nil
		}
	}
}

func (a *agent) attest(ctx context.Context) error {
	until := time.Now().Add(attestFor)
	for wait := attestFirstPause; ; wait = attestPause {
		err := a.node.attest(ctx)
		if err == nil {
			log.Printf("Node attestation was successful: %s", a.node.id())
			return nil
		}
		if refused(err) || time.Now().After(until) || ctx.Err() != nil {
			return fmt.Errorf("node attestation failed: %w", err)
		}
		log.Printf("Node attestation failed, trying again in %s: %v", wait, err)
		if !pause(ctx, wait) {
			return nil
		}
	}
}

// sync makes the identities agree with the server's entries; keys and certificates change when half of their life is over.
func (a *agent) sync(ctx context.Context) error {
	if pki.HalfWay(a.node.chain[0]) {
		if err := a.node.renew(ctx); err != nil {
			return err
		}
		log.Printf("Agent SVID renewed; expires %s", a.node.chain[0].NotAfter.Format(time.RFC3339))
	}
	client := a.node.client(true)
	defer client.CloseIdleConnections()
	var answer wire.Entries
	if err := a.node.call(ctx, client, "/entries", wire.Empty{}, &answer); err != nil {
		return err
	}
	before, now := a.cache.get(), map[string]svid{}
	changed := len(before) != len(answer.Entries)
	for _, entry := range answer.Entries {
		old, there := before[entry.ID]
		if there && reflect.DeepEqual(old.entry, entry) && !pki.HalfWay(old.chain[0]) {
			now[entry.ID] = old
			continue
		}
		fresh, err := a.identity(ctx, client, entry)
		if err != nil {
			return fmt.Errorf("entry %s: %w", entry.ID, err)
		}
		log.Printf("SVID of %s; expires %s", entry.SPIFFEID, fresh.chain[0].NotAfter.Format(time.RFC3339))
		now[entry.ID], changed = *fresh, true
	}
	a.cache.set(now, a.node.bundle, changed)
	return nil
}

func (a *agent) identity(ctx context.Context, client *http.Client, entry wire.Entry) (*svid, error) {
	key, err := pki.NewKey()
	if err != nil {
		return nil, err
	}
	request, err := certificateRequest(key)
	if err != nil {
		return nil, err
	}
	var issued wire.Issued
	if err := a.node.call(ctx, client, "/svid", wire.Request{Entry: entry.ID, Request: request}, &issued); err != nil {
		return nil, err
	}
	chain, err := pki.Certificates([]byte(issued.Chain))
	if err != nil {
		return nil, err
	}
	bundle, err := pki.Certificates([]byte(issued.Bundle))
	if err != nil {
		return nil, err
	}
	a.node.bundle = bundle
	return &svid{entry: entry, key: key, chain: chain, bundle: bundle}, nil
}

// refused says whether the server answered that this agent may not, as opposed to being out of reach or too busy.
func refused(err error) bool {
	var answer *wire.Error
	return errors.As(err, &answer) && (answer.Status == http.StatusForbidden || answer.Status == http.StatusUnauthorized)
}

func pause(ctx context.Context, long time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(long):
		return true
	}
}
