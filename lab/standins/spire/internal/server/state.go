// Package server is the stand-in of SPIRE's server: attestation by certificate, entries, certificates.
package server

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"sort"
	"sync"

	"lab.invalid/standins/spire/internal/pki"
	"lab.invalid/standins/spire/internal/wire"
)

// state is what the server remembers: entries and agents, in one JSON file in the place of the database.
type state struct {
	mutex   sync.Mutex
	file    string
	Entries map[string]wire.Entry `json:"entries"`
	Agents  map[string]wire.Agent `json:"agents"`
}

func openState(file string) (*state, error) {
	result := &state{file: file, Entries: map[string]wire.Entry{}, Agents: map[string]wire.Agent{}}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return result, result.change(func() error { return nil })
	}
	if err != nil {
		return nil, err
	}
	return result, json.Unmarshal(text, result)
}

// change runs with the state held and writes it down; nothing is written when it fails.
func (s *state) change(how func() error) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := how(); err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return pki.WritePrivate(s.file, text)
}

func (s *state) agent(id string) (wire.Agent, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	agent, there := s.Agents[id]
	return agent, there
}

func (s *state) entries(wanted func(*wire.Entry) bool) []wire.Entry {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	result := []wire.Entry{}
	for _, entry := range s.Entries {
		if wanted(&entry) {
			result = append(result, entry)
		}
	}
	sort.Slice(result, func(a, b int) bool { return result[a].ID < result[b].ID })
	return result
}

func (s *state) agents() []wire.Agent {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	result := []wire.Agent{}
	for _, agent := range s.Agents {
		result = append(result, agent)
	}
	sort.Slice(result, func(a, b int) bool { return result[a].ID.Path < result[b].ID.Path })
	return result
}
