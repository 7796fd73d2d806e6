package coordinator_test

import (
	"context"
	"encoding/binary"
	"testing"

	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/coordinator"
)

// TestSessionsEnd: what has left or died is in no table: the order, replicas and checkpoints keep nothing of it, however many
// there were, and a resumed job begins with none of them.
func TestSessionsEnd(t *testing.T) {
	cfg := coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1}
	c := launch(t, cfg)
	stays := c.join(0)
	stays.append(value(0, 0))
	for i := range 30 {
		w := c.join(1)
		w.append(value(1, i))
		if i%2 == 0 {
			if err := w.Leave(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Close()
		} else {
			w.Close() // it dies
			if err := c.control.Gone(1, 0); err != nil {
				t.Fatal(err)
			}
		}
		stays.members(0)
	}
	stays.sync()
	if n := len(stays.Replica().Position().Sessions); n != 2 { // and the coordinator's own
		t.Errorf("the replica knows %d sessions", n)
	}
	stays.append(value(0, 1))
	if _, err := stays.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.kill()
	c.killKeeper()
	stays.Close()
	r, err := statedir.StoreOf(cfg.StateDir).Newest(nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.Meta().Sessions); n != 2 {
		t.Errorf("the checkpoint knows %d sessions", n)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.Resume = true
	c = launch(t, cfg)
	w := c.join(0)
	w.sync()
	if n := len(w.Replica().Position().Sessions); n != 2 || len(w.values()) != 32 {
		t.Errorf("the resumed job knows %d sessions and %d values", n, len(w.values()))
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestMembersBehindOnePeer: two sessions on one connection have one cursor, which sends each batch once; what is said to one names
// it; one leaves and the other goes on; a third may be refused without harm to them.
func TestMembersBehindOnePeer(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1})
	w := c.join(0)
	first := c.hello(wire.RoleWorker, 1)
	first.Session = 5
	conn, _, err := comm.Greet(context.Background(), c.network, "", &first, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	say := func(kind comm.Kind, m comm.Message) {
		t.Helper()
		if err := conn.Send(kind, m); err != nil {
			t.Fatal(err)
		}
	}
	applied := uint64(0)
	next := func(want comm.Kind) []byte { // passes by what else comes, and sees that batches come once and in order
		t.Helper()
		for {
			kind, body, err := conn.Next()
			if err != nil {
				t.Fatalf("waiting for %v: %v", want, err)
			}
			if kind == comm.KindBatch {
				b, err := comm.ParseBatch(body)
				if err != nil || applied != 0 && b.Sequence != applied+1 {
					t.Fatalf("batch at sequence number %d after %d, %v", b.Sequence, applied, err)
				}
				applied = b.Sequence + uint64(b.Count) - 1
			}
			if kind == want {
				return body
			}
		}
	}
	further := func(rank int32, session uint64) {
		hello := c.hello(wire.RoleWorker, int(rank))
		hello.Version, hello.Session = comm.Version, session
		say(comm.KindHello, &hello)
	}
	further(2, 6)
	if m, err := comm.ParseWelcome(next(comm.KindWelcome)); err != nil || m.Session != 6 || m.State {
		t.Fatalf("welcome %+v, %v", m, err)
	}
	further(0, 7) // taken by w
	if m, err := comm.ParseRefuse(next(comm.KindRefuse)); err != nil || m.Session != 7 {
		t.Fatalf("refused %+v, %v", m, err)
	}
	before := w.Replica().Applied()
	for _, session := range []uint64{5, 6} {
		f := comm.AppendCall(comm.BeginBatch(nil), w.list.ID, appendID, binary.LittleEndian.AppendUint64(nil, value(int(session), 0)))
		comm.FinishBatch(f, session, 1, 1)
		if err := conn.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WaitApplied(t.Context(), before+2); err != nil {
		t.Fatal(err)
	}
	say(comm.KindSync, &wire.SyncT{Id: 9, Session: 6})
	if m, err := comm.ParseSynced(next(comm.KindSynced)); err != nil || m.Session != 6 || m.Id != 9 || m.Head < before+2 {
		t.Fatalf("synced %+v, %v", m, err)
	}
	say(comm.KindLeave, &wire.LeaveT{Session: 5})
	if m, err := comm.ParseStop(next(comm.KindStop)); err != nil || m.Session != 5 {
		t.Fatalf("stop %+v, %v", m, err)
	}
	f := comm.AppendCall(comm.BeginBatch(nil), w.list.ID, appendID, binary.LittleEndian.AppendUint64(nil, value(6, 1)))
	comm.FinishBatch(f, 6, 2, 1)
	if err := conn.Write(f); err != nil {
		t.Fatal(err)
	}
	if err := w.WaitApplied(t.Context(), before+3); err != nil {
		t.Fatal(err)
	}
	if got := w.values(); len(got) != 3 {
		t.Errorf("values %v", got)
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
	if m, err := comm.ParseStop(next(comm.KindStop)); err != nil || m.Session != 0 || m.Reason != "" {
		t.Errorf("stop %+v, %v", m, err)
	}
}
