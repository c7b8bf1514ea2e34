package settings

import (
	"net"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// DefaultServerSocket is where `spire-server` commands look for the server when -socketPath is not given.
const DefaultServerSocket = "/tmp/spire-server/private/api.sock"

// Server is what a server's configuration asks for.
type Server struct {
	Listen            string // host:port for agents
	Socket            string
	TrustDomain       spiffeid.TrustDomain
	CATTL             time.Duration
	SVIDTTL           time.Duration
	AgentTTL          time.Duration
	Country           []string
	Organization      []string
	CommonName        string
	LimitAttestation  bool   // one attempt a second from an address
	DataStore         string // file
	Keys              string // file of the CA's key; empty: a new one at each start
	DeviceCAs         []string
	AgentPathTemplate string
	UpstreamCert      string // empty: the server signs its own root
	UpstreamKey       string
	UpstreamBundle    string
	Health            Health
	Notes             []string // what the file asks for and is not done here
}

// ReadServer reads a server's file; the error lists everything that is wrong with it.
func ReadServer(file string, expand bool) (*Server, error) {
	root, err := parse(file, expand)
	if err != nil {
		return nil, err
	}
	section := root.block("server")
	subject := section.block("ca_subject")
	limit := section.block("ratelimit")
	result := &Server{
		Listen:           net.JoinHostPort(section.text("bind_address", "0.0.0.0"), section.text("bind_port", "8081")),
		Socket:           section.text("socket_path", DefaultServerSocket),
		CATTL:            section.duration("ca_ttl", 24*time.Hour),
		SVIDTTL:          section.duration("default_x509_svid_ttl", time.Hour),
		Country:          subject.list("country"),
		Organization:     subject.list("organization"),
		CommonName:       subject.text("common_name", ""),
		LimitAttestation: limit.yes("attestation", true),
		Health:           health(root),
	}
	if !section.has("ca_subject") {
		// SPIRE's own default. Without any name, linkerd2-proxy cannot read the certificates.
		result.Country, result.Organization = []string{"US"}, []string{"SPIFFE"}
	}
	result.AgentTTL = section.duration("agent_ttl", result.SVIDTTL)
	result.TrustDomain = trustDomain(section)
	if kind := section.text("ca_key_type", "ec-p256"); kind != "ec-p256" {
		section.fault("ca_key_type", "%q: this stand-in makes ec-p256 keys only", kind)
	}
	section.needed("data_dir")
	section.without("admin_ids", "audit_log_enabled", "default_jwt_svid_ttl", "disable_jwt_svids", "experimental",
		"jwt_issuer", "jwt_key_type", "log_file", "log_format", "log_level", "log_source_location", "max_attested_node_info_staleness",
		"prune_attested_nodes_batch_size", "prune_attested_nodes_expired_for", "prune_tofu_nodes")
	section.refuse("federation", "proxy_protocol_trusted_cidrs")
	limit.without("signing")
	for _, one := range []*block{subject, limit, section} {
		one.done()
	}
	result.plugins(root.block("plugins"))
	root.without("telemetry")
	root.done()
	return result, root.err(file)
}

func (s *Server) plugins(plugins *block) {
	if _, data := plugin(plugins, "DataStore", "sql"); data != nil {
		if kind := data.text("database_type", "sqlite3"); kind != "sqlite3" {
			data.fault("database_type", "%q: this stand-in keeps a file, in place of sqlite3 only", kind)
		}
		s.DataStore = data.needed("connection_string")
		data.without("max_open_conns", "max_idle_conns", "conn_max_lifetime", "disable_migration")
		data.done()
	} else {
		plugins.fault("DataStore", "must be set")
	}
	switch name, data := plugin(plugins, "KeyManager", "disk", "memory"); name {
	case "disk":
		s.Keys = data.needed("keys_path")
		data.done()
	case "memory":
		data.done()
	default:
		plugins.fault("KeyManager", "must be set")
	}
	if _, data := plugin(plugins, "NodeAttestor", "x509pop"); data != nil {
		if mode := data.text("mode", "external_pki"); mode != "external_pki" {
			data.fault("mode", "%q: this stand-in has external_pki only", mode)
		}
		if s.DeviceCAs = data.list("ca_bundle_paths"); len(s.DeviceCAs) == 0 {
			s.DeviceCAs = []string{data.needed("ca_bundle_path")}
		}
		s.AgentPathTemplate = data.text("agent_path_template", "/{{ .PluginName }}/{{ .Fingerprint }}")
		data.without("max_intermediates", "max_rsa_key_size")
		data.refuse("verify_client_ip", "svid_prefix")
		data.done()
	} else {
		plugins.fault("NodeAttestor", "must be set")
	}
	if _, data := plugin(plugins, "UpstreamAuthority", "disk"); data != nil {
		s.UpstreamCert, s.UpstreamKey = data.needed("cert_file_path"), data.needed("key_file_path")
		s.UpstreamBundle = data.text("bundle_file_path", "")
		data.done()
	}
	for _, kind := range []string{"Notifier", "BundlePublisher"} {
		if name, _ := plugin(plugins, kind, "k8sbundle", "k8s_configmap"); name != "" {
			s.Notes = append(s.Notes, kind+" "+name+": the bundle is not written to Kubernetes")
		}
	}
	plugins.done()
}

func trustDomain(section *block) spiffeid.TrustDomain {
	text := section.needed("trust_domain")
	domain, err := spiffeid.TrustDomainFromString(text)
	if text != "" && err != nil {
		section.fault("trust_domain", "%v", err)
	}
	return domain
}
