// Package cli is what the commands share: finding a command by its words, running until a signal, asking over a socket.
package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sort"
	"strings"
	"syscall"
	"time"

	"lab.invalid/standins/spire/internal/wire"
)

// Version is what --version says: never taken for a release of SPIRE.
const Version = "stand-in"

const askTimeout = 10 * time.Second

// Command takes the arguments after its words.
type Command func(arguments []string) error

// Main runs the command that the arguments begin with, and exits.
func Main(program string, commands map[string]Command) {
	log.SetFlags(log.LstdFlags | log.LUTC)
	arguments := os.Args[1:]
	for words := min(2, len(arguments)); words > 0; words-- {
		name := strings.Join(arguments[:words], " ")
		if name == "--version" || name == "-version" {
			fmt.Fprintln(os.Stderr, Version)
			return
		}
		if command, known := commands[name]; known {
			if err := command(arguments[words:]); err != nil {
				fmt.Fprintln(os.Stderr, "Error:", err)
				os.Exit(1)
			}
			return
		}
	}
	var names []string
	for name := range commands {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Fprintf(os.Stderr, "%s (%s of SPIRE's program of that name) has the commands: %s\n", program, Version, strings.Join(names, ", "))
	os.Exit(1)
}

// Flags parses the flags of one command; a word that is no flag is an error.
func Flags(name string, arguments []string, define func(*flag.FlagSet)) error {
	flags := flag.NewFlagSet(name, flag.ExitOnError)
	define(flags)
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: unexpected %q", name, flags.Arg(0))
	}
	return nil
}

// UntilSignal runs until SIGTERM or SIGINT.
func UntilSignal(run func(context.Context) error) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	return run(ctx)
}

// Ask sends a message to the server's private socket.
func Ask(socket, path string, message, answer any) error {
	client := &http.Client{Timeout: askTimeout, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	defer client.CloseIdleConnections()
	return wire.Call(context.Background(), client, "http://spire-server"+path, message, answer)
}

// Print writes a record: as JSON, or by a line each as `pretty` gives them.
func Print(output string, record any, pretty func()) error {
	switch output {
	case "json":
		return json.NewEncoder(os.Stdout).Encode(record)
	case "pretty":
		pretty()
		return nil
	}
	return fmt.Errorf("-output %q: expected pretty or json", output)
}

// Texts is a flag that can be given more than once.
type Texts []string

func (t *Texts) String() string { return strings.Join(*t, ",") }

// Set appends.
func (t *Texts) Set(text string) error {
	*t = append(*t, text)
	return nil
}
