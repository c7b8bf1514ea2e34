package settings

import (
	"net"
	"path/filepath"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// DefaultAgentSocket is where `spire-agent` commands look for the agent when -socketPath is not given.
const DefaultAgentSocket = "/tmp/spire-agent/public/api.sock"

// Agent is what an agent's configuration asks for.
type Agent struct {
	Server        string // host:port
	Socket        string
	TrustDomain   spiffeid.TrustDomain
	DataDir       string
	TrustBundle   string // PEM file
	Keys          string // directory of the agent's key; empty: attests again at each start
	DeviceKey     string
	DeviceCert    string
	Intermediates string
	DiscoverPath  bool // selectors path and sha256
	SyncInterval  time.Duration
	Health        Health
}

// ReadAgent reads an agent's file; the error lists everything that is wrong with it.
func ReadAgent(file string, expand bool) (*Agent, error) {
	root, err := parse(file, expand)
	if err != nil {
		return nil, err
	}
	section := root.block("agent")
	experimental := section.block("experimental")
	result := &Agent{
		Server:       net.JoinHostPort(section.needed("server_address"), section.needed("server_port")),
		Socket:       section.text("socket_path", DefaultAgentSocket),
		DataDir:      section.text("data_dir", "."),
		TrustBundle:  section.text("trust_bundle_path", ""),
		SyncInterval: experimental.duration("sync_interval", 5*time.Second),
		Health:       health(root),
	}
	result.TrustDomain = trustDomain(section)
	if result.TrustBundle == "" {
		section.fault("trust_bundle_path", "must be set; this stand-in never trusts a server unseen")
	}
	if section.yes("insecure_bootstrap", false) {
		section.fault("insecure_bootstrap", "this stand-in never trusts a server unseen; use trust_bundle_path")
	}
	if format := section.text("trust_bundle_format", "pem"); format != "pem" {
		section.fault("trust_bundle_format", "%q: this stand-in reads pem only", format)
	}
	section.without("admin_socket_path", "allow_unauthenticated_verifiers", "availability_target", "disable_sds_api",
		"log_file", "log_format", "log_level", "log_selectors", "log_source_location", "rebootstrap_delay", "rebootstrap_mode", "sds",
		"workload_x509_svid_key_type", "x509_svid_cache_max_size", "jwt_svid_cache_max_size")
	section.refuse("authorized_delegates", "disable_workload_api", "join_token", "join_token_file",
		"trust_bundle_spiffe_workload_api", "trust_bundle_unix_socket", "trust_bundle_url")
	experimental.done()
	section.done()
	result.plugins(root.block("plugins"))
	root.without("telemetry")
	root.done()
	return result, root.err(file)
}

func (a *Agent) plugins(plugins *block) {
	if _, data := plugin(plugins, "NodeAttestor", "x509pop"); data != nil {
		a.DeviceKey, a.DeviceCert = data.needed("private_key_path"), data.needed("certificate_path")
		a.Intermediates = data.text("intermediates_path", "")
		data.done()
	} else {
		plugins.fault("NodeAttestor", "must be set")
	}
	switch name, data := plugin(plugins, "KeyManager", "disk", "memory"); name {
	case "disk":
		a.Keys = filepath.Clean(data.needed("directory"))
		data.done()
	case "memory":
		data.done()
	default:
		plugins.fault("KeyManager", "must be set")
	}
	if _, data := plugin(plugins, "WorkloadAttestor", "unix"); data != nil {
		a.DiscoverPath = data.yes("discover_workload_path", false)
		data.without("workload_size_limit")
		data.done()
	} else {
		plugins.fault("WorkloadAttestor", "must be set")
	}
	plugins.done()
}
