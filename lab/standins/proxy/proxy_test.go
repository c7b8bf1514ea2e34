package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

const serverName = "smiley.cluster.local"

var sound = []string{
	"LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS=anchors",
	"LINKERD2_PROXY_IDENTITY_SERVER_ID=spiffe://root.linkerd.cluster.local/smiley",
	"LINKERD2_PROXY_IDENTITY_SERVER_NAME=" + serverName,
	"LINKERD2_PROXY_IDENTITY_SPIRE_SOCKET=unix:///run/agent.sock",
	"LINKERD2_PROXY_DESTINATION_SVC_ADDR=127.0.0.1:8086",
	"LINKERD2_PROXY_POLICY_SVC_ADDR=127.0.0.1:8090",
	`LINKERD2_PROXY_POLICY_WORKLOAD={"ns":"faces","external_workload":"smiley"}`,
	"LINKERD2_PROXY_INBOUND_DEFAULT_POLICY=deny",
}

func TestAnEnvironmentIsRefusedByTheNameOfEachVariable(t *testing.T) {
	if _, err := settingsFrom(sound); err != nil {
		t.Fatal(err)
	}
	for wrong, says := range map[string]string{
		"LINKERD2_PROXY_INBOUND_POTRS=80":            "INBOUND_POTRS is no variable",
		"LINKERD2_PROXY_IDENTITY_SERVER_ID=smiley":   "SERVER_ID=\"smiley\" is not valid: Spire support requires",
		"LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS=":     "TRUST_ANCHORS=\"\" is not valid: InvalidTrustAnchors",
		"LINKERD2_PROXY_INBOUND_CONNECT_TIMEOUT=100": "INBOUND_CONNECT_TIMEOUT=\"100\" is not valid: NotADuration",
		"LINKERD2_PROXY_INBOUND_DEFAULT_POLICY=no":   "InvalidPortPolicy",
		"LINKERD2_PROXY_POLICY_SVC_ADDR=linkerd:1":   "POLICY_SVC_NAME must be set",
		"LINKERD2_PROXY_POLICY_WORKLOAD=faces":       "POLICY_WORKLOAD=\"faces\" is not valid",
		"LINKERD2_PROXY_INBOUND_PORTS=8000-1":        "NotAPortRange",
	} {
		_, err := settingsFrom(append(append([]string{}, sound...), wrong))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestUnderDenyItSaysThatItKnowsNoRule(t *testing.T) {
	for policy, says := range map[string]bool{"deny": true, "audit": false} {
		given, err := settingsFrom(append(append([]string{}, sound...), "LINKERD2_PROXY_INBOUND_DEFAULT_POLICY="+policy))
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(strings.Join(given.warnings, "\n"), "whatever the lab's rules say"); said != says {
			t.Errorf("%s: %q", policy, given.warnings)
		}
	}
}

// authority signs leaves for the tests.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, _ := x509.ParseCertificate(der)
	return &authority{key: key, certificate: certificate}
}

func (a *authority) leaf(t *testing.T, path string) *tls.Certificate {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		URIs: []*url.URL{{Scheme: "spiffe", Host: "root.linkerd.cluster.local", Path: path}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, _ := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed}
}

// edge is an inbound side with a workload behind it, or none.
type edge struct {
	address string
	mesh    *authority
}

func newEdge(t *testing.T, policy string, alive bool) edge {
	t.Helper()
	workload := httptest.NewUnstartedServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		said := "workload "
		if request.ProtoMajor > 1 {
			said = request.Proto + " "
		}
		_, _ = answer.Write([]byte(said + request.Header.Get("l5d-client-id")))
		answer.Header().Set(http.TrailerPrefix+"Grpc-Status", "12")
	}))
	workload.Config.Protocols = new(http.Protocols)
	workload.Config.Protocols.SetHTTP1(true)
	workload.Config.Protocols.SetUnencryptedHTTP2(true)
	workload.Start()
	t.Cleanup(workload.Close)
	behind := netip.MustParseAddrPort(workload.Listener.Addr().String())
	if !alive {
		workload.Close()
	}
	mesh := newAuthority(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mesh.certificate.Raw}))
	own := newIdentity("spiffe://root.linkerd.cluster.local/smiley")
	own.current = mesh.leaf(t, "/smiley")
	given := &settings{policy: policy, serverName: serverName, inboundConnect: 100 * time.Millisecond, failfast: 200 * time.Millisecond}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	in := newInbound(given, own, newMetrics(), pool, 4143, ctx.Done())
	in.target = func(net.Conn) (netip.AddrPort, error) { return behind, nil }
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go in.accept(connection)
		}
	}()
	go func() { _ = in.http.Serve(&queue{address: listener.Addr(), waiting: in.requests, ended: ctx.Done()}) }()
	return edge{address: listener.Addr().String(), mesh: mesh}
}

