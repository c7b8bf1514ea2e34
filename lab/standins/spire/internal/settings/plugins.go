package settings

import (
	"net/http"
	"sort"
)

// plugin takes one plugin's data out of `plugins`: its section, and whether it is there. `only` are the plugins of that
// kind which exist here; any other is refused.
func plugin(plugins *block, kind string, only ...string) (name string, data *block) {
	known := map[string]bool{}
	for _, one := range only {
		known[one] = true
	}
	of := plugins.block(kind)
	var names []string
	for one := range of.values {
		names = append(names, one)
	}
	sort.Strings(names)
	for _, one := range names {
		section := of.block(one)
		if section.has("plugin_cmd") || !known[one] {
			of.fault(one, "this stand-in has no such plugin; it has %v", only)
			continue
		}
		if data != nil {
			of.fault(one, "only one %s is possible here", kind)
			continue
		}
		name, data = one, section.block("plugin_data")
		section.done()
	}
	return name, data
}

// Health is the section health_checks: an HTTP listener for probes.
type Health struct {
	Enabled bool
	Address string
	Live    string
	Ready   string
}

func health(root *block) Health {
	section := root.block("health_checks")
	defer section.done()
	return Health{
		Enabled: section.yes("listener_enabled", false),
		Address: section.text("bind_address", "localhost") + ":" + section.text("bind_port", "80"),
		Live:    section.text("live_path", "/live"),
		Ready:   section.text("ready_path", "/ready"),
	}
}

// Handler answers the two paths: 200 while `well` gives no error, else 500 with what it says.
func (h Health) Handler(well func() error) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{h.Live, h.Ready} {
		mux.HandleFunc(path, func(answer http.ResponseWriter, _ *http.Request) {
			if err := well(); err != nil {
				http.Error(answer, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	return mux
}
