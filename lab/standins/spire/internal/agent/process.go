package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"strings"
	"syscall"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"lab.invalid/standins/spire/internal/wire"
)

// peerCredentials tells gRPC which process is at the other end of a Unix socket.
type peerCredentials struct{}

// process is the other end.
type process struct {
	credentials.CommonAuthInfo
	pid int32
}

func (process) AuthType() string { return "unix process" }

func (peerCredentials) ServerHandshake(connection net.Conn) (net.Conn, credentials.AuthInfo, error) {
	socket, ok := connection.(*net.UnixConn)
	if !ok {
		return nil, nil, errors.New("no Unix socket")
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	var found *syscall.Ucred
	var failure error
	if err := raw.Control(func(descriptor uintptr) {
		found, failure = syscall.GetsockoptUcred(int(descriptor), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return nil, nil, err
	}
	if failure != nil {
		return nil, nil, failure
	}
	return connection, process{pid: found.Pid}, nil
}

func (peerCredentials) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("these credentials are a server's")
}

func (peerCredentials) Info() credentials.ProtocolInfo            { return credentials.ProtocolInfo{} }
func (c peerCredentials) Clone() credentials.TransportCredentials { return c }
func (peerCredentials) OverrideServerName(string) error           { return nil }

// caller gives the selectors of the process that asks.
func caller(ctx context.Context, discoverPath bool) ([]wire.Selector, error) {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return nil, errors.New("no peer")
	}
	who, ok := from.AuthInfo.(process)
	if !ok {
		return nil, errors.New("the peer is no process of this machine")
	}
	return selectors(who.pid, discoverPath)
}

// selectors says of a process what SPIRE's workload attestor `unix` says.
func selectors(pid int32, discoverPath bool) ([]wire.Selector, error) {
	values, err := owners(pid)
	if err != nil {
		return nil, err
	}
	if discoverPath {
		link := fmt.Sprintf("/proc/%d/exe", pid)
		path, err := os.Readlink(link)
		if err != nil {
			return nil, fmt.Errorf("path lookup: %w; the agent must be root or have CAP_SYS_PTRACE", err)
		}
		values = append(values, "path:"+path)
		if sum, err := digest(link); err == nil {
			values = append(values, "sha256:"+sum)
		}
	}
	result := make([]wire.Selector, 0, len(values))
	for _, value := range values {
		result = append(result, wire.Selector{Type: "unix", Value: value})
	}
	return result, nil
}

func owners(pid int32) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, fmt.Errorf("failed to get process: %w", err)
	}
	var values []string
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 3 && !strings.HasPrefix(line, "Groups:") {
			continue
		}
		switch fields[0] {
		case "Uid:":
			values = append(values, "uid:"+fields[2])
			if found, err := user.LookupId(fields[2]); err == nil {
				values = append(values, "user:"+found.Username)
			}
		case "Gid:":
			values = append(values, "gid:"+fields[2])
			if found, err := user.LookupGroupId(fields[2]); err == nil {
				values = append(values, "group:"+found.Name)
			}
		case "Groups:":
			for _, group := range fields[1:] {
				values = append(values, "supplementary_gid:"+group)
			}
		}
	}
	return values, nil
}

func digest(file string) (string, error) {
	content, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer content.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
