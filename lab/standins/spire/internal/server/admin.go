package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"lab.invalid/standins/spire/internal/pki"
	"lab.invalid/standins/spire/internal/wire"
)

// adminHandler is what the commands of spire-server and the controller manager ask for over the private socket.
func (s *Server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /entry/create", s.putEntry)
	mux.HandleFunc("POST /entry/delete", s.deleteEntry)
	mux.HandleFunc("POST /entry/show", func(answer http.ResponseWriter, _ *http.Request) {
		wire.Answer(answer, wire.Entries{Entries: s.state.entries(func(*wire.Entry) bool { return true })})
	})
	mux.HandleFunc("POST /agent/list", func(answer http.ResponseWriter, _ *http.Request) {
		wire.Answer(answer, wire.Agents{Agents: s.state.agents()})
	})
	mux.HandleFunc("POST /agent/evict", s.changeAgent("evicted", func(id string, _ wire.Agent) { delete(s.state.Agents, id) }))
	mux.HandleFunc("POST /agent/ban", s.changeAgent("banned", func(id string, agent wire.Agent) {
		agent.Banned, agent.Serial = true, ""
		s.state.Agents[id] = agent
	}))
	mux.HandleFunc("POST /bundle/show", func(answer http.ResponseWriter, _ *http.Request) {
		wire.Answer(answer, wire.Bundle{PEM: pki.PEM(s.authority.bundle())})
	})
	mux.HandleFunc("POST /healthcheck", func(answer http.ResponseWriter, _ *http.Request) { wire.Answer(answer, wire.Empty{}) })
	return mux
}

var errExists = errors.New("similar entry already exists")

// putEntry creates an entry; one with an ID that is there is replaced when the request says update.
func (s *Server) putEntry(answer http.ResponseWriter, request *http.Request) {
	var entry wire.Entry
	if err := wire.Read(request.Body, &entry); err != nil {
		wire.Refuse(answer, http.StatusBadRequest, "%v", err)
		return
	}
	if err := s.sound(&entry); err != nil {
		wire.Refuse(answer, http.StatusBadRequest, "%v", err)
		return
	}
	entry.Normalize()
	err := s.state.change(func() error {
		old, there := s.state.Entries[entry.ID]
		if there != (request.URL.Query().Get("update") != "") {
			return fmt.Errorf("entry %q: %w", entry.ID, map[bool]error{true: errExists, false: errors.New("not found")}[there])
		}
		for id := range s.state.Entries {
			if other := s.state.Entries[id]; id != entry.ID && entry.Same(&other) {
				return fmt.Errorf("%w: %s", errExists, id)
			}
		}
		entry.CreatedAt, entry.RevisionNumber = time.Now().Unix(), 0
		if there {
			entry.CreatedAt, entry.RevisionNumber = old.CreatedAt, old.RevisionNumber+1
		}
		if entry.ID == "" {
			id, err := newEntryID()
			if err != nil {
				return err
			}
			entry.ID = id
		}
		s.state.Entries[entry.ID] = entry
		return nil
	})
	switch {
	case errors.Is(err, errExists):
		wire.Refuse(answer, http.StatusConflict, "%v", err)
	case err != nil:
		wire.Refuse(answer, http.StatusNotFound, "%v", err)
	default:
		log.Printf("Entry set: %s for %s under %s", entry.ID, entry.SPIFFEID, entry.ParentID)
		wire.Answer(answer, entry)
	}
}

func (s *Server) sound(entry *wire.Entry) error {
	for _, id := range []wire.ID{entry.SPIFFEID, entry.ParentID} {
		if _, err := wire.ParseID(id.String()); err != nil {
			return err
		}
		if id.TrustDomain != s.settings.TrustDomain.Name() {
			return fmt.Errorf("%s is not of the trust domain %s", id, s.settings.TrustDomain.Name())
		}
	}
	if len(entry.Selectors) == 0 {
		return errors.New("selector list is empty")
	}
	for _, selector := range entry.Selectors {
		if selector.Type != "unix" {
			return fmt.Errorf("selector %s: this stand-in attests by unix only", selector)
		}
	}
	return nil
}

func (s *Server) deleteEntry(answer http.ResponseWriter, request *http.Request) {
	var named wire.Named
	if err := wire.Read(request.Body, &named); err != nil {
		wire.Refuse(answer, http.StatusBadRequest, "%v", err)
		return
	}
	err := s.state.change(func() error {
		if _, there := s.state.Entries[named.ID]; !there {
			return fmt.Errorf("entry %q not found", named.ID)
		}
		delete(s.state.Entries, named.ID)
		return nil
	})
	if err != nil {
		wire.Refuse(answer, http.StatusNotFound, "%v", err)
		return
	}
	log.Printf("Entry deleted: %s", named.ID)
	wire.Answer(answer, wire.Empty{})
}

func (s *Server) changeAgent(what string, how func(string, wire.Agent)) http.HandlerFunc {
	return func(answer http.ResponseWriter, request *http.Request) {
		var named wire.Named
		if err := wire.Read(request.Body, &named); err != nil {
			wire.Refuse(answer, http.StatusBadRequest, "%v", err)
			return
		}
		err := s.state.change(func() error {
			agent, there := s.state.Agents[named.ID]
			if !there {
				return fmt.Errorf("agent %q not found", named.ID)
			}
			how(named.ID, agent)
			return nil
		})
		if err != nil {
			wire.Refuse(answer, http.StatusNotFound, "%v", err)
			return
		}
		log.Printf("Agent %s: %s", what, named.ID)
		wire.Answer(answer, wire.Empty{})
	}
}

func newEntryID() (string, error) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	text := hex.EncodeToString(random)
	return fmt.Sprintf("%s-%s-%s-%s-%s", text[:8], text[8:12], text[12:16], text[16:20], text[20:]), nil
}
