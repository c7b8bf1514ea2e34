// Command spire-server stands in for SPIRE's server: the same commands, files, ports and rules, on a protocol of its own.
package main

import (
	"flag"
	"fmt"
	"maps"

	"lab.invalid/standins/spire/internal/cli"
	"lab.invalid/standins/spire/internal/server"
	"lab.invalid/standins/spire/internal/settings"
	"lab.invalid/standins/spire/internal/wire"
)

func main() {
	commands := cli.Configured("server", "conf/server/server.conf", settings.ReadServer, server.Run)
	maps.Copy(commands, map[string]cli.Command{
		"healthcheck":  cli.Health("Server", settings.DefaultServerSocket, healthy),
		"bundle show":  showBundle,
		"entry create": createEntry,
		"entry update": updateEntry,
		"entry show":   showEntries,
		"entry delete": deleteEntry,
		"agent list":   listAgents,
		"agent evict":  changeAgent("evict", "Agent evicted successfully"),
		"agent ban":    changeAgent("ban", "Agent banned successfully"),
	})
	cli.Main("spire-server", commands)
}

func socketFlag(flags *flag.FlagSet) *string {
	return cli.SocketFlag(flags, settings.DefaultServerSocket, "Server")
}

func healthy(socket string) error {
	if err := cli.Ask(socket, "/healthcheck", wire.Empty{}, &wire.Empty{}); err != nil {
		return fmt.Errorf("server is unhealthy: %w", err)
	}
	return nil
}

func showBundle(arguments []string) error {
	var socket, format *string
	err := cli.Flags("bundle show", arguments, func(flags *flag.FlagSet) {
		socket = socketFlag(flags)
		format = flags.String("format", "pem", "the format to show the bundle: pem")
	})
	if err != nil {
		return err
	}
	if *format != "pem" {
		return fmt.Errorf("-format %q: this stand-in has pem only", *format)
	}
	var bundle wire.Bundle
	if err := cli.Ask(*socket, "/bundle/show", wire.Empty{}, &bundle); err != nil {
		return err
	}
	fmt.Print(bundle.PEM)
	return nil
}

func listAgents(arguments []string) error {
	var socket, output *string
	err := cli.Flags("agent list", arguments, func(flags *flag.FlagSet) {
		socket = socketFlag(flags)
		output = flags.String("output", "pretty", "pretty or json")
	})
	if err != nil {
		return err
	}
	var answer wire.Agents
	if err := cli.Ask(*socket, "/agent/list", wire.Empty{}, &answer); err != nil {
		return err
	}
	return cli.Print(*output, answer, func() {
		fmt.Printf("Found %d attested agents:\n", len(answer.Agents))
		for _, one := range answer.Agents {
			fmt.Printf("\nSPIFFE ID         : %s\nAttestation type  : %s\nCan re-attest     : %t\nBanned            : %t\n",
				one.ID, one.AttestationType, one.CanReattest, one.Banned)
		}
	})
}

func changeAgent(verb, done string) cli.Command {
	return func(arguments []string) error {
		var socket, id *string
		err := cli.Flags("agent "+verb, arguments, func(flags *flag.FlagSet) {
			socket = socketFlag(flags)
			id = flags.String("spiffeID", "", "the SPIFFE ID of the agent")
		})
		if err != nil {
			return err
		}
		if err := cli.Ask(*socket, "/agent/"+verb, wire.Named{ID: *id}, &wire.Empty{}); err != nil {
			return err
		}
		fmt.Println(done)
		return nil
	}
}
