package coordinator_test

import (
	"fmt"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/coordinator"
)

// refusalOf sends a Hello and returns how it is refused.
func (c *cluster) refusalOf(hello []byte) *wire.RefuseT {
	c.t.Helper()
	conn := comm.NewConn(c.dial())
	if err := conn.Write(hello); err != nil {
		c.t.Fatal(err)
	}
	kind, body, err := conn.Next()
	if err != nil || kind != comm.KindRefuse {
		c.t.Fatalf("answer %v, error %v", kind, err)
	}
	refusal, err := comm.ParseRefuse(body)
	if err != nil {
		c.t.Fatal(err)
	}
	return refusal
}

// TestOtherVersions: a Hello of another version is refused by number, also when nothing else of it can be read.
func TestOtherVersions(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t)})
	foreign := func(version uint16) []byte { // a table of which only the version is as in ours
		b := flatbuffers.NewBuilder(64)
		b.StartObject(40)
		for slot := range 40 {
			b.PrependUint64Slot(slot, 1<<60, 0)
		}
		b.PrependUint16Slot(0, version, 0)
		b.Finish(b.EndObject())
		frame := append(make([]byte, comm.HeaderSize), b.FinishedBytes()...)
		comm.Seal(frame, comm.KindHello)
		return frame
	}
	for _, version := range []uint16{0, comm.Version - 1, comm.Version + 1} {
		hello := c.hello(wire.RoleWorker, 1)
		hello.Session, hello.Version = 77, version
		for who, frame := range map[string][]byte{"rank 1 (pid 1001)": comm.Frame(comm.KindHello, &hello), "a process": foreign(version)} {
			if who == "a process" && version == 0 {
				continue // FlatBuffers do not write zeros: such a Hello names no version, and is malformed
			}
			want := fmt.Sprintf("%s speaks version %d of DSSS's protocol, the coordinator version %d: build the program ", who, version, comm.Version)
			if r := c.refusalOf(frame); r.Code != wire.RefusalVersion || !strings.HasPrefix(r.Reason, want) || strings.Contains(r.Reason, "\n") {
				t.Errorf("refused with %v: %s; want %s", r.Code, r.Reason, want)
			}
		}
	}
}

// TestOtherBuild: another build of the program is refused in one line, by name of the process and of both builds, and so is
// one whose file nobody could read.
func TestOtherBuild(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t)})
	for build, said := range map[string]string{strings.Repeat("ab", 32): "sha256 abababababab", "": "unknown"} {
		hello := c.hello(wire.RoleWorker, 1)
		hello.Session, hello.Version, hello.Build = 77, comm.Version, build
		want := "rank 1 (pid 1001) runs another build of " + c.program + " (" + said + ") than the job (sha256 " + testBuild[:12] + "): put back the one "
		if r := c.refusalOf(comm.Frame(comm.KindHello, &hello)); r.Code != wire.RefusalClasses || !strings.HasPrefix(r.Reason, want) {
			t.Errorf("refused with %v: %s; want %s", r.Code, r.Reason, want)
		}
	}
}
