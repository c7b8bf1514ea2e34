// Command spire-controller-manager stands in for the program of that name: ClusterStaticEntry objects become entries of
// SPIRE's server, through the command line of the spire-server beside it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"lab.invalid/standins/spire/internal/cli"
	"lab.invalid/standins/spire/internal/controller"
)

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	file := flag.String("config", "", "the file ControllerManagerConfig")
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "path to a kubeconfig")
	flag.Parse()
	if err := run(*file, *kubeconfig); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(file, kubeconfig string) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected %q", flag.Arg(0))
	}
	if os.Getenv("ENABLE_WEBHOOKS") != "false" {
		return errors.New("ENABLE_WEBHOOKS must be false: this stand-in serves no webhooks")
	}
	if kubeconfig == "" {
		return errors.New("KUBECONFIG or -kubeconfig must be set: this stand-in runs outside the cluster")
	}
	config, err := controller.ReadConfig(file)
	if err != nil {
		return err
	}
	program, err := beside("spire-server")
	if err != nil {
		return err
	}
	made, err := controller.New(config, kubeconfig, program)
	if err != nil {
		return err
	}
	return cli.UntilSignal(func(ctx context.Context) error { return made.Run(ctx) })
}

// beside finds a program in the directory from which this one was started, else on PATH.
func beside(name string) (string, error) {
	near := filepath.Join(filepath.Dir(os.Args[0]), name)
	if _, err := os.Stat(near); err == nil {
		return near, nil
	}
	found, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("no %s beside this program or on PATH", name)
	}
	return found, nil
}
