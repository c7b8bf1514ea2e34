package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func answered(t *testing.T, method, path string, environment ...string) *http.Response {
	t.Helper()
	given, err := settingsFrom(environment)
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(method, path, nil)
	request.Header.Set("X-Faces-User", "ada")
	recorder := httptest.NewRecorder()
	newHandler(given).ServeHTTP(recorder, request)
	return recorder.Result()
}

func TestAnAnswerSaysWhoGaveItAndForWhom(t *testing.T) {
	answer := answered(t, "GET", "/center/", "FACES_SERVICE=color", "COLOR=green", "HOSTNAME=pi-2")
	body := new(strings.Builder)
	if err := answer.Write(body); err != nil {
		t.Fatal(err)
	}
	for _, expected := range []string{`{"color":"green"}`, "X-Faces-Pod: pi-2", "X-Faces-User: ada", "200 OK"} {
		if !strings.Contains(body.String(), expected) {
			t.Errorf("no %q in %s", expected, body)
		}
	}
}

func TestEachPathAndMethodHasTheStatusOfTheRealOne(t *testing.T) {
	for _, row := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 200}, {"HEAD", "/edge/", 200}, {"GET", "/ready", 200}, {"POST", "/", 405}, {"GET", "/other", 404},
	} {
		if status := answered(t, row.method, row.path, "FACES_SERVICE=smiley").StatusCode; status != row.status {
			t.Errorf("%s %s: %d, expected %d", row.method, row.path, status, row.status)
		}
	}
}

func TestAnErrorFractionOfAHundredFailsEveryRequestButReady(t *testing.T) {
	environment := []string{"FACES_SERVICE=smiley", "ERROR_FRACTION=100"}
	if status := answered(t, "GET", "/", environment...).StatusCode; status != 500 {
		t.Errorf("%d, expected 500", status)
	}
	if status := answered(t, "GET", "/ready", environment...).StatusCode; status != 200 {
		t.Errorf("/ready: %d, expected 200", status)
	}
}

func TestAWrongVariableIsNamed(t *testing.T) {
	for variable, name := range map[string]string{
		"FACES_SERVICE=face": "FACES_SERVICE", "ERROR_FRACTION=101": "ERROR_FRACTION",
		"DELAY_BUCKETS=0,x": "DELAY_BUCKETS", "MAX_RATE=4": "MAX_RATE", "WORKLOAD_PROTOCOL=grpc": "WORKLOAD_PROTOCOL",
	} {
		_, err := settingsFrom([]string{"FACES_SERVICE=smiley", variable})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", variable, err)
		}
	}
}
