package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"lab.invalid/standins/spire/internal/pki"
	"lab.invalid/standins/spire/internal/wire"
)

// agentHandler is what agents ask for over TLS. Two paths need no certificate: those by which a device attests.
func (s *Server) agentHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /challenge", s.challenge)
	mux.HandleFunc("POST /attest", s.attest)
	mux.HandleFunc("POST /renew", s.known(s.renew))
	mux.HandleFunc("POST /entries", s.known(s.authorized))
	mux.HandleFunc("POST /svid", s.known(s.svid))
	return mux
}

// tlsConfig shows the server's own certificate, renewed in time.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequestClientCert, // checked by `known`: a device that attests has none yet
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			s.mutex.Lock()
			defer s.mutex.Unlock()
			if s.own == nil || pki.HalfWay(s.own.Leaf) {
				id := spiffeid.RequireFromPath(s.settings.TrustDomain, "/spire/server")
				chain, err := s.authority.sign(id, s.key.Public(), s.settings.SVIDTTL, nil)
				if err != nil {
					return nil, err
				}
				s.own = &tls.Certificate{PrivateKey: s.key, Leaf: chain[0]}
				for _, one := range chain {
					s.own.Certificate = append(s.own.Certificate, one.Raw)
				}
			}
			return s.own, nil
		},
	}
}

func (s *Server) challenge(answer http.ResponseWriter, request *http.Request) {
	address, _, _ := net.SplitHostPort(request.RemoteAddr)
	if !s.attestor.allowed(address) {
		wire.Refuse(answer, http.StatusTooManyRequests, "rate limit: one attestation a second from %s", address)
		return
	}
	var asked wire.Challenge
	if err := wire.Read(request.Body, &asked); err != nil {
		wire.Refuse(answer, http.StatusBadRequest, "%v", err)
		return
	}
	nonce, err := s.attestor.challenge(asked.Certificates)
	if err != nil {
		log.Printf("Attestation from %s refused: %v", address, err)
		wire.Refuse(answer, http.StatusForbidden, "x509pop: %v", err)
		return
	}
	wire.Answer(answer, wire.Nonce{Nonce: nonce})
}

func (s *Server) attest(answer http.ResponseWriter, request *http.Request) {
	var proof wire.Attestation
	if err := wire.Read(request.Body, &proof); err != nil {
		wire.Refuse(answer, http.StatusBadRequest, "%v", err)
		return
	}
	id, selectors, err := s.attestor.prove(&proof)
	if err != nil {
		log.Printf("Attestation from %s refused: %v", request.RemoteAddr, err)
		wire.Refuse(answer, http.StatusForbidden, "x509pop: %v", err)
		return
	}
	if agent, there := s.state.agent(id.String()); there && agent.Banned {
		log.Printf("Attestation of %s refused: banned", id)
		wire.Refuse(answer, http.StatusForbidden, "failed to attest: agent is banned")
		return
	}
	s.issueAgent(answer, id, selectors, proof.Request)
	log.Printf("Agent attested: %s from %s", id, request.RemoteAddr)
}

func (s *Server) renew(answer http.ResponseWriter, request *http.Request, agent wire.Agent) {
	var asked wire.Request
	if err := wire.Read(request.Body, &asked); err != nil {
		wire.Refuse(answer, http.StatusBadRequest, "%v", err)
		return
	}
	s.issueAgent(answer, spiffeid.RequireFromString(agent.ID.String()), agent.Selectors, asked.Request)
}

func (s *Server) issueAgent(answer http.ResponseWriter, id spiffeid.ID, selectors []wire.Selector, request []byte) {
	chain, err := s.issue(id, request, s.settings.AgentTTL, nil)
	if err != nil {
		wire.Refuse(answer, http.StatusBadRequest, "%v", err)
		return
	}
	agent := wire.Agent{
		ID:              wire.ID{TrustDomain: id.TrustDomain().Name(), Path: id.Path()},
		AttestationType: "x509pop",
		Serial:          chain[0].SerialNumber.String(),
		ExpiresAt:       chain[0].NotAfter.Unix(),
		Selectors:       selectors,
		CanReattest:     true,
	}
	if err := s.state.change(func() error { s.state.Agents[id.String()] = agent; return nil }); err != nil {
		wire.Refuse(answer, http.StatusInternalServerError, "%v", err)
		return
	}
	s.issued(answer, chain)
}

// known lets an attested agent through, by the certificate that it shows.
func (s *Server) known(next func(http.ResponseWriter, *http.Request, wire.Agent)) http.HandlerFunc {
	return func(answer http.ResponseWriter, request *http.Request) {
		chain := request.TLS.PeerCertificates
		id, err := pki.Verify(chain, s.authority.bundle())
		if err != nil {
			wire.Refuse(answer, http.StatusUnauthorized, "no agent certificate: %v", err)
			return
		}
		agent, there := s.state.agent(id.String())
		switch {
		case !there:
			wire.Refuse(answer, http.StatusForbidden, "agent %s is not attested", id)
		case agent.Banned:
			wire.Refuse(answer, http.StatusForbidden, "agent %s is banned", id)
		case agent.Serial != chain[0].SerialNumber.String():
			wire.Refuse(answer, http.StatusForbidden, "agent %s is not active: another one attested under its name since", id)
		default:
			next(answer, request, agent)
		}
	}
}

func (s *Server) authorized(answer http.ResponseWriter, _ *http.Request, agent wire.Agent) {
	wire.Answer(answer, wire.Entries{Entries: s.state.entries(func(entry *wire.Entry) bool { return s.isFor(entry, agent) })})
}

func (s *Server) isFor(entry *wire.Entry, agent wire.Agent) bool {
	expired := entry.ExpiresAt != 0 && entry.ExpiresAt <= time.Now().Unix()
	return entry.ParentID == agent.ID && !expired
}

func (s *Server) svid(answer http.ResponseWriter, request *http.Request, agent wire.Agent) {
	var asked wire.Request
	if err := wire.Read(request.Body, &asked); err != nil {
		wire.Refuse(answer, http.StatusBadRequest, "%v", err)
		return
	}
	found := s.state.entries(func(entry *wire.Entry) bool { return entry.ID == asked.Entry && s.isFor(entry, agent) })
	if len(found) == 0 {
		wire.Refuse(answer, http.StatusNotFound, "entry %s not found or not authorized", asked.Entry)
		return
	}
	life := s.settings.SVIDTTL
	if found[0].X509SVIDTTL > 0 {
		life = time.Duration(found[0].X509SVIDTTL) * time.Second
	}
	chain, err := s.issue(spiffeid.RequireFromString(found[0].SPIFFEID.String()), asked.Request, life, found[0].DNSNames)
	if err != nil {
		wire.Refuse(answer, http.StatusBadRequest, "%v", err)
		return
	}
	s.issued(answer, chain)
}

// issue signs for the key of a certificate request; nothing else of the request counts.
func (s *Server) issue(id spiffeid.ID, request []byte, life time.Duration, names []string) ([]*x509.Certificate, error) {
	asked, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return nil, fmt.Errorf("malformed CSR: %w", err)
	}
	if err := asked.CheckSignature(); err != nil {
		return nil, fmt.Errorf("CSR signature: %w", err)
	}
	return s.authority.sign(id, asked.PublicKey, life, names)
}

func (s *Server) issued(answer http.ResponseWriter, chain []*x509.Certificate) {
	wire.Answer(answer, wire.Issued{Chain: pki.PEM(chain), Bundle: pki.PEM(s.authority.bundle())})
}
