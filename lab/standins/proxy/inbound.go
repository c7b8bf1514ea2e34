package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strconv"
	"time"
)

const (
	detectTimeout = 10 * time.Second
	connectPause  = 100 * time.Millisecond
)

// inbound takes the connections that were meant for the workload.
type inbound struct {
	settings *settings
	identity *identity
	metrics  *metrics
	anchors  *x509.CertPool
	own      uint16 // the port that this proxy listens on
	target   func(net.Conn) (netip.AddrPort, error)
	requests chan net.Conn   // those that turned out to be HTTP
	ended    <-chan struct{} // no more requests are taken
	http     *http.Server
}

type clientKey struct{}

// httpConnection is a connection of a known client. It is no *tls.Conn: what is inside may be HTTP/1 or HTTP/2.
type httpConnection struct {
	net.Conn
	who client
}

func newInbound(given *settings, own *identity, counted *metrics, anchors *x509.CertPool, port uint16, ended <-chan struct{}) *inbound {
	result := &inbound{
		settings: given, identity: own, metrics: counted, anchors: anchors, own: port,
		target: originalDestination, requests: make(chan net.Conn), ended: ended,
	}
	both := new(http.Protocols)
	both.SetHTTP1(true)
	both.SetUnencryptedHTTP2(true)
	result.http = &http.Server{
		Handler:           result.handler(),
		Protocols:         both,
		ReadHeaderTimeout: detectTimeout,
		ConnContext: func(ctx context.Context, connection net.Conn) context.Context {
			return context.WithValue(ctx, clientKey{}, connection.(*httpConnection).who)
		},
	}
	return result
}

// accept finds out who is there and what is spoken.
func (i *inbound) accept(connection net.Conn) {
	meant, err := i.target(connection)
	if err != nil {
		logWarn("Inbound connection without a destination: %v", err)
		_ = connection.Close()
		return
	}
	remote, _ := netip.ParseAddrPort(connection.RemoteAddr().String())
	who := client{address: remote.Addr().Unmap(), port: meant.Port()}
	_ = connection.SetDeadline(time.Now().Add(detectTimeout))
	plain := newPeeked(connection)
	if plain.isTLS() {
		secure := tls.Server(plain, i.meant())
		if err := secure.Handshake(); err != nil {
			logInfo("TLS handshake failed client.addr=%s: %v", remote, err)
			_ = connection.Close()
			return
		}
		who.tls = true
		if shown := secure.ConnectionState().PeerCertificates; len(shown) > 0 {
			who.id = identityOf(shown[0])
		}
		plain = newPeeked(secure)
	}
	i.metrics.opened("inbound", who)
	if who.port == i.own {
		i.direct(plain, who)
		return
	}
	isHTTP := plain.isHTTP()
	_ = connection.SetDeadline(time.Time{})
	if isHTTP {
		select {
		case i.requests <- &httpConnection{Conn: plain, who: who}:
		case <-i.ended:
			_ = plain.Close()
		}
		return
	}
	i.opaque(plain, who)
}

// direct ends a connection to the proxy's own port. The real proxy expects a header there, from other proxies only.
func (i *inbound) direct(plain *peeked, who client) {
	if _, err := plain.reader.Peek(1); err == nil {
		logInfo("Connection closed: a direct connection must come from a proxy client.addr=%s", who.address)
	}
	_ = plain.Close()
}

// meant refuses TLS that is not for this proxy.
func (i *inbound) meant() *tls.Config {
	config := i.identity.serverConfig(i.anchors)
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if hello.ServerName != i.settings.serverName {
			return nil, fmt.Errorf("SNI %q is not %s", hello.ServerName, i.settings.serverName)
		}
		return nil, nil
	}
	return config
}

