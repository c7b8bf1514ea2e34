package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestEachCallOfEmojivotoEndsWithTheStatusOfTheRealOne(t *testing.T) {
	for _, row := range []struct{ path, code string }{
		{"/emojivoto.v1.VotingService/VoteJoy", "0"},
		{"/emojivoto.v1.VotingService/Vote100", "0"},
		{"/emojivoto.v1.VotingService/Results", "0"},
		{"/emojivoto.v1.EmojiService/ListAll", "0"},
		{"/emojivoto.v1.VotingService/VoteDoughnut", "2"},
		{"/emojivoto.v1.EmojiService/VoteJoy", "12"},
		{"/emojivoto.v1.VotingService/Joy", "12"},
	} {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequest("POST", row.path, strings.NewReader("\x00\x00\x00\x00\x00"))
		request.Header.Set("Content-Type", contentType)
		newEmojivotoServer().ServeHTTP(recorder, request)
		if found := code(recorder.Result()); recorder.Code != http.StatusOK || found != row.code {
			t.Errorf("%s: %d, status %q, expected %s", row.path, recorder.Code, found, row.code)
		}
	}
}

func TestEmojivotoSpeaksNothingButGRPC(t *testing.T) {
	if spoken := emojivotoServer().Protocols; !spoken.UnencryptedHTTP2() || spoken.HTTP1() {
		t.Errorf("%v", spoken)
	}
}
