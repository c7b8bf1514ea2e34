// Command workload stands in for the workload program of Faces: one role, smiley or color, answered on port 8000.
//
// It keeps the environment, the paths, the headers and the status codes of the real one: of Faces 1.x, where every part
// speaks HTTP, and of 2.x, where color speaks gRPC. Which one WORKLOAD_PROTOCOL says; without it 2.x. It has no rate limit
// and no latch, and refuses the variables that would set them.
//
// With -emojivoto it stands in for emojivoto's voting and emoji services instead, as far as their calls end with a status.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const drainSeconds = 5

func main() {
	port := flag.Int("port", 8000, "port to listen on")
	emojivoto := flag.Bool("emojivoto", false, "be emojivoto's services, which read nothing from the environment")
	flag.Parse()
	log.SetFlags(log.LstdFlags | log.Lmsgprefix)
	log.SetPrefix("workload: ")
	if err := run(*port, *emojivoto); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

func run(port int, emojivoto bool) error {
	server := emojivotoServer()
	if emojivoto {
		log.Printf("stand-in of emojivoto's services by grpc on :%d", port)
	} else {
		settings, err := settingsFrom(os.Environ())
		if err != nil {
			return err
		}
		log.Printf("stand-in of the Faces workload: %s by %s on :%d, error fraction %d %%, delays %v ms",
			settings.service, settings.protocol, port, settings.errorFraction, settings.delays)
		server = serverOf(settings)
	}
	server.Addr = fmt.Sprintf(":%d", port)
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	drain, end := context.WithTimeout(context.Background(), drainSeconds*time.Second)
	defer end()
	if err := server.Shutdown(drain); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}
