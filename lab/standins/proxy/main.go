// Command proxy stands in for linkerd2-proxy on an edge device: the same environment, ports, identity from a SPIRE
// agent, mutual TLS and refusals. It has no controllers: it discovers nothing, and outbound it forwards bytes as they are,
// without mesh TLS.
package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const (
	exitUsage  = 64 // EX_USAGE: the environment is wrong
	exitFailed = 1

	reminder = 15 * time.Second
)

func main() {
	out.configure(os.Getenv(prefix+"LOG"), os.Getenv(prefix+"LOG_FORMAT"))
	logInfo("stand-in of linkerd2-proxy, made by this project: no controllers, no load balancing, outbound passes through")
	given, err := settingsFrom(os.Environ())
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v\nInvalid configuration: invalid environment variable\n", err)
		os.Exit(exitUsage)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := run(ctx, cancel, given); err != nil {
		fmt.Fprintf(os.Stderr, "Initialization failure: %v\n", err)
		os.Exit(exitFailed)
	}
}

func run(ctx context.Context, stop func(), given *settings) error {
	for _, warning := range given.warnings {
		logWarn("%s", warning)
	}
	anchors, err := given.trustAnchors()
	if err != nil {
		return err
	}
	var listeners []net.Listener
	for _, address := range []string{given.admin, given.inbound, given.outbound} {
		listener, err := net.Listen(family(address), address)
		if err != nil {
			return err
		}
		listeners = append(listeners, listener)
	}
	own, counted := newIdentity(given.id), newMetrics()
	announce(given, listeners)
	// As in the real proxy: the ports are taken, and until there is an identity a connection to them is refused.
	for _, listener := range listeners[1:] {
		_ = listener.Close()
	}
	admin := &http.Server{Handler: adminHandler(given, own, counted, stop), ReadHeaderTimeout: detectTimeout}
	go func() { _ = admin.Serve(listeners[0]) }()
	go own.watch(ctx, given.spireSocket)
	if waitForIdentity(ctx, own) {
		if err := serve(ctx, given, own, counted, anchors); err != nil {
			return err
		}
	}
	return admin.Close()
}

func announce(given *settings, listeners []net.Listener) {
	logInfo("Admin interface on %s", listeners[0].Addr())
	logInfo("Inbound interface on %s", listeners[1].Addr())
	logInfo("Outbound interface on %s", listeners[2].Addr())
	logInfo("Tap DISABLED")
	logInfo("SNI is %s", given.serverName)
	logInfo("Local identity is %s", given.id)
	if given.policy == "deny" {
		logInfo("Policy deny: identities of the mesh may in, and GET or HEAD of /ready and health checks by gRPC, as this lab's policies say")
	}
}

// waitForIdentity says whether an identity came before the end.
func waitForIdentity(ctx context.Context, own *identity) bool {
	for {
		select {
		case <-own.first:
			return true
		case <-ctx.Done():
			logInfo("Received shutdown signal")
			return false
		case <-time.After(reminder):
			logWarn("Waiting for identity to be initialized...")
		}
	}
}

// serve forwards until the context ends.
func serve(ctx context.Context, given *settings, own *identity, counted *metrics, anchors *x509.CertPool) error {
	inward, err := net.Listen(family(given.inbound), given.inbound)
	if err != nil {
		return err
	}
	outward, err := net.Listen(family(given.outbound), given.outbound)
	if err != nil {
		return err
	}
	in := newInbound(given, own, counted, anchors, port(inward), ctx.Done())
	out := &outbound{settings: given, metrics: counted, own: port(outward), target: originalDestination}
	var open sync.WaitGroup
	go accept(inward, &open, in.accept)
	go accept(outward, &open, out.accept)
	go func() { _ = in.http.Serve(&queue{address: inward.Addr(), waiting: in.requests, ended: ctx.Done()}) }()
	<-ctx.Done()
	logInfo("Received shutdown signal")
	drain(given.grace, &open, in.http, inward, outward)
	return nil
}

func port(listener net.Listener) uint16 {
	return netip.MustParseAddrPort(listener.Addr().String()).Port()
}

// family keeps 0.0.0.0 from meaning IPv6 as well.
func family(address string) string {
	if netip.MustParseAddrPort(address).Addr().Is4() {
		return "tcp4"
	}
	return "tcp6"
}

// accept hands each connection on; `open` counts those that are being handled.
func accept(listener net.Listener, open *sync.WaitGroup, handle func(net.Conn)) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		open.Add(1)
		go func() {
			defer open.Done()
			handle(connection)
		}()
	}
}

// drain takes no new connections and lets those that are open end, for as long as is allowed.
func drain(grace time.Duration, open *sync.WaitGroup, server *http.Server, listeners ...net.Listener) {
	for _, listener := range listeners {
		_ = listener.Close()
	}
	limited, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		_ = server.Shutdown(limited)
		open.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-limited.Done():
		logWarn("Graceful shutdown did not complete in %s, terminating now", grace)
	}
}

// queue is a listener of connections that were accepted elsewhere.
type queue struct {
	address net.Addr
	waiting <-chan net.Conn
	ended   <-chan struct{}
}

func (q *queue) Accept() (net.Conn, error) {
	select {
	case connection := <-q.waiting:
		return connection, nil
	case <-q.ended:
		return nil, net.ErrClosed
	}
}

func (q *queue) Close() error   { return nil }
func (q *queue) Addr() net.Addr { return q.address }
