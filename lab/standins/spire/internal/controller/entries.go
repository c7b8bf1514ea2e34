package controller

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"lab.invalid/standins/spire/internal/wire"
)

const commandTimeout = 15 * time.Second

// entry is what decides about a registration, in a form that can be compared.
type entry struct {
	id        string
	spiffeID  string
	parentID  string
	selectors []string
	names     []string
	federates []string
	life      int32
	jwtLife   int32
	hint      string
	admin     bool
	down      bool
	store     bool
}

// key says what an entry is for; two with one key are one.
func (e *entry) key() string {
	return e.parentID + " " + e.spiffeID + " " + strings.Join(e.selectors, " ")
}

func (e *entry) same(other *entry) bool {
	return e.key() == other.key() && slices.Equal(e.names, other.names) && slices.Equal(e.federates, other.federates) &&
		e.life == other.life && e.jwtLife == other.jwtLife && e.hint == other.hint && e.admin == other.admin &&
		e.down == other.down && e.store == other.store
}

// render makes an entry of an object's spec.
func (s *spec) render() (*entry, error) {
	for _, id := range []string{s.SPIFFEID, s.ParentID} {
		if _, err := wire.ParseID(id); err != nil {
			return nil, err
		}
	}
	if len(s.Selectors) == 0 {
		return nil, fmt.Errorf("no selectors")
	}
	for _, text := range s.Selectors {
		if _, err := wire.ParseSelector(text); err != nil {
			return nil, err
		}
	}
	result := &entry{
		spiffeID: s.SPIFFEID, parentID: s.ParentID, selectors: slices.Sorted(slices.Values(s.Selectors)),
		names: s.DNSNames, federates: s.FederatesWith, hint: s.Hint, admin: s.Admin, down: s.Downstream, store: s.StoreSVID,
	}
	for text, into := range map[*string]*int32{&s.X509SVIDTTL: &result.life, &s.JWTSVIDTTL: &result.jwtLife} {
		if *text == "" {
			continue
		}
		life, err := time.ParseDuration(*text)
		if err != nil {
			return nil, err
		}
		*into = int32(life / time.Second)
	}
	return result, nil
}

// server is SPIRE's server as its command line shows it: stand-in or real one alike.
type server struct {
	program string
	socket  string
}

func (s *server) list(ctx context.Context) ([]*entry, error) {
	text, err := s.run(ctx, "entry", "show", "-output", "json")
	if err != nil {
		return nil, err
	}
	var shown struct {
		Entries []struct {
			ID            string          `json:"id"`
			SPIFFEID      wire.ID         `json:"spiffe_id"`
			ParentID      wire.ID         `json:"parent_id"`
			Selectors     []wire.Selector `json:"selectors"`
			X509SVIDTTL   int32           `json:"x509_svid_ttl"`
			JWTSVIDTTL    int32           `json:"jwt_svid_ttl"`
			DNSNames      []string        `json:"dns_names"`
			FederatesWith []string        `json:"federates_with"`
			Hint          string          `json:"hint"`
			Admin         bool            `json:"admin"`
			Downstream    bool            `json:"downstream"`
			StoreSVID     bool            `json:"store_svid"`
		} `json:"entries"`
	}
	if err := json.Unmarshal(text, &shown); err != nil {
		return nil, fmt.Errorf("entry show: %w", err)
	}
	var result []*entry
	for _, one := range shown.Entries {
		found := &entry{
			id: one.ID, spiffeID: one.SPIFFEID.String(), parentID: one.ParentID.String(), names: one.DNSNames,
			federates: one.FederatesWith, life: one.X509SVIDTTL, jwtLife: one.JWTSVIDTTL, hint: one.Hint,
			admin: one.Admin, down: one.Downstream, store: one.StoreSVID,
		}
		for _, selector := range one.Selectors {
			found.selectors = append(found.selectors, selector.String())
		}
		slices.Sort(found.selectors)
		result = append(result, found)
	}
	return result, nil
}

// put creates or updates an entry.
func (s *server) put(ctx context.Context, verb string, one *entry) error {
	if one.admin || one.down || one.store || len(one.federates) > 0 {
		return fmt.Errorf("admin, downstream, storeSVID and federatesWith cannot be done by this stand-in")
	}
	arguments := []string{"entry", verb, "-spiffeID", one.spiffeID, "-parentID", one.parentID, "-entryID", one.id,
		"-x509SVIDTTL", strconv.Itoa(int(one.life)), "-jwtSVIDTTL", strconv.Itoa(int(one.jwtLife)), "-hint", one.hint}
	for _, selector := range one.selectors {
		arguments = append(arguments, "-selector", selector)
	}
	for _, name := range one.names {
		arguments = append(arguments, "-dns", name)
	}
	_, err := s.run(ctx, arguments...)
	return err
}

func (s *server) remove(ctx context.Context, id string) error {
	_, err := s.run(ctx, "entry", "delete", "-entryID", id)
	return err
}

func (s *server) run(ctx context.Context, arguments ...string) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	command := exec.CommandContext(limited, s.program, append(arguments, "-socketPath", s.socket)...)
	var said, complained bytes.Buffer
	command.Stdout, command.Stderr = &said, &complained
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("spire-server %s: %w: %s", strings.Join(arguments[:2], " "), err, strings.TrimSpace(complained.String()))
	}
	return said.Bytes(), nil
}

func newID(prefix string) (string, error) {
	random := make([]byte, 16)
	_, err := rand.Read(random)
	if prefix != "" {
		prefix += "."
	}
	return prefix + hex.EncodeToString(random), err
}
