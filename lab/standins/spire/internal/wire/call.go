package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

// Call posts a message and reads the answer; an *Error when the other side refuses.
func Call(ctx context.Context, client *http.Client, url string, message, answer any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		var refusal Refusal
		if err := Read(response.Body, &refusal); err != nil {
			refusal.Message = response.Status
		}
		return &Error{Status: response.StatusCode, Message: refusal.Message}
	}
	return Read(response.Body, answer)
}
