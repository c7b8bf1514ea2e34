package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"

	"lab.invalid/standins/spire/internal/cli"
	"lab.invalid/standins/spire/internal/wire"
)

func createEntry(arguments []string) error {
	return putEntry("entry create", "/entry/create", arguments)
}

func updateEntry(arguments []string) error {
	return putEntry("entry update", "/entry/create?update=yes", arguments)
}

func putEntry(name, path string, arguments []string) error {
	var socket, output, id, spiffeID, parentID, hint *string
	var life, jwtLife *int
	var selectors, names cli.Texts
	err := cli.Flags(name, arguments, func(flags *flag.FlagSet) {
		socket = socketFlag(flags)
		output = flags.String("output", "pretty", "pretty or json")
		id = flags.String("entryID", "", "a custom ID for this registration entry")
		spiffeID = flags.String("spiffeID", "", "the SPIFFE ID that this record represents")
		parentID = flags.String("parentID", "", "the SPIFFE ID of this record's parent")
		hint = flags.String("hint", "", "the entry hint")
		life = flags.Int("x509SVIDTTL", 0, "the lifetime, in seconds, for x509-SVIDs")
		jwtLife = flags.Int("jwtSVIDTTL", 0, "the lifetime, in seconds, for JWT-SVIDs")
		flags.Var(&selectors, "selector", "a colon-delimited type:value selector; can be used more than once")
		flags.Var(&names, "dns", "a DNS name for the SVIDs; can be used more than once")
	})
	if err != nil {
		return err
	}
	entry := wire.Entry{ID: *id, Hint: *hint, X509SVIDTTL: int32(*life), JWTSVIDTTL: int32(*jwtLife), DNSNames: names}
	if entry.SPIFFEID, err = wire.ParseID(*spiffeID); err != nil {
		return fmt.Errorf("-spiffeID: %w", err)
	}
	if entry.ParentID, err = wire.ParseID(*parentID); err != nil {
		return fmt.Errorf("-parentID: %w", err)
	}
	for _, text := range selectors {
		selector, err := wire.ParseSelector(text)
		if err != nil {
			return err
		}
		entry.Selectors = append(entry.Selectors, selector)
	}
	var made wire.Entry
	if err := cli.Ask(*socket, path, entry, &made); err != nil {
		return err
	}
	return cli.Print(*output, made, func() { pretty(made) })
}

func showEntries(arguments []string) error {
	var socket, output, id, spiffeID, parentID *string
	var selectors cli.Texts
	err := cli.Flags("entry show", arguments, func(flags *flag.FlagSet) {
		socket = socketFlag(flags)
		output = flags.String("output", "pretty", "pretty or json")
		id = flags.String("entryID", "", "the Entry ID of the records to show")
		spiffeID = flags.String("spiffeID", "", "the SPIFFE ID of the records to show")
		parentID = flags.String("parentID", "", "the Parent ID of the records to show")
		flags.Var(&selectors, "selector", "a selector that the records have; can be used more than once")
	})
	if err != nil {
		return err
	}
	var answer wire.Entries
	if err := cli.Ask(*socket, "/entry/show", wire.Empty{}, &answer); err != nil {
		return err
	}
	answer.Entries = slices.DeleteFunc(answer.Entries, func(entry wire.Entry) bool {
		lacks := slices.ContainsFunc(selectors, func(wanted string) bool {
			return !slices.ContainsFunc(entry.Selectors, func(has wire.Selector) bool { return has.String() == wanted })
		})
		return lacks || *id != "" && entry.ID != *id || *spiffeID != "" && entry.SPIFFEID.String() != *spiffeID ||
			*parentID != "" && entry.ParentID.String() != *parentID
	})
	return cli.Print(*output, answer, func() {
		fmt.Printf("Found %d entries\n", len(answer.Entries))
		for _, entry := range answer.Entries {
			pretty(entry)
		}
	})
}

func deleteEntry(arguments []string) error {
	var socket, id *string
	err := cli.Flags("entry delete", arguments, func(flags *flag.FlagSet) {
		socket = socketFlag(flags)
		id = flags.String("entryID", "", "the Registration Entry ID of the record to delete")
	})
	if err != nil {
		return err
	}
	if *id == "" {
		return errors.New("an entry ID is required")
	}
	if err := cli.Ask(*socket, "/entry/delete", wire.Named{ID: *id}, &wire.Empty{}); err != nil {
		return err
	}
	fmt.Printf("Deleted entry with ID: %s\n", *id)
	return nil
}

func pretty(entry wire.Entry) {
	fmt.Printf("Entry ID         : %s\nSPIFFE ID        : %s\nParent ID        : %s\nRevision         : %d\nX509-SVID TTL    : %d\n",
		entry.ID, entry.SPIFFEID, entry.ParentID, entry.RevisionNumber, entry.X509SVIDTTL)
	for _, selector := range entry.Selectors {
		fmt.Printf("Selector         : %s\n", selector)
	}
	fmt.Println()
}
