// Package controller is the stand-in of spire-controller-manager: SPIRE's entries out of ClusterStaticEntry objects.
package controller

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"go.yaml.in/yaml/v3"
)

// Config is the file ControllerManagerConfig. Keys without effect here are read, so that unknown ones can be refused.
type Config struct {
	APIVersion       string         `yaml:"apiVersion"`
	Kind             string         `yaml:"kind"`
	Metadata         map[string]any `yaml:"metadata"`
	ClusterName      string         `yaml:"clusterName"`
	ClusterDomain    string         `yaml:"clusterDomain"`
	TrustDomain      string         `yaml:"trustDomain"`
	GCInterval       float64        `yaml:"gcInterval"` // nanoseconds
	Socket           string         `yaml:"spireServerSocketPath"`
	ClassName        string         `yaml:"className"`
	WatchClassless   bool           `yaml:"watchClassless"`
	EntryIDPrefix    string         `yaml:"entryIDPrefix"`
	CleanUp          *string        `yaml:"entryIDPrefixCleanup"`
	Reconcile        *Reconcile     `yaml:"reconcile"`
	StaticManifests  *string        `yaml:"staticManifestPath"`
	ExpandManifests  bool           `yaml:"expandEnvStaticManifests"`
	ParentIDTemplate string         `yaml:"parentIDTemplate"`
	FilterByClass    bool           `yaml:"filterByClassName"`
	IgnoreNamespaces []string       `yaml:"ignoreNamespaces"`
	CacheNamespaces  map[string]any `yaml:"cacheNamespaces"`
	LogLevel         string         `yaml:"logLevel"`
	LogEncoding      string         `yaml:"logEncoding"`
	Webhook          string         `yaml:"validatingWebhookConfigurationName"`
	Metrics          map[string]any `yaml:"metrics"`
	Health           map[string]any `yaml:"health"`
	LeaderElection   map[string]any `yaml:"leaderElection"`
	SyncPeriod       string         `yaml:"syncPeriod"`
}

// Reconcile says which kinds are looked after.
type Reconcile struct {
	SPIFFEIDs     bool `yaml:"clusterSPIFFEIDs"`
	StaticEntries bool `yaml:"clusterStaticEntries"`
	Federated     bool `yaml:"clusterFederatedTrustDomains"`
}

const defaultInterval = 10 * time.Second

// ReadConfig reads the file strictly.
func ReadConfig(file string) (*Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("could not read the configuration: %w", err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	config := &Config{Reconcile: &Reconcile{StaticEntries: true}}
	if err := decoder.Decode(config); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for name, value := range map[string]string{
		"trustDomain": config.TrustDomain, "clusterName": config.ClusterName, "spireServerSocketPath": config.Socket,
	} {
		if value == "" {
			return nil, fmt.Errorf("%s: %s must be set", file, name)
		}
	}
	if config.Kind != "ControllerManagerConfig" {
		return nil, fmt.Errorf("%s: kind %q, expected ControllerManagerConfig", file, config.Kind)
	}
	if config.StaticManifests != nil {
		return nil, fmt.Errorf("%s: staticManifestPath: this stand-in reads from Kubernetes only", file)
	}
	return config, nil
}

func (c *Config) interval() time.Duration {
	if c.GCInterval <= 0 {
		return defaultInterval
	}
	return time.Duration(c.GCInterval)
}

// mine says whether an object of this class is looked after.
func (c *Config) mine(className string) bool {
	return className == c.ClassName || className == "" && c.WatchClassless
}
