package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"polso/config"
)

// SignatureHeader carries "t=UNIX,v1=HEX": HEX is HMAC-SHA256 of "UNIX.BODY" by the content of secret_file, white space around
// it left out. A receiver that compares UNIX with its clock refuses what somebody sends again.
const SignatureHeader = "Polso-Signature"

// maxSecret bounds what is read of a secret's file.
const maxSecret = 4096

// post posts an event as JSON. It follows no redirect. 408, 429, any 5xx and what goes wrong on the way may be tried again; any other
// answer than 2xx is fatal.
func post(ctx context.Context, n config.Notify, e Event) (Answer, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return Answer{}, fatal{err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.Webhook, bytes.NewReader(body))
	if err != nil {
		return Answer{}, fatal{err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "polso-notify")
	if n.SecretFile != "" {
		secret, err := readSecret(n.SecretFile)
		if err != nil {
			return Answer{}, fmt.Errorf("secret_file: %w", err) // it may be put there yet
		}
		req.Header.Set(SignatureHeader, Sign(secret, time.Now(), body))
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the URL, which may let in whoever knows it
	}
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(res.Body, outputKept)) // for people alone
	answer := Answer{Status: res.Status, Output: string(said)}
	refused := fmt.Errorf("%s: %q", res.Status, said[:min(len(said), outputLog)])
	switch code := res.StatusCode; {
	case code >= 200 && code <= 299:
		return answer, nil
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return answer, refused
	default:
		return answer, fatal{refused}
	}
}

// Sign is the value of SignatureHeader for a body at a moment.
func Sign(secret []byte, at time.Time, body []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

func readSecret(path string) ([]byte, error) {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() { // opening a pipe could take for ever
		return nil, fmt.Errorf("%s is no file that can be read", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	secret, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return nil, err
	}
	secret = bytes.TrimSpace(secret)
	if len(secret) == 0 || len(secret) > maxSecret {
		return nil, fmt.Errorf("%s has %d bytes; 1 to %d are possible", path, len(secret), maxSecret)
	}
	return secret, nil
}
