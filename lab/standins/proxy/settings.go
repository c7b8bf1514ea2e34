package main

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

var policies = map[string]bool{
	"deny": true, "audit": true, "all-authenticated": true, "all-unauthenticated": true,
	"cluster-authenticated": true, "cluster-unauthenticated": true,
}

// settings are what the environment asks for.
type settings struct {
	inbound, outbound, admin string
	policy                   string
	clusterNetworks          []netip.Prefix
	id                       string // spiffe://..., which the SPIRE agent must give
	serverName               string // the SNI of those who mean this proxy
	anchors                  string // PEM
	spireSocket              string // path
	inboundConnect           time.Duration
	outboundConnect          time.Duration
	failfast                 time.Duration
	grace                    time.Duration
	shutdownEndpoint         bool
	warnings                 []string
}

// reader reads LINKERD2_PROXY_* and collects everything that is wrong.
type reader struct {
	given  map[string]string
	faults []string
}

func (r *reader) refuse(name, why string) {
	r.faults = append(r.faults, fmt.Sprintf("%s%s=%q is not valid: %s", prefix, name, r.given[name], why))
}

func (r *reader) text(name, otherwise string) string {
	if value, there := r.given[name]; there {
		return value
	}
	return otherwise
}

func (r *reader) needed(name string) string {
	value, there := r.given[name]
	if !there {
		r.faults = append(r.faults, prefix+name+" must be set.")
	}
	return value
}

func (r *reader) duration(name string, otherwise time.Duration) time.Duration {
	if value, err := duration(r.text(name, "")); err == nil {
		return value
	}
	return otherwise
}

// settingsFrom reads NAME=VALUE pairs. The error has one line for each variable that is wrong.
func settingsFrom(environment []string) (*settings, error) {
	r := &reader{given: map[string]string{}}
	for _, pair := range environment {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, prefix) {
			r.given[strings.TrimPrefix(name, prefix)] = value
		}
	}
	r.check()
	result := &settings{
		inbound:          r.text("INBOUND_LISTEN_ADDR", "0.0.0.0:4143"),
		outbound:         r.text("OUTBOUND_LISTEN_ADDR", "127.0.0.1:4140"),
		admin:            r.text("ADMIN_LISTEN_ADDR", "127.0.0.1:4191"),
		policy:           r.text("INBOUND_DEFAULT_POLICY", "all-unauthenticated"),
		serverName:       r.needed("IDENTITY_SERVER_NAME"),
		inboundConnect:   r.duration("INBOUND_CONNECT_TIMEOUT", 300*time.Millisecond),
		outboundConnect:  r.duration("OUTBOUND_CONNECT_TIMEOUT", time.Second),
		failfast:         r.duration("INBOUND_HTTP_FAILFAST_TIMEOUT", time.Second),
		grace:            r.duration("SHUTDOWN_GRACE_PERIOD", 2*time.Minute),
		shutdownEndpoint: r.text("SHUTDOWN_ENDPOINT_ENABLED", "") == "true",
	}
	result.clusterNetworks, _ = networks(r.text("POLICY_CLUSTER_NETWORKS", ""))
	if strings.HasPrefix(result.policy, "cluster-") && len(result.clusterNetworks) == 0 {
		r.refuse("INBOUND_DEFAULT_POLICY", "InvalidPortPolicy: it needs "+prefix+"POLICY_CLUSTER_NETWORKS")
	}
	if _, there := r.given["INBOUND_DEFAULT_POLICY"]; !there {
		result.warnings = append(result.warnings, prefix+"INBOUND_DEFAULT_POLICY was not set; using `all-unauthenticated`")
	}
	if result.policy == "deny" {
		result.warnings = append(result.warnings, "no policy controller here: whoever has an identity of the mesh may in, whatever the lab's rules say")
	}
	r.identity(result)
	r.control("DESTINATION")
	r.control("POLICY")
	r.object("POLICY_WORKLOAD", true)
	r.object("DESTINATION_CONTEXT", false)
	if len(r.faults) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(r.faults, "\n"))
	}
	return result, nil
}

// check refuses unknown names and values of another form.
func (r *reader) check() {
	known := map[string]string{}
	for form, list := range names {
		for _, name := range strings.Fields(list) {
			known[name] = form
		}
	}
	for name := range r.given {
		form, there := known[name]
		if !there {
			r.faults = append(r.faults, prefix+name+" is no variable of the proxy; look for a typing error")
			continue
		}
		if err := valid(form, r.given[name]); err != nil {
			r.refuse(name, err.Error())
		}
	}
}

func (r *reader) identity(result *settings) {
	if result.anchors = r.needed("IDENTITY_TRUST_ANCHORS"); result.anchors == "" && r.has("IDENTITY_TRUST_ANCHORS") {
		r.refuse("IDENTITY_TRUST_ANCHORS", "InvalidTrustAnchors")
	}
	result.id = r.needed("IDENTITY_SERVER_ID")
	if id, err := url.Parse(result.id); r.has("IDENTITY_SERVER_ID") && (err != nil || id.Scheme != "spiffe" || id.Host == "") {
		r.refuse("IDENTITY_SERVER_ID", "Spire support requires a SPIFFE TLS Id")
	}
	address := r.text("IDENTITY_SPIRE_WORKLOAD_API_ADDRESS", "")
	if old := r.text("IDENTITY_SPIRE_SOCKET", ""); address == "" && old != "" {
		address = old
		result.warnings = append(result.warnings, prefix+"IDENTITY_SPIRE_SOCKET has been deprecated; use "+prefix+"IDENTITY_SPIRE_WORKLOAD_API_ADDRESS")
	}
	if address == "" {
		r.faults = append(r.faults, prefix+"IDENTITY_SPIRE_WORKLOAD_API_ADDRESS must be set: this stand-in has no other source of identity")
	}
	// As the real one: only `unix:` is taken off, and a path may begin with more than one slash.
	result.spireSocket = strings.TrimPrefix(address, "unix:")
}

func (r *reader) has(name string) bool {
	_, there := r.given[name]
	return there
}

// control demands the address of a controller and, unless it is on this machine, its identity.
func (r *reader) control(service string) {
	address := r.needed(service + "_SVC_ADDR")
	if !strings.HasPrefix(address, "127.") && !strings.HasPrefix(address, "localhost") {
		r.needed(service + "_SVC_NAME")
	}
}

// object wants JSON, which the real proxy hands over unread and the controllers then refuse.
func (r *reader) object(name string, needed bool) {
	if !r.has(name) && !needed {
		return
	}
	var object map[string]string
	if text := r.needed(name); r.has(name) && json.Unmarshal([]byte(text), &object) != nil {
		r.refuse(name, `expected a JSON object such as {"ns":"faces","external_workload":"smiley"}`)
	}
}

// trustAnchors parses the anchors. It fails later than the environment's other faults, as in the real proxy.
func (s *settings) trustAnchors() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(s.anchors)) {
		return nil, fmt.Errorf("no trust roots in PEM file: %sIDENTITY_TRUST_ANCHORS", prefix)
	}
	return pool, nil
}
