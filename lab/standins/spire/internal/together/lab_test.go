// Package together holds the tests of a server, an agent and a controller manager that run in one process.
package together

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spiffe/go-spiffe/v2/workloadapi"

	"lab.invalid/standins/spire/internal/agent"
	"lab.invalid/standins/spire/internal/cli"
	"lab.invalid/standins/spire/internal/pki"
	"lab.invalid/standins/spire/internal/server"
	"lab.invalid/standins/spire/internal/settings"
	"lab.invalid/standins/spire/internal/wire"
)

const (
	domain = "root.linkerd.cluster.local"
	wait   = 10 * time.Second
)

// lab is a directory with certificates, and a server that runs.
type lab struct {
	t         *testing.T
	directory string
	port      int
}

func newLab(t *testing.T) *lab {
	l := prepared(t)
	l.server("upstream")
	return l
}

// prepared is a lab whose server does not run yet.
func prepared(t *testing.T) *lab {
	l := &lab{t: t, directory: t.TempDir()}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.port = listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	l.authority("root", "")
	l.authority("upstream", "root")
	l.authority("devices", "")
	l.authority("strangers", "")
	return l
}

// server starts the server below an authority of this name.
func (l *lab) server(upstream string) (ended <-chan error) {
	file := l.write("server.conf", `
server { bind_address = "127.0.0.1" bind_port = %d socket_path = "%[2]s/server.sock" trust_domain = "%[3]s" data_dir = "%[2]s"
  ratelimit { attestation = false } }
plugins {
  DataStore "sql" { plugin_data { database_type = "sqlite3" connection_string = "%[2]s/db" } }
  KeyManager "memory" { plugin_data {} }
  NodeAttestor "x509pop" { plugin_data { ca_bundle_path = "%[2]s/devices.crt" agent_path_template = "/device/{{ .Subject.CommonName }}" } }
  UpstreamAuthority "disk" { plugin_data { cert_file_path = "%[2]s/%[4]s.crt" key_file_path = "%[2]s/%[4]s.key" bundle_file_path = "%[2]s/root.crt" } }
}`, l.port, l.directory, domain, upstream)
	given, err := settings.ReadServer(file, false)
	if err != nil {
		l.t.Fatal(err)
	}
	_, ended = l.run(func(ctx context.Context) error { return server.Run(ctx, given) })
	l.until("the server", func() error {
		if len(ended) > 0 {
			return nil
		}
		return l.ask("/healthcheck", wire.Empty{}, &wire.Empty{})
	})
	return ended
}

func (l *lab) path(name string) string { return filepath.Join(l.directory, name) }

func (l *lab) write(name, format string, values ...any) string {
	if err := os.WriteFile(l.path(name), []byte(fmt.Sprintf(format, values...)), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return l.path(name)
}

func (l *lab) ask(path string, message, answer any) error {
	return cli.Ask(l.path("server.sock"), path, message, answer)
}

// run runs something until the test ends, or until stop; its error can be read once.
func (l *lab) run(what func(context.Context) error) (stop func(), ended <-chan error) {
	ctx, cancel := context.WithCancel(context.Background())
	result, done := make(chan error, 1), make(chan struct{})
	go func() { result <- what(ctx); close(done) }()
	stop = func() { cancel(); <-done }
	l.t.Cleanup(stop)
	return stop, result
}

func (l *lab) until(what string, works func() error) {
	l.t.Helper()
	var err error
	for end := time.Now().Add(wait); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = works(); err == nil {
			return
		}
	}
	l.t.Fatalf("%s: %v", what, err)
}

// authority makes name.crt and name.key, signed by itself or by a parent.
func (l *lab) authority(name, parent string) { l.certificate(name, parent, true) }

func (l *lab) certificate(name, parent string, isCA bool, changes ...func(*x509.Certificate)) {
	key, err := pki.NewKey()
	if err != nil {
		l.t.Fatal(err)
	}
	serial, _ := pki.NewSerial()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true, IsCA: isCA,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if isCA {
		template.KeyUsage |= x509.KeyUsageCertSign
	}
	for _, change := range changes {
		change(template)
	}
	issuer, signer := template, any(key)
	if parent != "" {
		chain, err := pki.ReadCertificates(l.path(parent + ".crt"))
		if err != nil {
			l.t.Fatal(err)
		}
		issuer = chain[0]
		if signer, err = pki.ReadKey(l.path(parent + ".key")); err != nil {
			l.t.Fatal(err)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	if err != nil {
		l.t.Fatal(err)
	}
	made, _ := x509.ParseCertificate(der)
	l.write(name+".crt", "%s", pki.PEM([]*x509.Certificate{made}))
	if err := pki.WriteKey(l.path(name+".key"), key); err != nil {
		l.t.Fatal(err)
	}
}

// agent starts the agent of a device.
func (l *lab) agent(device string) (stop func(), ended <-chan error) {
	file := l.write(device+".conf", `
agent { data_dir = "%[1]s/%[2]s" server_address = "127.0.0.1" server_port = %[3]d socket_path = "%[1]s/%[2]s.sock"
  trust_bundle_path = "%[1]s/root.crt" trust_domain = "%[4]s" experimental { sync_interval = "50ms" } }
plugins {
  NodeAttestor "x509pop" { plugin_data { private_key_path = "%[1]s/%[2]s.key" certificate_path = "%[1]s/%[2]s.crt" } }
  KeyManager "disk" { plugin_data { directory = "%[1]s/%[2]s" } }
  WorkloadAttestor "unix" { plugin_data { discover_workload_path = true } }
}`, l.directory, device, l.port, domain)
	given, err := settings.ReadAgent(file, false)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.run(func(ctx context.Context) error { return agent.Run(ctx, given) })
}

func (l *lab) entry(device string, selectors ...string) {
	l.t.Helper()
	entry := wire.Entry{}
	entry.SPIFFEID, _ = wire.ParseID("spiffe://" + domain + "/" + device)
	entry.ParentID, _ = wire.ParseID("spiffe://" + domain + "/spire/agent/device/" + device)
	for _, text := range selectors {
		selector, err := wire.ParseSelector(text)
		if err != nil {
			l.t.Fatal(err)
		}
		entry.Selectors = append(entry.Selectors, selector)
	}
	if err := l.ask("/entry/create", entry, &wire.Entry{}); err != nil {
		l.t.Fatal(err)
	}
}

// identity is what this test's process is given by a device's agent.
func (l *lab) identity(device string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	found, err := workloadapi.FetchX509SVID(ctx, workloadapi.WithAddr("unix://"+l.path(device+".sock")))
	if err != nil {
		return "", err
	}
	roots, err := pki.ReadCertificates(l.path("root.crt"))
	if err != nil {
		return "", err
	}
	id, err := pki.Verify(found.Certificates, roots)
	return id.String(), err
}

func (l *lab) self() []string {
	program, err := os.Executable()
	if err != nil {
		l.t.Fatal(err)
	}
	return []string{fmt.Sprintf("unix:uid:%d", os.Getuid()), "unix:path:" + program}
}

func (l *lab) agents() []wire.Agent {
	var answer wire.Agents
	if err := l.ask("/agent/list", wire.Empty{}, &answer); err != nil {
		l.t.Fatal(err)
	}
	return answer.Agents
}
