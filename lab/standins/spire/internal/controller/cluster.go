package controller

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	objects    = "/apis/spire.spiffe.io/v1alpha1/clusterstaticentries"
	apiTimeout = 10 * time.Second
)

// kubeconfig is as much of such a file as is used.
type kubeconfig struct {
	Current  string `yaml:"current-context"`
	Contexts []struct {
		Name    string
		Context struct{ Cluster, User string }
	}
	Clusters []struct {
		Name    string
		Cluster struct {
			Server        string
			Authority     string `yaml:"certificate-authority"`
			AuthorityData string `yaml:"certificate-authority-data"`
		}
	}
	Users []struct {
		Name string
		User struct {
			Token           string
			TokenFile       string `yaml:"tokenFile"`
			Certificate     string `yaml:"client-certificate"`
			CertificateData string `yaml:"client-certificate-data"`
			Key             string `yaml:"client-key"`
			KeyData         string `yaml:"client-key-data"`
		}
	}
}

// cluster asks the Kubernetes API.
type cluster struct {
	server    string
	client    *http.Client
	token     string
	tokenFile string
}

func openCluster(file string) (*cluster, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	var config kubeconfig
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", file, err)
	}
	result, err := config.client()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", file, err)
	}
	return result, nil
}

func (k *kubeconfig) client() (*cluster, error) {
	result, secure := &cluster{}, &tls.Config{MinVersion: tls.VersionTLS12}
	for _, context := range k.Contexts {
		if context.Name != k.Current {
			continue
		}
		for _, one := range k.Clusters {
			if one.Name != context.Context.Cluster {
				continue
			}
			result.server = strings.TrimSuffix(one.Cluster.Server, "/")
			authority, err := content(one.Cluster.Authority, one.Cluster.AuthorityData)
			if err != nil {
				return nil, err
			}
			secure.RootCAs = x509.NewCertPool()
			if !secure.RootCAs.AppendCertsFromPEM(authority) {
				return nil, errors.New("no certificate-authority in PEM form")
			}
		}
		for _, one := range k.Users {
			if one.Name != context.Context.User {
				continue
			}
			result.token, result.tokenFile = one.User.Token, one.User.TokenFile
			certificate, err := content(one.User.Certificate, one.User.CertificateData)
			if err != nil {
				return nil, err
			}
			key, err := content(one.User.Key, one.User.KeyData)
			if err != nil {
				return nil, err
			}
			if len(certificate) > 0 {
				pair, err := tls.X509KeyPair(certificate, key)
				if err != nil {
					return nil, err
				}
				secure.Certificates = []tls.Certificate{pair}
			}
		}
	}
	if result.server == "" {
		return nil, fmt.Errorf("context %q leads to no server", k.Current)
	}
	result.client = &http.Client{Timeout: apiTimeout, Transport: &http.Transport{TLSClientConfig: secure}}
	return result, nil
}

func content(file, data string) ([]byte, error) {
	if data != "" {
		return base64.StdEncoding.DecodeString(data)
	}
	if file == "" {
		return nil, nil
	}
	return os.ReadFile(file)
}

// object is one ClusterStaticEntry.
type object struct {
	Metadata struct {
		Name       string    `json:"name"`
		UID        string    `json:"uid"`
		Generation int64     `json:"generation"`
		Created    time.Time `json:"creationTimestamp"`
		Deleted    *string   `json:"deletionTimestamp"`
	} `json:"metadata"`
	Spec   spec    `json:"spec"`
	Status *status `json:"status"`
}

type spec struct {
	SPIFFEID      string   `json:"spiffeID"`
	ParentID      string   `json:"parentID"`
	Selectors     []string `json:"selectors"`
	FederatesWith []string `json:"federatesWith"`
	X509SVIDTTL   string   `json:"x509SVIDTTL"`
	JWTSVIDTTL    string   `json:"jwtSVIDTTL"`
	DNSNames      []string `json:"dnsNames"`
	Hint          string   `json:"hint"`
	Admin         bool     `json:"admin"`
	Downstream    bool     `json:"downstream"`
	StoreSVID     bool     `json:"storeSVID"`
	ClassName     string   `json:"className"`
}

type status struct {
	Rendered bool `json:"rendered"`
	Masked   bool `json:"masked"`
	Set      bool `json:"set"`
}

func (c *cluster) list(ctx context.Context) ([]object, error) {
	var list struct {
		Items []object `json:"items"`
	}
	err := c.ask(ctx, http.MethodGet, objects, nil, &list)
	return list.Items, err
}

func (c *cluster) setStatus(ctx context.Context, name string, now status) error {
	return c.ask(ctx, http.MethodPatch, objects+"/"+name+"/status", map[string]any{"status": now}, &object{})
}

func (c *cluster) ask(ctx context.Context, method, path string, change, answer any) error {
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/merge-patch+json")
	token := c.token
	if c.tokenFile != "" {
		text, err := os.ReadFile(c.tokenFile)
		if err != nil {
			return err
		}
		token = strings.TrimSpace(string(text))
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 2000))
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
