package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
)

// called makes one call by gRPC, or what passes for one.
func called(t *testing.T, method, path, kind string, message []byte, environment ...string) (*http.Response, []byte) {
	t.Helper()
	given, err := settingsFrom(append([]string{"FACES_SERVICE=color"}, environment...))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := serverOf(given)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	spoken := new(http.Protocols)
	spoken.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: spoken}}
	t.Cleanup(client.CloseIdleConnections)
	request, err := http.NewRequest(method, "http://"+listener.Addr().String()+path, bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer, body
}

// code is the status of gRPC, in the headers of a call that failed, else after the message.
func code(answer *http.Response) string {
	return answer.Header.Get("Grpc-Status") + answer.Trailer.Get("Grpc-Status")
}

func TestTheColorComesByGRPC(t *testing.T) {
	asked := []byte{0, 0, 0, 0, 4, 1 << 3, 1, 2 << 3, 2}
	for _, method := range []string{"Center", "Edge"} {
		answer, body := called(t, "POST", "/ColorService/"+method, contentType, asked, "COLOR=green", "DELAY_BUCKETS=1")
		if string(body) != "\x00\x00\x00\x00\x07\x0a\x05green" || code(answer) != "0" {
			t.Errorf("%s: %q, status %q", method, body, code(answer))
		}
	}
}

func TestWhatIsNoCallOfColorServiceIsRefusedAsTheRealOneDoes(t *testing.T) {
	none := make([]byte, 5)
	for _, row := range []struct {
		method, path, kind string
		message            []byte
		status             int
		code               string
	}{
		{"POST", "/grpc.health.v1.Health/Check", contentType, none, 200, "12"},
		{"POST", "/ColorService/Center", "application/json", none, 415, "3"},
		{"GET", "/ready", "", nil, 415, "3"},
		{"PUT", "/ColorService/Center", contentType, none, 405, "13"},
		{"POST", "/ColorService/Center", contentType, []byte{0, 0, 0, 0, 2, 3 << 3, 1}, 200, "13"},
		{"POST", "/ColorService/Center", contentType, []byte{1, 0, 0, 0, 0}, 200, "13"},
	} {
		answer, _ := called(t, row.method, row.path, row.kind, row.message)
		if answer.StatusCode != row.status || code(answer) != row.code {
			t.Errorf("%s %s: %d, status %q", row.method, row.path, answer.StatusCode, code(answer))
		}
	}
}

func TestAnErrorFractionOfAHundredFailsEveryCall(t *testing.T) {
	answer, _ := called(t, "POST", "/ColorService/Edge", contentType, make([]byte, 5), "ERROR_FRACTION=100")
	if code(answer) != "13" {
		t.Errorf("status %q", code(answer))
	}
}

func TestTheColorOfFaces1SpeaksHTTP(t *testing.T) {
	given, err := settingsFrom([]string{"FACES_SERVICE=color", "WORKLOAD_PROTOCOL=http"})
	if err != nil || serverOf(given).Protocols.UnencryptedHTTP2() || !serverOf(given).Protocols.HTTP1() {
		t.Errorf("%v %v", given, err)
	}
}
