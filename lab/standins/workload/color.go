package main

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Codes of gRPC.
const (
	codeOK              = 0
	codeInvalidArgument = 3
	codeUnimplemented   = 12
	codeInternal        = 13
)

const (
	contentType    = "application/grpc"
	longestMessage = 64 // two numbers take less
)

// newColorServer answers ColorService by gRPC, as the color of Faces 2.x does: it knows Center and Edge and nothing else.
func newColorServer(given settings) http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		answer.Header().Set("Content-Type", contentType)
		if !strings.HasPrefix(request.Header.Get("Content-Type"), contentType) {
			fail(answer, http.StatusUnsupportedMediaType, codeInvalidArgument, "invalid gRPC request content-type")
			return
		}
		if request.Method != http.MethodPost {
			fail(answer, http.StatusMethodNotAllowed, codeInternal, "expected POST")
			return
		}
		if request.URL.Path != "/ColorService/Center" && request.URL.Path != "/ColorService/Edge" {
			fail(answer, http.StatusOK, codeUnimplemented, "unknown service or method "+request.URL.Path)
			return
		}
		if err := readColorRequest(request.Body); err != nil {
			fail(answer, http.StatusOK, codeInternal, err.Error())
			return
		}
		if !given.wait(request.Context()) {
			return
		}
		if rand.IntN(100) < given.errorFraction {
			fail(answer, http.StatusOK, codeInternal, "failed to get color: Error fraction triggered")
			return
		}
		_, _ = answer.Write(colorResponse(given.value))
		answer.Header().Set(http.TrailerPrefix+"Grpc-Status", strconv.Itoa(codeOK))
	})
}

// fail ends a call without a message: its status stands in the headers.
func fail(answer http.ResponseWriter, status, code int, why string) {
	answer.Header().Set("Grpc-Status", strconv.Itoa(code))
	answer.Header().Set("Grpc-Message", why)
	answer.WriteHeader(status)
}

// readColorRequest reads the one message of a call: row and column, which change nothing.
func readColorRequest(body io.Reader) error {
	var head [5]byte
	if _, err := io.ReadFull(body, head[:]); err != nil {
		return errors.New("no message")
	}
	length := binary.BigEndian.Uint32(head[1:])
	if head[0] != 0 || length > longestMessage {
		return errors.New("a message that is compressed or too long for a ColorRequest")
	}
	message := make([]byte, length)
	if _, err := io.ReadFull(body, message); err != nil {
		return errors.New("the message was cut short")
	}
	for len(message) > 0 {
		field, size := binary.Uvarint(message)
		if size <= 0 || field != 1<<3 && field != 2<<3 {
			return errors.New("a ColorRequest has two numbers, row and column")
		}
		_, more := binary.Uvarint(message[size:])
		if more <= 0 {
			return errors.New("a number of the ColorRequest was cut short")
		}
		message = message[size+more:]
	}
	return nil
}

// colorResponse is a message with the color in its first field.
func colorResponse(color string) []byte {
	message := append(binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(color))), color...)
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

// serverOf is what serves the settings' protocol; in gRPC nobody is understood who does not speak HTTP/2.
func serverOf(given settings) *http.Server {
	spoken := new(http.Protocols)
	server := &http.Server{Protocols: spoken, ReadHeaderTimeout: 10 * time.Second}
	if given.protocol == "grpc" {
		spoken.SetUnencryptedHTTP2(true)
		server.Handler = newColorServer(given)
	} else {
		spoken.SetHTTP1(true)
		server.Handler = newHandler(given)
	}
	return server
}
