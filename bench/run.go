package main

import (
	"context"
	"fmt"
	"time"
)

// runRaw runs the relay with its clients and returns what they measured.
func runRaw(ctx context.Context, m measurement) (out outcome, err error) {
	g := newGroup(ctx, m.pinned, m.profiles)
	defer g.close()
	relay := task{Role: roleRelay, Clients: m.clients}
	if m.role == roleRawFar {
		relay.Far, relay.Clients = true, 2
	}
	r, err := g.spawn(relay)
	if err != nil {
		return out, err
	}
	addr, err := r.line()
	if err != nil {
		return out, err
	}
	if relay.Far {
		if _, err := g.spawn(task{Role: roleRawEcho, Addr: addr}); err != nil {
			return out, err
		}
	}
	var all []*proc
	for rank := range m.clients {
		p, err := g.spawn(task{Role: m.role, Addr: addr, Rank: rank, Clients: m.clients, Duration: m.duration})
		if err != nil {
			return out, err
		}
		all = append(all, p)
	}
	if out.results, err = collect(all, m.pinned); err != nil {
		return out, err
	}
	if err := r.wait(); err != nil {
		return out, err
	}
	out.cpu = g.cpu()
	return out, nil
}

// collect returns the clients' results, which must agree on the final state.
func collect(procs []*proc, pinned bool) ([]result, error) {
	var all []result
	for _, p := range procs {
		r, err := p.result(pinned)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, agree(all)
}

// agree returns an error that names the first client whose final state differs from client 0's.
func agree(all []result) error {
	for i, r := range all {
		if r.State != all[0].State {
			return fmt.Errorf("client %d ended with %s, client 0 with %s", i, r.State, all[0].State)
		}
	}
	return nil
}

// A measurement is one run of one side.
type measurement struct {
	name       string
	role       string // of the clients
	clients    int
	pinned     bool
	durability string // empty: the raw side
	duration   time.Duration
	repeat     int
	strangers  int // connections of a crowd that says no hello
	mib        int // of state
	profiles   string
}

// An outcome is what a measurement brought: a result of each client, and the processor time of each role.
type outcome struct {
	results []result
	cpu     map[string]time.Duration
}

func run(ctx context.Context, m measurement) (outcome, error) {
	side := runJob
	if m.durability == "" {
		side = runRaw
	}
	out, err := side(ctx, m)
	if err != nil {
		return out, fmt.Errorf("%s: %w", m.name, err)
	}
	return out, nil
}
