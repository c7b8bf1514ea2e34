package main

import (
	"net"
	"net/netip"
)

// outbound takes the connections that the workload opens to the cluster, and forwards them as they are.
type outbound struct {
	settings *settings
	metrics  *metrics
	own      uint16
	target   func(net.Conn) (netip.AddrPort, error)
}

func (o *outbound) accept(from net.Conn) {
	defer from.Close()
	meant, err := o.target(from)
	if err != nil || meant.Port() == o.own && meant.Addr().IsLoopback() {
		logWarn("Outbound connection without a destination closed")
		return
	}
	o.metrics.opened("outbound", client{port: meant.Port()})
	to, err := net.DialTimeout("tcp", meant.String(), o.settings.outboundConnect)
	if err != nil {
		logInfo("Connection to %s failed: %v", meant, err)
		return
	}
	defer to.Close()
	join(from, to)
}
