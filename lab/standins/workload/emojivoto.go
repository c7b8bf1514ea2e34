package main

import (
	"net/http"
	"regexp"
	"strconv"
	"time"
)

const codeUnknown = 2 // what emojivoto's own server makes of an error without a code

// The vote that fails on purpose, so that there is something to find.
const planted = "VoteDoughnut"

var calls = regexp.MustCompile(`^/emojivoto\.v1\.(?:VotingService/(Vote[A-Z0-9]\w*|Results)|EmojiService/(ListAll|FindByShortcode))$`)

// newEmojivotoServer answers emojivoto's VotingService and EmojiService by gRPC: each call with a message that says nothing.
func newEmojivotoServer() http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		answer.Header().Set("Content-Type", contentType)
		call := calls.FindStringSubmatch(request.URL.Path)
		switch {
		case request.Method != http.MethodPost:
			fail(answer, http.StatusMethodNotAllowed, codeInternal, "expected POST")
		case call == nil:
			fail(answer, http.StatusOK, codeUnimplemented, "unknown service or method "+request.URL.Path)
		case call[1] == planted:
			fail(answer, http.StatusOK, codeUnknown, "ERROR")
		default:
			_, _ = answer.Write(make([]byte, 5)) // no compression, a length of nothing
			answer.Header().Set(http.TrailerPrefix+"Grpc-Status", strconv.Itoa(codeOK))
		}
	})
}

func emojivotoServer() *http.Server {
	spoken := new(http.Protocols)
	spoken.SetUnencryptedHTTP2(true)
	return &http.Server{Protocols: spoken, Handler: newEmojivotoServer(), ReadHeaderTimeout: 10 * time.Second}
}
