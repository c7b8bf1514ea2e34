package together

import (
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"lab.invalid/standins/spire/internal/wire"
)

func TestADeviceAttestsByItsCertificateAndItsWorkloadGetsAnIdentityUnderTheRoot(t *testing.T) {
	l := newLab(t)
	l.certificate("smiley", "devices", false)
	l.agent("smiley")
	l.entry("smiley", l.self()...)
	l.until("the identity", func() error {
		id, err := l.identity("smiley")
		if err == nil && id != "spiffe://"+domain+"/smiley" {
			t.Fatalf("the identity is %s", id)
		}
		return err
	})
	if all := l.agents(); len(all) != 1 || all[0].ID.Path != "/spire/agent/device/smiley" || !all[0].CanReattest {
		t.Errorf("the agents are %v", all)
	}
}

func TestAProcessThatLacksASelectorGetsNothing(t *testing.T) {
	l := newLab(t)
	l.certificate("smiley", "devices", false)
	l.agent("smiley")
	l.entry("smiley", l.self()[0], "unix:path:/opt/mesh-expansion/bin/linkerd2-proxy")
	l.until("the refusal", func() error {
		_, err := l.identity("smiley")
		if err == nil || !strings.Contains(err.Error(), "no identity issued") {
			return fmt.Errorf("expected PermissionDenied: %w", err)
		}
		return nil
	})
}

func TestACertificateOfAnotherAuthorityIsRefusedForGood(t *testing.T) {
	l := newLab(t)
	l.certificate("smiley", "strangers", false)
	_, ended := l.agent("smiley")
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "certificate verification failed") {
			t.Errorf("the agent ended with %v", err)
		}
	case <-time.After(wait):
		t.Error("the agent of a stranger goes on")
	}
	if all := l.agents(); len(all) != 0 {
		t.Errorf("the agents are %v", all)
	}
}

func TestACertificateWithoutItsKeyIsRefused(t *testing.T) {
	l := newLab(t)
	l.certificate("smiley", "devices", false)
	l.certificate("color", "devices", false)
	if err := os.Rename(l.path("color.key"), l.path("smiley.key")); err != nil {
		t.Fatal(err)
	}
	_, ended := l.agent("smiley")
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "challenge response verification failed") {
			t.Errorf("the agent ended with %v", err)
		}
	case <-time.After(wait):
		t.Error("an agent without the key goes on")
	}
}

func TestABannedAgentEndsAndCannotComeBack(t *testing.T) {
	l := newLab(t)
	l.certificate("smiley", "devices", false)
	_, ended := l.agent("smiley")
	l.until("the agent", func() error {
		return l.ask("/agent/ban", wire.Named{ID: "spiffe://" + domain + "/spire/agent/device/smiley"}, &wire.Empty{})
	})
	for _, attempt := range []string{"running", "new"} {
		select {
		case err := <-ended:
			if err == nil || !strings.Contains(err.Error(), "banned") {
				t.Errorf("the %s agent ended with %v", attempt, err)
			}
		case <-time.After(wait):
			t.Fatalf("the %s agent goes on", attempt)
		}
		_, ended = l.agent("smiley")
	}
}

func TestAnAgentThatStartsAgainKeepsItsIdentityAndDoesNotAttestAgain(t *testing.T) {
	l := newLab(t)
	l.certificate("smiley", "devices", false)
	l.entry("smiley", l.self()...)
	stop, _ := l.agent("smiley")
	works := func() error { _, err := l.identity("smiley"); return err }
	l.until("the identity", works)
	serial := l.agents()[0].Serial
	stop()
	if works() == nil {
		t.Error("an agent that was stopped still answers")
	}
	l.agent("smiley")
	l.until("the identity after the restart", works)
	if l.agents()[0].Serial != serial {
		t.Error("the agent attested again")
	}
}

// anywhere is what a device's own authority is kept from: every DNS name, every address.
func anywhere(pathLength int) func(*x509.Certificate) {
	return func(template *x509.Certificate) {
		template.MaxPathLen, template.MaxPathLenZero = pathLength, pathLength == 0
		template.PermittedDNSDomainsCritical, template.ExcludedDNSDomains = true, []string{""}
		_, all, _ := net.ParseCIDR("0.0.0.0/0")
		template.ExcludedIPRanges = []*net.IPNet{all}
	}
}

func TestAServerBelowANarrowAuthorityGivesIdentitiesThatLeadToTheRoot(t *testing.T) {
	l := prepared(t)
	l.certificate("intermediate", "root", true, anywhere(1))
	l.server("intermediate")
	l.certificate("smiley", "devices", false)
	l.agent("smiley")
	l.entry("smiley", l.self()...)
	l.until("the identity", func() error { _, err := l.identity("smiley"); return err })
}

func TestAnAuthorityThatMayHaveNoOtherBelowItEndsTheServer(t *testing.T) {
	l := prepared(t)
	l.certificate("intermediate", "root", true, anywhere(0))
	select {
	case err := <-l.server("intermediate"):
		if err == nil || !strings.Contains(err.Error(), "too many intermediates for path length constraint") {
			t.Errorf("the server ended with %v", err)
		}
	default:
		t.Error("the server runs")
	}
}

func TestAnAgentThatTheServerForgotAttestsAgain(t *testing.T) {
	l := newLab(t)
	l.certificate("smiley", "devices", false)
	l.entry("smiley", l.self()...)
	_, ended := l.agent("smiley")
	l.until("the identity", func() error { _, err := l.identity("smiley"); return err })
	serial := l.agents()[0].Serial
	if err := l.ask("/agent/evict", wire.Named{ID: l.agents()[0].ID.String()}, &wire.Empty{}); err != nil {
		t.Fatal(err)
	}
	l.until("the agent", func() error {
		if all := l.agents(); len(all) != 1 || all[0].Serial == serial {
			return fmt.Errorf("the agents are %v", all)
		}
		return nil
	})
	if len(ended) > 0 {
		t.Errorf("the agent ended with %v", <-ended)
	}
}