func (i *inbound) opaque(from net.Conn, who client) {
	defer from.Close()
	if !i.settings.allows(who) {
		i.metrics.decided("inbound_tcp_authz_deny_total", who)
		logInfo("Connection denied: unauthorized connection client.addr=%s", who.address)
		return
	}
	i.metrics.decided("inbound_tcp_authz_allow_total", who)
	to, err := i.connect(context.Background(), who.port, true)
	if err != nil {
		logInfo("Connection closed: %v", err)
		return
	}
	defer to.Close()
	join(from, to)
}

// connect reaches the workload, which listens on this machine; a patient one gives it a second to come.
func (i *inbound) connect(ctx context.Context, port uint16, patient bool) (net.Conn, error) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port)))
	limited, cancel := context.WithTimeout(ctx, i.settings.failfast)
	defer cancel()
	dialer := net.Dialer{Timeout: i.settings.inboundConnect}
	for {
		connection, err := dialer.DialContext(limited, "tcp", address)
		if err == nil {
			return connection, nil
		}
		if !patient {
			return nil, err
		}
		select {
		case <-limited.Done():
			return nil, fmt.Errorf("service in fail-fast: %w", err)
		case <-time.After(connectPause):
		}
	}
}

// forward passes requests of one version of HTTP on, in the same version. As in the real proxy, HTTP/1 is told at once what is wrong with the
// workload, and HTTP/2 only that there has been none for a while.
func (i *inbound) forward(version int) *httputil.ReverseProxy {
	spoken := new(http.Protocols)
	spoken.SetHTTP1(version == 1)
	spoken.SetUnencryptedHTTP2(version == 2)
	return &httputil.ReverseProxy{
		FlushInterval: -1,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				_, port, _ := net.SplitHostPort(address)
				number, err := strconv.ParseUint(port, 10, 16)
				if err != nil {
					return nil, err
				}
				return i.connect(ctx, uint16(number), version > 1)
			},
			DisableCompression: true,
			Protocols:          spoken,
		},
		Rewrite: func(request *httputil.ProxyRequest) {
			who := request.In.Context().Value(clientKey{}).(client)
			request.Out.URL.Scheme = "http"
			request.Out.URL.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(int(who.port)))
			request.Out.Header.Del("l5d-client-id")
			if who.id != "" {
				request.Out.Header.Set("l5d-client-id", who.id)
			}
		},
		ErrorHandler: func(answer http.ResponseWriter, request *http.Request, err error) {
			who := request.Context().Value(clientKey{}).(client)
			logInfo("Request failed client.addr=%s: %v", who.address, err)
			if errors.Is(err, context.Canceled) {
				return
			}
			answer.Header().Set("Connection", "close")
			status, why := http.StatusGatewayTimeout, "service in fail-fast"
			if version == 1 {
				why = "client error (Connect)"
			}
			var timeout net.Error
			if version == 1 && !(errors.As(err, &timeout) && timeout.Timeout()) {
				status = http.StatusBadGateway
			}
			refuse(answer, who, status, why)
		},
	}
}

func (i *inbound) handler() http.Handler {
	forwards := map[bool]*httputil.ReverseProxy{false: i.forward(1), true: i.forward(2)}
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		who := request.Context().Value(clientKey{}).(client)
		i.metrics.requested(who)
		if !i.settings.allowsRequest(who, request) {
			i.metrics.decided("inbound_http_authz_deny_total", who)
			logInfo("Request denied: unauthorized request on route client.addr=%s tls=%t", who.address, who.tls)
			refuse(answer, who, http.StatusForbidden, "unauthorized request on route")
			return
		}
		i.metrics.decided("inbound_http_authz_allow_total", who)
		forwards[request.ProtoMajor > 1].ServeHTTP(answer, request)
	})
}

// refuse answers in the proxy's own name; only a client of the mesh is told why, as in the real proxy.
func refuse(answer http.ResponseWriter, who client, status int, why string) {
	if who.id != "" {
		answer.Header().Set("l5d-proxy-error", why)
	}
	answer.Header().Set("Content-Length", "0")
	answer.WriteHeader(status)
}
