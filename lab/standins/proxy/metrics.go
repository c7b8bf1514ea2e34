package main

import (
	"fmt"
	"io"
	"sort"
	"strconv"
	"sync"
	"time"
)

// metrics counts a few of the real proxy's series.
type metrics struct {
	mutex  sync.Mutex
	start  time.Time
	series map[string]int
}

func newMetrics() *metrics { return &metrics{start: time.Now(), series: map[string]int{}} }

func (m *metrics) count(name, labels string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.series[name+"{"+labels+"}"]++
}

func (m *metrics) opened(direction string, who client) {
	m.count("tcp_open_total", fmt.Sprintf("direction=%q,peer=\"src\",%s", direction, labels(who)))
}

func (m *metrics) requested(who client) {
	m.count("request_total", "direction=\"inbound\","+labels(who))
}

func (m *metrics) decided(name string, who client) { m.count(name, labels(who)) }

func labels(who client) string {
	text := "tls=" + strconv.Quote(map[bool]string{true: "true", false: "no_tls"}[who.tls])
	text += ",target_port=" + strconv.Quote(strconv.Itoa(int(who.port)))
	if who.id != "" {
		text += ",client_id=" + strconv.Quote(who.id)
	}
	return text
}

// write gives the text form that Prometheus reads.
func (m *metrics) write(to io.Writer, own *identity) {
	fmt.Fprintf(to, "process_start_time_seconds %d\n", m.start.Unix())
	if certificate, renewed, err := own.certificate(); err == nil {
		fmt.Fprintf(to, "identity_cert_expiration_timestamp_seconds %d\n", certificate.Leaf.NotAfter.Unix())
		fmt.Fprintf(to, "identity_cert_refreshes_total %d\n", renewed)
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var lines []string
	for series, value := range m.series {
		lines = append(lines, fmt.Sprintf("%s %d\n", series, value))
	}
	sort.Strings(lines)
	for _, line := range lines {
		_, _ = io.WriteString(to, line)
	}
}
