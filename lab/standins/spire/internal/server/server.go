package server

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lab.invalid/standins/spire/internal/pki"
	"lab.invalid/standins/spire/internal/settings"
)

const (
	headerTimeout = 10 * time.Second
	drain         = 5 * time.Second
)

// Server is one running server.
type Server struct {
	settings  *settings.Server
	state     *state
	authority *authority
	attestor  *attestor
	key       crypto.Signer
	mutex     sync.Mutex
	own       *tls.Certificate
}

// Run serves until the context ends.
func Run(ctx context.Context, given *settings.Server) error {
	log.Printf("This is the stand-in of SPIRE's server: it speaks with the stand-in agent only")
	for _, note := range given.Notes {
		log.Printf("Not done here: %s", note)
	}
	s := &Server{settings: given}
	var err error
	if s.state, err = openState(given.DataStore); err != nil {
		return fmt.Errorf("DataStore sql: %w", err)
	}
	if s.authority, err = newAuthority(given); err != nil {
		return err
	}
	if s.attestor, err = newAttestor(given); err != nil {
		return err
	}
	if s.key, err = pki.NewKey(); err != nil {
		return err
	}
	return s.serve(ctx)
}

func (s *Server) serve(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(s.settings.Socket), 0o750); err != nil {
		return err
	}
	if err := os.Remove(s.settings.Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	admin, err := net.Listen("unix", s.settings.Socket)
	if err != nil {
		return err
	}
	agents, err := net.Listen("tcp", s.settings.Listen)
	if err != nil {
		return err
	}
	log.Printf("Starting Server APIs: %s and %s", agents.Addr(), s.settings.Socket)
	quiet := log.New(io.Discard, "", 0) // a port scan is no event
	servers := []*http.Server{
		{Handler: s.adminHandler(), ReadHeaderTimeout: headerTimeout},
		{Handler: s.agentHandler(), TLSConfig: s.tlsConfig(), ErrorLog: quiet, ReadHeaderTimeout: headerTimeout},
		{Handler: s.settings.Health.Handler(func() error { return nil }), ReadHeaderTimeout: headerTimeout},
	}
	failed := make(chan error, len(servers)+1)
	go func() { failed <- servers[0].Serve(admin) }()
	go func() { failed <- servers[1].ServeTLS(agents, "", "") }()
	if s.settings.Health.Enabled {
		health, err := net.Listen("tcp", s.settings.Health.Address)
		if err != nil {
			return err
		}
		go func() { failed <- servers[2].Serve(health) }()
	}
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	for _, one := range servers {
		_ = one.Shutdown(end)
	}
	return err
}
