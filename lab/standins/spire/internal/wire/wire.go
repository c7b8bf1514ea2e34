// Package wire holds the messages between these programs: JSON over HTTP. It is not SPIRE's own protocol, so a stand-in
// server and a stand-in agent work with each other only.
package wire

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

const maxBody = 1 << 20

// Challenge asks for something to sign with the key of this device certificate.
type Challenge struct {
	Certificates string `json:"certificates"` // PEM, leaf first
}

// Nonce is to be signed, once and soon.
type Nonce struct {
	Nonce []byte `json:"nonce"`
}

// Attestation is the proof that the key is there, and the request for the agent's own certificate.
type Attestation struct {
	Nonce     []byte `json:"nonce"`
	Signature []byte `json:"signature"` // ASN.1 ECDSA, or RSA PKCS #1 v1.5, over SHA-256 of the nonce
	Request   []byte `json:"request"`   // certificate request, DER
}

// Request asks for a certificate: the agent's next one, or that of an entry.
type Request struct {
	Entry   string `json:"entry,omitempty"`
	Request []byte `json:"request"`
}

// Issued is a certificate with the intermediates, PEM, and the trust domain's bundle.
type Issued struct {
	Chain  string `json:"chain"`
	Bundle string `json:"bundle"`
}

// Refusal is the body of every answer that is no success.
type Refusal struct {
	Message string `json:"message"`
}

// Answer writes a message as JSON.
func Answer(to http.ResponseWriter, message any) {
	to.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(to).Encode(message)
}

// Refuse writes a refusal.
func Refuse(to http.ResponseWriter, status int, format string, values ...any) {
	to.Header().Set("Content-Type", "application/json")
	to.WriteHeader(status)
	_ = json.NewEncoder(to).Encode(Refusal{Message: fmt.Sprintf(format, values...)})
}

// Read reads a message strictly.
func Read(from io.Reader, message any) error {
	decoder := json.NewDecoder(io.LimitReader(from, maxBody))
	decoder.DisallowUnknownFields()
	return decoder.Decode(message)
}

// Error is what Call gives when the server refused.
type Error struct {
	Status  int
	Message string
}

func (e *Error) Error() string { return e.Message }
