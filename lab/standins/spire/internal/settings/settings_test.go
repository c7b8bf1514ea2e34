package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// As the official chart renders it: JSON, plugins as lists, ports as texts.
const rendered = `{"server": {"bind_address": "0.0.0.0", "bind_port": "8081", "trust_domain": "example.org", "data_dir": "/d", "log_level": "info",
 "ca_ttl": "24h", "ca_subject": [{"country": ["NL"], "organization": ["Lab"], "common_name": "x"}], "ratelimit": {"attestation": false, "signing": true}},
 "plugins": {"DataStore": [{"sql": {"plugin_data": {"database_type": "sqlite3", "connection_string": "/d/db"}}}],
 "KeyManager": [{"disk": {"plugin_data": {"keys_path": "/d/keys.json"}}}],
 "NodeAttestor": [{"x509pop": {"plugin_data": {"ca_bundle_path": "/d/ca.pem"}}}]}}`

func TestTheFormOfTheChartIsRead(t *testing.T) {
	server, err := ReadServer(file(t, rendered), false)
	if err != nil {
		t.Fatal(err)
	}
	if server.Listen != "0.0.0.0:8081" || server.LimitAttestation || server.Organization[0] != "Lab" || server.DeviceCAs[0] != "/d/ca.pem" {
		t.Errorf("%+v", server)
	}
}

func TestWhatIsUnknownOrCannotBeDoneIsRefusedByName(t *testing.T) {
	for change, says := range map[string]string{
		`"data_dir"|"data_dri"`:                          "unknown configuration detected: server.data_dri",
		`"keys_path"|"keys"`:                             "unknown configuration detected: plugins.KeyManager.disk.plugin_data.keys",
		`"x509pop"|"join_token"`:                         "plugins.NodeAttestor.join_token: this stand-in has no such plugin",
		`"sqlite3"|"postgres"`:                           "database_type",
		`"24h"|"a day"`:                                  `server.ca_ttl: "a day" is no duration`,
		`"trust_domain": "example.org"|"federation": {}`: "server.trust_domain: must be set",
	} {
		from, to, _ := strings.Cut(change, "|")
		_, err := ReadServer(file(t, strings.Replace(rendered, from, to, 1)), false)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestAnAgentNeverTrustsAServerUnseen(t *testing.T) {
	_, err := ReadAgent(file(t, `agent { server_address = "a" server_port = 1 trust_domain = "example.org" insecure_bootstrap = true }
plugins { KeyManager "memory" { plugin_data {} } WorkloadAttestor "unix" { plugin_data {} }
NodeAttestor "x509pop" { plugin_data { private_key_path = "k" certificate_path = "c" } } }`), false)
	if err == nil || !strings.Contains(err.Error(), "insecure_bootstrap") || !strings.Contains(err.Error(), "trust_bundle_path: must be set") {
		t.Errorf("%v", err)
	}
}

func TestWithoutASubjectTheCAHasSPIREsOwn(t *testing.T) {
	from, to, _ := strings.Cut(`"ca_subject": [{"country": ["NL"], "organization": ["Lab"], "common_name": "x"}], |`, "|")
	server, err := ReadServer(file(t, strings.Replace(rendered, from, to, 1)), false)
	if err != nil {
		t.Fatal(err)
	}
	if len(server.Country) == 0 || len(server.Organization) == 0 {
		t.Errorf("the CA's subject is empty, which linkerd2-proxy cannot read: %+v", server)
	}
}
