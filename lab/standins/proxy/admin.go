package main

import (
	"io"
	"net/http"
)

// adminHandler answers on the loopback address. /ready says nothing about the identity: neither does the real one's.
func adminHandler(given *settings, own *identity, counted *metrics, stop func()) http.Handler {
	mux := http.NewServeMux()
	say := func(text string) http.HandlerFunc {
		return func(answer http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(answer, text) }
	}
	mux.HandleFunc("/ready", say("ready\n"))
	mux.HandleFunc("/live", say("live\n"))
	mux.HandleFunc("/metrics", func(answer http.ResponseWriter, _ *http.Request) { counted.write(answer, own) })
	mux.HandleFunc("/shutdown", func(answer http.ResponseWriter, request *http.Request) {
		switch {
		case !given.shutdownEndpoint:
			http.NotFound(answer, request)
		case request.Method != http.MethodPost:
			answer.WriteHeader(http.StatusMethodNotAllowed)
		default:
			_, _ = io.WriteString(answer, "shutdown\n")
			stop()
		}
	})
	return mux
}
