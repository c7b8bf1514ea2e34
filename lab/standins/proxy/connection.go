package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"unsafe"
)

const (
	soOriginalDst = 80 // linux/netfilter_ipv4.h
	tlsRecord     = 0x16
)

// peeked is a connection whose first bytes were looked at and are still there.
type peeked struct {
	net.Conn
	reader *bufio.Reader
}

func newPeeked(connection net.Conn) *peeked {
	return &peeked{Conn: connection, reader: bufio.NewReader(connection)}
}

func (p *peeked) Read(into []byte) (int, error) { return p.reader.Read(into) }

// CloseWrite lets the other side know that nothing more comes.
func (p *peeked) CloseWrite() error {
	if half, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// isTLS looks for the first byte of a TLS handshake.
func (p *peeked) isTLS() bool {
	first, err := p.reader.Peek(1)
	return err == nil && first[0] == tlsRecord
}

var methods = [][]byte{
	[]byte("GET "), []byte("HEAD "), []byte("POST "), []byte("PUT "), []byte("DELETE "), []byte("CONNECT "),
	[]byte("OPTIONS "), []byte("TRACE "), []byte("PATCH "), []byte("PRI * HTTP/2"),
}

// isHTTP looks for a request line of HTTP/1 or the preface of HTTP/2.
func (p *peeked) isHTTP() bool {
	for length := 1; ; length++ {
		head, err := p.reader.Peek(length)
		if err != nil {
			return false
		}
		possible := false
		for _, method := range methods {
			if bytes.HasPrefix(head, method) {
				return true
			}
			possible = possible || bytes.HasPrefix(method, head)
		}
		if !possible {
			return false
		}
	}
}

// originalDestination is where a connection was meant to go before the packet filter sent it here.
func originalDestination(connection net.Conn) (netip.AddrPort, error) {
	socket, ok := connection.(*net.TCPConn)
	if !ok {
		return netip.AddrPort{}, errors.New("no TCP socket")
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, err
	}
	var address [16]byte // struct sockaddr_in: family, port, address
	length := uint32(len(address))
	var failure syscall.Errno
	err = raw.Control(func(descriptor uintptr) {
		_, _, failure = syscall.Syscall6(syscall.SYS_GETSOCKOPT, descriptor, syscall.IPPROTO_IP, soOriginalDst,
			uintptr(unsafe.Pointer(&address)), uintptr(unsafe.Pointer(&length)), 0)
	})
	if err != nil {
		return netip.AddrPort{}, err
	}
	if failure != 0 {
		// Nothing was redirected: it was meant for this very address.
		local, err := netip.ParseAddrPort(connection.LocalAddr().String())
		return netip.AddrPortFrom(local.Addr().Unmap(), local.Port()), err
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(address[4:8])), binary.BigEndian.Uint16(address[2:4])), nil
}

// join copies both ways until both sides have ended.
func join(one, other net.Conn) {
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{one, other}, {other, one}} {
		both.Add(1)
		go func() {
			defer both.Done()
			_, _ = io.Copy(pair[0], pair[1])
			if half, ok := pair[0].(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
			}
		}()
	}
	both.Wait()
}
