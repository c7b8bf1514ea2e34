package wire

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// ID is a SPIFFE ID in the form of `spire-server ... -output json`.
type ID struct {
	TrustDomain string `json:"trust_domain"`
	Path        string `json:"path"`
}

// ParseID reads a spiffe:// URI.
func ParseID(text string) (ID, error) {
	id, err := spiffeid.FromString(text)
	if err != nil {
		return ID{}, fmt.Errorf("%q is no SPIFFE ID: %w", text, err)
	}
	return ID{TrustDomain: id.TrustDomain().Name(), Path: id.Path()}, nil
}

func (i ID) String() string { return "spiffe://" + i.TrustDomain + i.Path }

// Selector says something about a process, such as unix and uid:2102.
type Selector struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// ParseSelector reads type:value.
func ParseSelector(text string) (Selector, error) {
	kind, value, ok := strings.Cut(text, ":")
	if !ok || kind == "" || value == "" {
		return Selector{}, fmt.Errorf("selector %q must be formatted as type:value", text)
	}
	return Selector{Type: kind, Value: value}, nil
}

func (s Selector) String() string { return s.Type + ":" + s.Value }

// Entry says which process gets which identity from which agent.
type Entry struct {
	ID             string     `json:"id"`
	SPIFFEID       ID         `json:"spiffe_id"`
	ParentID       ID         `json:"parent_id"`
	Selectors      []Selector `json:"selectors"`
	X509SVIDTTL    int32      `json:"x509_svid_ttl"`
	JWTSVIDTTL     int32      `json:"jwt_svid_ttl"`
	DNSNames       []string   `json:"dns_names"`
	Hint           string     `json:"hint"`
	Admin          bool       `json:"admin"`
	Downstream     bool       `json:"downstream"`
	StoreSVID      bool       `json:"store_svid"`
	FederatesWith  []string   `json:"federates_with"`
	ExpiresAt      int64      `json:"expires_at,string"`
	RevisionNumber int64      `json:"revision_number,string"`
	CreatedAt      int64      `json:"created_at,string"`
}

// Normalize gives two entries that say the same the same form.
func (e *Entry) Normalize() {
	slices.SortFunc(e.Selectors, func(a, b Selector) int { return strings.Compare(a.String(), b.String()) })
	e.Selectors = slices.Compact(e.Selectors)
	if e.DNSNames == nil {
		e.DNSNames = []string{}
	}
	if e.FederatesWith == nil {
		e.FederatesWith = []string{}
	}
}

// Same says whether two entries are for the same identity, agent and processes.
func (e *Entry) Same(other *Entry) bool {
	return e.SPIFFEID == other.SPIFFEID && e.ParentID == other.ParentID && slices.Equal(e.Selectors, other.Selectors)
}

// Agent is a node that has attested.
type Agent struct {
	ID              ID         `json:"id"`
	AttestationType string     `json:"attestation_type"`
	Serial          string     `json:"x509svid_serial_number"`
	ExpiresAt       int64      `json:"x509svid_expires_at,string"`
	Selectors       []Selector `json:"selectors"`
	Banned          bool       `json:"banned"`
	CanReattest     bool       `json:"can_reattest"`
}

// Entries and Agents are lists as `spire-server` prints them.
type Entries struct {
	Entries       []Entry `json:"entries"`
	NextPageToken string  `json:"next_page_token"`
}

// Agents is a list as `spire-server agent list` prints it.
type Agents struct {
	Agents        []Agent `json:"agents"`
	NextPageToken string  `json:"next_page_token"`
}

// Named is one entry or agent by its id.
type Named struct {
	ID string `json:"id"`
}

// Empty is a message that says nothing more.
type Empty struct{}

// Bundle is the trust domain's roots, PEM.
type Bundle struct {
	PEM string `json:"pem"`
}
