// Command spire-agent stands in for SPIRE's agent: the same commands, files, sockets and rules, with the real SPIFFE
// Workload API; to its server it speaks a protocol of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"lab.invalid/standins/spire/internal/agent"
	"lab.invalid/standins/spire/internal/cli"
	"lab.invalid/standins/spire/internal/pki"
	"lab.invalid/standins/spire/internal/settings"
)

func main() {
	commands := cli.Configured("agent", "conf/agent/agent.conf", settings.ReadAgent, agent.Run)
	commands["healthcheck"] = cli.Health("Agent", settings.DefaultAgentSocket, func(socket string) error {
		if err := healthy(socket); err != nil {
			fmt.Fprintf(os.Stderr, "Agent is unhealthy: %v\n", err)
			os.Exit(1)
		}
		return nil
	})
	commands["api fetch"] = fetch
	cli.Main("spire-agent", commands)
}

func socketFlag(flags *flag.FlagSet) *string {
	return cli.SocketFlag(flags, settings.DefaultAgentSocket, "Agent")
}

func healthy(socket string) error {
	absolute, err := filepath.Abs(socket)
	if err != nil {
		return err
	}
	connection, err := grpc.NewClient("unix://"+absolute, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	answer, err := grpc_health_v1.NewHealthClient(connection).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		return errors.New("unable to determine health")
	}
	if answer.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("agent returned status %q", answer.Status)
	}
	return nil
}

// fetch is `api fetch x509`: what this very process is given.
func fetch(arguments []string) error {
	if len(arguments) > 0 && arguments[0][0] != '-' {
		if arguments[0] != "x509" {
			return fmt.Errorf("api fetch %s: this stand-in has x509 only", arguments[0])
		}
		arguments = arguments[1:]
	}
	var socket, into *string
	var limit *time.Duration
	var silent *bool
	err := cli.Flags("api fetch x509", arguments, func(flags *flag.FlagSet) {
		socket = socketFlag(flags)
		into = flags.String("write", "", "write SVID data to the specified path")
		limit = flags.Duration("timeout", 5*time.Second, "time to wait for a response")
		silent = flags.Bool("silent", false, "suppress stdout")
	})
	if err != nil {
		return err
	}
	absolute, err := filepath.Abs(*socket)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), *limit)
	defer cancel()
	found, err := workloadapi.FetchX509Context(ctx, workloadapi.WithAddr("unix://"+absolute))
	if err != nil {
		return err
	}
	for number, one := range found.SVIDs {
		if !*silent {
			leaf := one.Certificates[0]
			fmt.Printf("SPIFFE ID:\t\t%s\nSVID Valid After:\t%s\nSVID Valid Until:\t%s\n\n", one.ID, leaf.NotBefore, leaf.NotAfter)
		}
		if *into == "" {
			continue
		}
		bundle, err := found.Bundles.GetX509BundleForTrustDomain(one.ID.TrustDomain())
		if err != nil {
			return err
		}
		if err := pki.WriteKey(filepath.Join(*into, fmt.Sprintf("svid.%d.key", number)), one.PrivateKey); err != nil {
			return err
		}
		for name, text := range map[string]string{
			"svid.%d.pem":   pki.PEM(one.Certificates),
			"bundle.%d.pem": pki.PEM(bundle.X509Authorities()),
		} {
			if err := os.WriteFile(filepath.Join(*into, fmt.Sprintf(name, number)), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
