package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"time"
)

// newHandler answers /, /center/, /edge/ and /ready with GET and HEAD; anything else is 404, other methods are 405.
func newHandler(given settings) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/{$}", "/center/", "/edge/"} {
		mux.HandleFunc(path, given.face)
	}
	mux.HandleFunc("/ready", func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "text/plain")
		_, _ = answer.Write([]byte("Ready and waiting!\n"))
	})
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if request.Method != http.MethodGet && request.Method != http.MethodHead {
			answer.Header().Set("Allow", "GET, HEAD")
			http.Error(answer, "Method not allowed", http.StatusMethodNotAllowed)
			return
		}
		mux.ServeHTTP(answer, request)
	})
}

func (given settings) face(answer http.ResponseWriter, request *http.Request) {
	start := time.Now()
	if !given.wait(request.Context()) {
		return
	}
	headers := answer.Header()
	headers.Set("Content-Type", "application/json")
	headers.Set("X-Faces-User", request.Header.Get(given.userHeader))
	headers.Set("X-Faces-User-Agent", request.UserAgent())
	headers.Set("X-Faces-Pod", given.pod)
	headers.Set("X-Faces-Latency", time.Since(start).String())
	body := map[string]string{given.service: given.value}
	if rand.IntN(100) < given.errorFraction {
		answer.WriteHeader(http.StatusInternalServerError)
		body = map[string]string{"errors": "Error fraction triggered"}
	}
	_ = json.NewEncoder(answer).Encode(body)
}

// wait takes as long as one of the delays; false when the client has gone meanwhile.
func (given settings) wait(asked context.Context) bool {
	if len(given.delays) == 0 {
		return true
	}
	select {
	case <-time.After(time.Duration(given.delays[rand.IntN(len(given.delays))]) * time.Millisecond):
		return true
	case <-asked.Done():
		return false
	}
}
