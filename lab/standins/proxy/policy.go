package main

import (
	"crypto/x509"
	"net/http"
	"net/netip"
)

// client is who is at the other end of an inbound connection.
type client struct {
	address netip.Addr
	port    uint16 // that it meant to reach
	tls     bool
	id      string // the mesh identity that its certificate proves, empty: none
}

// identityOf is the name in a verified certificate: a SPIFFE ID, or the DNS name that Linkerd gives inside the cluster.
func identityOf(certificate *x509.Certificate) string {
	if len(certificate.URIs) > 0 {
		return certificate.URIs[0].String()
	}
	if len(certificate.DNSNames) > 0 {
		return certificate.DNSNames[0]
	}
	return ""
}

// allows decides about a client. There is no policy controller, so no rule of a lab is known here: under `deny` this stands
// for what the program writes for a lab that says nothing about access, which is that identities of the mesh may in and
// nobody else. Who may call whom, and what `audit` would let in, can be seen with the real proxy only.
func (s *settings) allows(who client) bool {
	inside := false
	for _, network := range s.clusterNetworks {
		inside = inside || network.Contains(who.address)
	}
	switch s.policy {
	case "all-unauthenticated":
		return true
	case "audit":
		if who.id == "" {
			logInfo("Request allowed authz.name=audit client.ip=%s", who.address)
		}
		return true
	case "cluster-unauthenticated":
		return inside
	case "cluster-authenticated":
		return inside && who.id != ""
	}
	return who.id != ""
}

// allowsRequest lets probes in too: the program authorizes GET and HEAD of /ready, and the health check of gRPC, for everybody.
func (s *settings) allowsRequest(who client, request *http.Request) bool {
	path, method := request.URL.Path, request.Method
	probe := path == "/ready" && (method == http.MethodGet || method == http.MethodHead) ||
		path == "/grpc.health.v1.Health/Check" && method == http.MethodPost
	return s.allows(who) || s.policy == "deny" && probe
}