// get asks for a path: in plaintext, in TLS without a certificate, or with the certificate of a mesh.
func (e edge) get(t *testing.T, path string, secure bool, shown *tls.Certificate) *http.Response {
	t.Helper()
	config := &tls.Config{InsecureSkipVerify: true, ServerName: serverName}
	if shown != nil {
		config.Certificates = []tls.Certificate{*shown}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	t.Cleanup(client.CloseIdleConnections)
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	answer, err := client.Get(scheme + e.address + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func TestUnderDenyOnlyTheMeshAndProbesGetIn(t *testing.T) {
	e := newEdge(t, "deny", true)
	member := e.mesh.leaf(t, "/face")
	for _, row := range []struct {
		who    string
		path   string
		secure bool
		shown  *tls.Certificate
		status int
	}{
		{"plaintext", "/", false, nil, 403},
		{"TLS without a certificate", "/", true, nil, 403},
		{"member of the mesh", "/", true, member, 200},
		{"plaintext probe", "/ready", false, nil, 200},
		{"probe in TLS", "/ready", true, nil, 200},
		{"path that only begins like a probe", "/ready/x", false, nil, 403},
	} {
		answer := e.get(t, row.path, row.secure, row.shown)
		if answer.StatusCode != row.status {
			t.Errorf("%s: %d, expected %d", row.who, answer.StatusCode, row.status)
		}
		if answer.Header.Get("l5d-proxy-error") != "" {
			t.Errorf("%s is told why, and is not of the mesh", row.who)
		}
	}
}

func TestAStrangersCertificateEndsTheHandshake(t *testing.T) {
	e := newEdge(t, "deny", true)
	connection, err := tls.Dial("tcp", e.address, &tls.Config{
		InsecureSkipVerify: true, ServerName: serverName, Certificates: []tls.Certificate{*newAuthority(t).leaf(t, "/face")},
	})
	if err == nil {
		_, err = connection.Read(make([]byte, 1)) // in TLS 1.3 the client learns of it after its own part
	}
	if err == nil || !strings.Contains(err.Error(), "certificate") && !strings.Contains(err.Error(), "authority") {
		t.Errorf("a certificate of another authority got in: %v", err)
	}
}

func TestTLSForAnotherNameIsNotTerminated(t *testing.T) {
	e := newEdge(t, "deny", true)
	if _, err := tls.Dial("tcp", e.address, &tls.Config{InsecureSkipVerify: true, ServerName: "color.cluster.local"}); err == nil {
		t.Error("a handshake for another SNI succeeded")
	}
}

func TestAMemberOfTheMeshIsToldWhyAndTheWorkloadWhoAsks(t *testing.T) {
	e := newEdge(t, "deny", false)
	answer := e.get(t, "/", true, e.mesh.leaf(t, "/face"))
	if answer.StatusCode != 502 || answer.Header.Get("l5d-proxy-error") != "client error (Connect)" {
		t.Errorf("%d %v", answer.StatusCode, answer.Header)
	}
	e = newEdge(t, "deny", true)
	body := make([]byte, 100)
	length, _ := e.get(t, "/", true, e.mesh.leaf(t, "/face")).Body.Read(body)
	if text := string(body[:length]); text != "workload spiffe://root.linkerd.cluster.local/face" {
		t.Errorf("the workload was asked by %q", text)
	}
}

func TestOtherPoliciesAreAsTheirNamesSay(t *testing.T) {
	for policy, status := range map[string]int{"all-unauthenticated": 200, "audit": 200, "all-authenticated": 403, "cluster-unauthenticated": 403} {
		if answer := newEdge(t, policy, true).get(t, "/", false, nil); answer.StatusCode != status {
			t.Errorf("%s: %d, expected %d", policy, answer.StatusCode, status)
		}
	}
}

func TestWhatComesInHTTP2ReachesTheWorkloadInHTTP2WithItsTrailers(t *testing.T) {
	e := newEdge(t, "deny", true)
	spoken := new(http.Protocols)
	spoken.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: spoken}}
	t.Cleanup(client.CloseIdleConnections)
	// A gRPC server refuses HTTP/1, and says in a trailer how a call ended.
	answer, err := client.Post("http://"+e.address+"/grpc.health.v1.Health/Check", "application/grpc", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if string(body) != "HTTP/2.0 " || answer.Trailer.Get("Grpc-Status") != "12" {
		t.Errorf("%d %q %v", answer.StatusCode, body, answer.Trailer)
	}
}

func TestWhoSpeaksHTTP2IsToldOfADeadWorkloadAfterAWhile(t *testing.T) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	t.Cleanup(client.CloseIdleConnections)
	answer, err := client.Get("http://" + newEdge(t, "deny", false).address + "/ready")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != 504 {
		t.Errorf("%d", answer.StatusCode)
	}
}
