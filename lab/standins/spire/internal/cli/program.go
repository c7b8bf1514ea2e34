package cli

import (
	"context"
	"flag"
	"fmt"
)

// Configured gives the commands `run` and `validate` of a program that reads a configuration file, at `file` by default.
func Configured[T any](program, file string, read func(file string, expand bool) (T, error), run func(context.Context, T) error) map[string]Command {
	given := func(name string, arguments []string) (T, error) {
		config, expand := file, false
		err := Flags(name, arguments, func(flags *flag.FlagSet) {
			flags.StringVar(&config, "config", config, "path to a SPIRE config file")
			flags.BoolVar(&expand, "expandEnv", false, "expand environment variables in the config file")
		})
		if err != nil {
			var none T
			return none, err
		}
		return read(config, expand)
	}
	return map[string]Command{
		"run": func(arguments []string) error {
			settings, err := given("run", arguments)
			if err != nil {
				return err
			}
			return UntilSignal(func(ctx context.Context) error { return run(ctx, settings) })
		},
		"validate": func(arguments []string) error {
			if _, err := given("validate", arguments); err != nil {
				return err
			}
			fmt.Printf("SPIRE %s configuration file is valid.\n", program)
			return nil
		},
	}
}

// SocketFlag defines -socketPath, the socket of a program.
func SocketFlag(flags *flag.FlagSet, otherwise, program string) *string {
	return flags.String("socketPath", otherwise, "path to the SPIRE "+program+" API socket")
}

// Health gives the command `healthcheck`: `asked` asks over the socket, and its error is what makes the program unhealthy.
func Health(program, socket string, asked func(socket string) error) Command {
	return func(arguments []string) error {
		var at *string
		err := Flags("healthcheck", arguments, func(flags *flag.FlagSet) {
			at = SocketFlag(flags, socket, program)
			flags.Bool("shallow", false, "perform a less stringent health check")
			flags.Bool("verbose", false, "print verbose information")
		})
		if err != nil {
			return err
		}
		if err := asked(*at); err != nil {
			return err
		}
		fmt.Printf("%s is healthy.\n", program)
		return nil
	}
}
