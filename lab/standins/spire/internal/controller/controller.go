package controller

import (
	"context"
	"fmt"
	"log"
	"slices"
	"strings"
	"time"
)

const lookPause = time.Second // between two looks at the objects

// Controller keeps the server's entries as the objects say.
type Controller struct {
	config  *Config
	cluster *cluster
	server  *server
}

// New gets ready; `program` is the path of spire-server.
func New(config *Config, kubeconfig, program string) (*Controller, error) {
	cluster, err := openCluster(kubeconfig)
	return &Controller{config: config, cluster: cluster, server: &server{program: program, socket: config.Socket}}, err
}

// Run goes on until the context ends: after a change of an object, and every gcInterval.
func (c *Controller) Run(ctx context.Context) error {
	log.Printf("This is the stand-in of spire-controller-manager: it looks after ClusterStaticEntry objects only")
	seen, complete := "", time.Time{}
	for {
		found, err := c.cluster.list(ctx)
		mine := slices.DeleteFunc(found, func(one object) bool { return !c.config.mine(one.Spec.ClassName) })
		if now := signature(mine); err == nil && (now != seen || time.Since(complete) >= c.config.interval()) {
			var told bool
			if told, err = c.reconcile(ctx, mine); err == nil {
				seen, complete = now, time.Now()
			}
			if told {
				seen = "" // a status that was written is a change of an object too, as for the real one
			}
		}
		if err != nil && ctx.Err() == nil {
			log.Printf("Failed, trying again: %v", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookPause):
		}
	}
}

// signature changes when an object comes, goes or is changed.
func signature(all []object) string {
	var text strings.Builder
	for _, one := range all {
		fmt.Fprintf(&text, "%s/%d ", one.Metadata.UID, one.Metadata.Generation)
	}
	return text.String()
}

// reconcile makes entries of objects; true when it wrote a status. `set` is only about this one round, as in the real one:
// the next round, which finds the entry in place, takes it back.
func (c *Controller) reconcile(ctx context.Context, all []object) (bool, error) {
	current, err := c.server.list(ctx)
	if err != nil {
		return false, err
	}
	there := map[string][]*entry{}
	for _, one := range current {
		if c.ours(one.id) {
			there[one.key()] = append(there[one.key()], one)
		}
	}
	statuses := map[string]status{}
	// The oldest object wins where two say the same.
	slices.SortFunc(all, func(a, b object) int {
		if order := a.Metadata.Created.Compare(b.Metadata.Created); order != 0 {
			return order
		}
		return strings.Compare(a.Metadata.UID, b.Metadata.UID)
	})
	declared := map[string]bool{}
	for _, one := range all {
		if one.Metadata.Deleted != nil || !c.config.Reconcile.StaticEntries {
			continue
		}
		wanted, err := one.Spec.render()
		if err != nil {
			log.Printf("%s is not rendered: %v", one.Metadata.Name, err)
			statuses[one.Metadata.Name] = status{}
			continue
		}
		if declared[wanted.key()] {
			statuses[one.Metadata.Name] = status{Rendered: true, Masked: true}
			continue
		}
		declared[wanted.key()] = true
		changed, err := c.put(ctx, wanted, there)
		if err != nil {
			log.Printf("%s is not set: %v", one.Metadata.Name, err)
		}
		statuses[one.Metadata.Name] = status{Rendered: true, Set: changed}
	}
	for _, left := range there {
		for _, one := range left {
			if err := c.server.remove(ctx, one.id); err != nil {
				return false, err
			}
			log.Printf("Deleted entry %s of %s", one.id, one.spiffeID)
		}
	}
	return c.tell(ctx, all, statuses)
}

// put makes the server have the entry, and takes it from those that are left; true when the server did not have it so.
func (c *Controller) put(ctx context.Context, wanted *entry, there map[string][]*entry) (bool, error) {
	found := there[wanted.key()]
	if len(found) == 0 {
		var err error
		if wanted.id, err = newID(c.config.EntryIDPrefix); err != nil {
			return false, err
		}
		if err := c.server.put(ctx, "create", wanted); err != nil {
			return false, err
		}
		log.Printf("Created entry %s of %s", wanted.id, wanted.spiffeID)
		return true, nil
	}
	there[wanted.key()] = found[1:]
	wanted.id = found[0].id
	if wanted.same(found[0]) {
		return false, nil
	}
	log.Printf("Updating entry %s of %s", wanted.id, wanted.spiffeID)
	err := c.server.put(ctx, "update", wanted)
	return err == nil, err
}

// ours says whether an entry on the server is one that this program may change and delete.
func (c *Controller) ours(id string) bool {
	if c.config.EntryIDPrefix == "" || strings.HasPrefix(id, c.config.EntryIDPrefix+".") {
		return true
	}
	if c.config.CleanUp == nil {
		return false
	}
	if *c.config.CleanUp == "" {
		return !strings.Contains(id, ".")
	}
	return strings.HasPrefix(id, *c.config.CleanUp+".")
}

func (c *Controller) tell(ctx context.Context, all []object, statuses map[string]status) (bool, error) {
	told := false
	for _, one := range all {
		now, known := statuses[one.Metadata.Name]
		if !known || one.Status != nil && *one.Status == now {
			continue
		}
		if err := c.cluster.setStatus(ctx, one.Metadata.Name, now); err != nil {
			return told, err
		}
		told = true
	}
	return told, nil
}
