package together

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"lab.invalid/standins/spire/internal/controller"
	"lab.invalid/standins/spire/internal/wire"
)

const collection = "/apis/spire.spiffe.io/v1alpha1/clusterstaticentries"

// api is as much of a Kubernetes API as the controller asks: one collection, and the status of its objects.
type api struct {
	mutex   sync.Mutex
	objects map[string]map[string]any
	serial  int
}

func (a *api) put(name, class, id string, selectors ...string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.serial++
	old := a.objects[name]
	created, status := fmt.Sprintf("2026-01-01T00:00:%02dZ", a.serial), any(nil)
	if old != nil {
		created, status = old["metadata"].(map[string]any)["creationTimestamp"].(string), old["status"]
	}
	a.objects[name] = map[string]any{
		"metadata": map[string]any{"name": name, "uid": name, "generation": a.serial, "creationTimestamp": created},
		"spec": map[string]any{
			"className": class, "spiffeID": id, "selectors": selectors,
			"parentID": "spiffe://" + domain + "/spire/agent/device/smiley",
		},
		"status": status,
	}
}

func (a *api) remove(name string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	delete(a.objects, name)
}

func (a *api) status(name string) string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	text, _ := json.Marshal(a.objects[name]["status"])
	return string(text)
}

func (a *api) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if request.Header.Get("Authorization") != "Bearer secret" {
		http.Error(answer, "who are you", http.StatusUnauthorized)
		return
	}
	if request.URL.Path == collection {
		var items []map[string]any
		for _, one := range a.objects {
			items = append(items, one)
		}
		_ = json.NewEncoder(answer).Encode(map[string]any{"items": items})
		return
	}
	name := strings.TrimSuffix(strings.TrimPrefix(request.URL.Path, collection+"/"), "/status")
	var change map[string]any
	if a.objects[name] == nil || request.Method != http.MethodPatch || json.NewDecoder(request.Body).Decode(&change) != nil {
		http.Error(answer, "no such object", http.StatusNotFound)
		return
	}
	a.objects[name]["status"] = change["status"]
	_ = json.NewEncoder(answer).Encode(a.objects[name])
}

// controller starts one that looks after the class `mesh` on a fake API.
func (l *lab) controller() *api {
	l.t.Helper()
	program := l.path("spire-server")
	if said, err := exec.Command("go", "build", "-o", program, "lab.invalid/standins/spire/cmd/spire-server").CombinedOutput(); err != nil {
		l.t.Fatalf("%v: %s", err, said)
	}
	made := &api{objects: map[string]map[string]any{}}
	server := httptest.NewTLSServer(made)
	l.t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	kubeconfig := l.write("kubeconfig", `{"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
"clusters": [{"name": "c", "cluster": {"server": %q, "certificate-authority-data": %q}}], "users": [{"name": "u", "user": {"token": "secret"}}]}`,
		server.URL, base64.StdEncoding.EncodeToString(authority))
	file := l.write("manager.yaml", `
apiVersion: spire.spiffe.io/v1alpha1
kind: ControllerManagerConfig
trustDomain: %s
clusterName: twin
className: mesh
entryIDPrefix: twin
gcInterval: 1000000000
spireServerSocketPath: %s
`, domain, l.path("server.sock"))
	config, err := controller.ReadConfig(file)
	if err != nil {
		l.t.Fatal(err)
	}
	one, err := controller.New(config, kubeconfig, program)
	if err != nil {
		l.t.Fatal(err)
	}
	l.run(func(ctx context.Context) error { return one.Run(ctx) })
	return made
}

// entries gives what the server has: SPIFFE path and selectors of each.
func (l *lab) entries() string {
	var answer wire.Entries
	if err := l.ask("/entry/show", wire.Empty{}, &answer); err != nil {
		l.t.Fatal(err)
	}
	var all []string
	for _, one := range answer.Entries {
		all = append(all, fmt.Sprintf("%s %v", one.SPIFFEID.Path, one.Selectors))
	}
	return strings.Join(all, ", ")
}

func (l *lab) untilEntries(expected string) {
	l.t.Helper()
	l.until("the entries", func() error {
		if found := l.entries(); found != expected {
			return fmt.Errorf("the server has %q, expected %q", found, expected)
		}
		return nil
	})
}

func (l *lab) untilStatus(objects *api, name, expected string) {
	l.t.Helper()
	l.until("the status of "+name, func() error {
		if found := objects.status(name); found != expected {
			return fmt.Errorf("it is %s, expected %s", found, expected)
		}
		return nil
	})
}

const (
	isSet     = `{"masked":false,"rendered":true,"set":true}`
	isInPlace = `{"masked":false,"rendered":true,"set":false}`
	isMasked  = `{"masked":true,"rendered":true,"set":false}`
	isWrong   = `{"masked":false,"rendered":false,"set":false}`
)

func TestAnObjectBecomesAnEntryIsChangedWithItAndGoesWithIt(t *testing.T) {
	l := newLab(t)
	objects := l.controller()
	objects.put("smiley", "mesh", "spiffe://"+domain+"/smiley", "unix:uid:2102")
	l.untilEntries("/smiley [unix:uid:2102]")
	l.untilStatus(objects, "smiley", isSet)
	l.untilStatus(objects, "smiley", isInPlace) // in the round after, which has nothing to set
	objects.put("smiley", "mesh", "spiffe://"+domain+"/smiley", "unix:uid:2103")
	l.untilEntries("/smiley [unix:uid:2103]")
	objects.remove("smiley")
	l.untilEntries("")
}

func TestOnlyItsOwnClassAndItsOwnEntriesAreLookedAfter(t *testing.T) {
	l := newLab(t)
	l.entry("byhand", "unix:uid:1")
	objects := l.controller()
	objects.put("other", "another", "spiffe://"+domain+"/other", "unix:uid:2102")
	objects.put("smiley", "mesh", "spiffe://"+domain+"/smiley", "unix:uid:2102")
	l.untilStatus(objects, "smiley", isSet)
	if found := l.entries(); !strings.Contains(found, "/byhand") || strings.Contains(found, "/other") {
		t.Errorf("the server has %q", found)
	}
}

func TestOfTwoObjectsThatSayTheSameTheOlderOneIsSet(t *testing.T) {
	l := newLab(t)
	objects := l.controller()
	objects.put("first", "mesh", "spiffe://"+domain+"/smiley", "unix:uid:2102")
	objects.put("second", "mesh", "spiffe://"+domain+"/smiley", "unix:uid:2102")
	l.untilStatus(objects, "first", isSet)
	l.untilStatus(objects, "second", isMasked)
}

func TestAnObjectThatIsNoEntryIsNotRendered(t *testing.T) {
	l := newLab(t)
	objects := l.controller()
	objects.put("smiley", "mesh", "smiley", "unix:uid:2102")
	l.untilStatus(objects, "smiley", isWrong)
}
