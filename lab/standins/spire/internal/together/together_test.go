package together

import (
	"fmt"
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
