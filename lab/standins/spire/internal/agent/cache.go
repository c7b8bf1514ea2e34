package agent

import (
	"crypto"
	"crypto/x509"
	"slices"
	"sort"
	"sync"

	"lab.invalid/standins/spire/internal/wire"
)

// svid is an identity that is ready to be handed out.
type svid struct {
	entry  wire.Entry
	key    crypto.Signer
	chain  []*x509.Certificate
	bundle []*x509.Certificate
}

// cache holds the identities of this machine's entries and wakes those who watch.
type cache struct {
	mutex   sync.Mutex
	svids   map[string]svid // by entry
	bundle  []*x509.Certificate
	synced  bool
	changed chan struct{} // closed at the next change
}

func newCache() *cache { return &cache{svids: map[string]svid{}, changed: make(chan struct{})} }

// set replaces everything after one answer of the server.
func (c *cache) set(svids map[string]svid, bundle []*x509.Certificate, changed bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	changed = changed || !c.synced
	c.svids, c.bundle, c.synced = svids, bundle, true
	if changed {
		close(c.changed)
		c.changed = make(chan struct{})
	}
}

// get gives what there is now, for changes to be compared with.
func (c *cache) get() map[string]svid {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.svids
}

// ready says whether the server has answered since the start.
func (c *cache) ready() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.synced
}

// matching gives the identities of a process with these selectors: of entries that ask for nothing which it lacks.
func (c *cache) matching(has []wire.Selector) (found []svid, bundle []*x509.Certificate, synced bool, changed <-chan struct{}) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, one := range c.svids {
		lacks := slices.ContainsFunc(one.entry.Selectors, func(wanted wire.Selector) bool { return !slices.Contains(has, wanted) })
		if !lacks {
			found = append(found, one)
		}
	}
	sort.Slice(found, func(a, b int) bool { return found[a].entry.ID < found[b].entry.ID })
	return found, c.bundle, c.synced, c.changed
}
