package main

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const prefix = "LINKERD2_PROXY_"

// Every name that linkerd2-proxy reads, by the form of its value. A name that is not here is refused: the real proxy
// overlooks it, and the setting that somebody meant is then missing without a word.
var names = map[string]string{
	"address": `ADMIN_LISTEN_ADDR CONTROL_LISTEN_ADDR INBOUND_LISTEN_ADDR OUTBOUND_LISTEN_ADDR`,
	"duration": `CONTROL_STREAM_IDLE_TIMEOUT CONTROL_STREAM_INITIAL_TIMEOUT CONTROL_STREAM_LIFETIME
		DESTINATION_PROFILE_INITIAL_TIMEOUT DNS_MAX_TTL DNS_MIN_TTL IDENTITY_MAX_REFRESH IDENTITY_MIN_REFRESH
		IDENTITY_SPIRE_EXP_BACKOFF_MAX IDENTITY_SPIRE_EXP_BACKOFF_MIN INBOUND_ACCEPT_KEEPALIVE
		INBOUND_ACCEPT_USER_TIMEOUT INBOUND_CONNECT_EXP_BACKOFF_MAX INBOUND_CONNECT_EXP_BACKOFF_MIN
		INBOUND_CONNECT_KEEPALIVE INBOUND_CONNECT_TIMEOUT INBOUND_CONNECT_USER_TIMEOUT INBOUND_DETECT_TIMEOUT
		INBOUND_DISCOVERY_IDLE_TIMEOUT INBOUND_HTTP1_CONNECTION_POOL_IDLE_TIMEOUT INBOUND_HTTP_FAILFAST_TIMEOUT
		METRICS_RETAIN_IDLE OUTBOUND_ACCEPT_KEEPALIVE OUTBOUND_ACCEPT_USER_TIMEOUT OUTBOUND_CONNECT_EXP_BACKOFF_MAX
		OUTBOUND_CONNECT_EXP_BACKOFF_MIN OUTBOUND_CONNECT_KEEPALIVE OUTBOUND_CONNECT_TIMEOUT
		OUTBOUND_CONNECT_USER_TIMEOUT OUTBOUND_DETECT_TIMEOUT OUTBOUND_DISCOVERY_IDLE_TIMEOUT
		OUTBOUND_HTTP1_CONNECTION_POOL_IDLE_TIMEOUT OUTBOUND_HTTP_FAILFAST_TIMEOUT OUTBOUND_TCP_FAILFAST_TIMEOUT
		SHUTDOWN_GRACE_PERIOD`,
	"number": `CORES CORES_MAX CORES_MIN HTTP2_INITIAL_CONNECTION_WINDOW_SIZE HTTP2_INITIAL_STREAM_WINDOW_SIZE
		INBOUND_HTTP_QUEUE_CAPACITY INBOUND_MAX_IN_FLIGHT INBOUND_TCP_LISTEN_BACKLOG MAX_IDLE_CONNS_PER_ENDPOINT
		OUTBOUND_HTTP_QUEUE_CAPACITY OUTBOUND_MAX_IDLE_CONNS_PER_ENDPOINT OUTBOUND_MAX_IN_FLIGHT
		OUTBOUND_TCP_LISTEN_BACKLOG OUTBOUND_TCP_QUEUE_CAPACITY`,
	"boolean":  `INGRESS_MODE OUTBOUND_DISABLE_INFORMATIONAL_HEADERS OUTBOUND_METRICS_HOSTNAME_LABELS SHUTDOWN_ENDPOINT_ENABLED`,
	"networks": `DESTINATION_PROFILE_NETWORKS POLICY_CLUSTER_NETWORKS`,
	"ports":    `INBOUND_PORTS INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION INBOUND_PORTS_REQUIRE_IDENTITY INBOUND_PORTS_REQUIRE_TLS`,
	"policy":   `INBOUND_DEFAULT_POLICY`,
	"text": `ACCESS_LOG CORES_MAX_RATIO DESTINATION_CONTEXT DESTINATION_PROFILE_SUFFIXES DESTINATION_SVC_ADDR
		DESTINATION_SVC_NAME IDENTITY_SERVER_ID IDENTITY_SERVER_NAME IDENTITY_SPIRE_EXP_BACKOFF_JITTER
		IDENTITY_SPIRE_SOCKET IDENTITY_SPIRE_WORKLOAD_API_ADDRESS IDENTITY_TRUST_ANCHORS
		INBOUND_CONNECT_EXP_BACKOFF_JITTER INBOUND_GATEWAY_SUFFIXES INBOUND_IPS INBOUND_METRICS_AUTHORITY_LABELS LOG
		LOG_FORMAT OUTBOUND_CONNECT_EXP_BACKOFF_JITTER OUTBOUND_LISTEN_ADDRS POLICY_SVC_ADDR POLICY_SVC_NAME
		POLICY_WORKLOAD TAP_SVC_NAME TRACE_ATTRIBUTES_PATH TRACE_COLLECTOR_SVC_ADDR TRACE_COLLECTOR_SVC_NAME
		TRACE_EXTRA_ATTRIBUTES TRACE_SERVICE_NAME`,
	"identity service": `IDENTITY_DIR IDENTITY_DISABLED IDENTITY_LOCAL_NAME IDENTITY_SVC_ADDR IDENTITY_SVC_NAME IDENTITY_TOKEN_FILE`,
}

var durationForm = regexp.MustCompile(`^\s*(\d+)(ms|s|m|h|d)?\s*$`)

var units = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
}

// duration reads the proxy's own form: whole numbers with a unit, or 0.
func duration(text string) (time.Duration, error) {
	found := durationForm.FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("NotADuration")
	}
	number, err := strconv.Atoi(found[1])
	if err != nil || found[2] == "" && number != 0 {
		return 0, fmt.Errorf("NotADuration")
	}
	return time.Duration(number) * units[found[2]], nil
}

func networks(text string) ([]netip.Prefix, error) {
	var result []netip.Prefix
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		network, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, fmt.Errorf("NotANetwork")
		}
		result = append(result, network)
	}
	return result, nil
}

func ports(text string) error {
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		low, high, ranged := strings.Cut(part, "-")
		first, err := strconv.ParseUint(strings.TrimSpace(low), 10, 16)
		if err != nil {
			return fmt.Errorf("NotAPortRange")
		}
		if last, err := strconv.ParseUint(strings.TrimSpace(high), 10, 16); ranged && (err != nil || last < first) {
			return fmt.Errorf("NotAPortRange")
		}
	}
	return nil
}

// valid says what is wrong with a value of this form.
func valid(form, text string) error {
	var err error
	switch form {
	case "address":
		if _, err = netip.ParseAddrPort(text); err != nil {
			err = fmt.Errorf("HostIsNotAnIpAddress")
		}
	case "duration":
		if text != "" {
			_, err = duration(text)
		}
	case "number":
		if _, err = strconv.ParseUint(text, 10, 32); err != nil {
			err = fmt.Errorf("NotAnInteger")
		}
	case "boolean":
		if text != "true" && text != "false" {
			err = fmt.Errorf("NotABool")
		}
	case "networks":
		_, err = networks(text)
	case "ports":
		err = ports(text)
	case "policy":
		if !policies[text] {
			err = fmt.Errorf("InvalidPortPolicy")
		}
	case "identity service":
		err = fmt.Errorf("this stand-in gets its identity from a SPIRE agent only; leave it out")
	}
	return err
}
