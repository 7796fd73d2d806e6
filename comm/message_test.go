package comm

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"testing"

	"dsss/comm/wire"
	"dsss/internal/stream"
)

// samples is one message of every kind but Batch, Tail and Result, every field set.
func samples() map[Kind]Message {
	return map[Kind]Message{
		KindHello: &wire.HelloT{Version: 1, Role: wire.RoleKeeper, Job: "job", Token: []byte{1, 2}, Rank: -1, Session: 9,
			Node: "n1", Pid: 7, Applied: 3, Classes: []*wire.ClassT{{Name: "a.B", Fingerprint: 5, Known: []uint64{3, 4}}, {Name: "c.D", Fingerprint: 6, Known: []uint64{}}}, Program: "p", Epoch: 2, Recalls: 3, Build: "b", Incarnation: 4, Hosted: true},
		KindWelcome:     &wire.WelcomeT{Version: 1, Epoch: 2, Run: 3, Size: 4, Ordered: 5, State: true, Head: 6, Omitted: []uint64{7, 8}, Heartbeat: 9, Remember: true, Log: 10, Session: 11, Hosted: 12},
		KindRefuse:      &wire.RefuseT{Code: wire.RefusalRank, Reason: "taken", Session: 9},
		KindStateObject: &wire.StateObjectT{Id: 1, Name: "n", Class: "c", Hosted: true},
		KindStateChunk:  &wire.StateChunkT{Data: []byte("data")},
		KindStateEnd:    &wire.StateEndT{Sequence: 4, Session: 9, Sessions: []*wire.SessionT{{Id: 1, Request: 2}}, Ended: []*wire.EndedT{{Rank: 1, Incarnation: 2}}, Record: []byte{1}},
		KindHeartbeat:   &wire.HeartbeatT{Applied: 1, Stable: 2, Session: 9},
		KindSync:        &wire.SyncT{Id: 1, Session: 9, Stats: true},
		KindSynced:      &wire.SyncedT{Id: 1, Head: 2, Session: 9},
		KindSave:        &wire.SaveT{Id: 1, Atleast: 2, Want: wire.WantDigest, Object: 3, First: 4, Pieces: 5, Session: 9, Hosted: true},
		KindSaved:       &wire.SavedT{Id: 1, Sequence: 2, Path: "p", Bytes: 3, Nanos: 4, Error: "e", Session: 9},
		KindProgress:    &wire.ProgressT{Text: "t", Session: 9},
		KindPanic:       &wire.PanicT{Sequence: 1, Object: "o", Method: "m", Arguments: "a", Text: "t", Stack: "s", Session: 9},
		KindLeave:       &wire.LeaveT{Session: 9},
		KindStop:        &wire.StopT{Reason: "r", Evicted: true, Session: 9},
		KindCommand:     &wire.CommandT{Verb: wire.VerbCheckpoint, Status: "s", Rank: 1, Count: 2, Incarnation: 3},
		KindEvent:       &wire.EventT{What: wire.HappeningFinished, Role: wire.RoleWorker, Rank: 1, Pid: 2, Sequence: 3, Bytes: 4, Nanos: 5, Count: 6, Text: "t", Detail: "d", Incarnation: 3},
		KindRecall:      &wire.RecallT{First: 1, Session: 9},
		KindDigest:      &wire.DigestT{Id: 1, Sequence: 2, Session: 9, Objects: []*wire.ObjectDigestT{{Object: 3, Digest: 4}}},
		KindMembers:     &wire.MembersT{Sequence: 1, Session: 9, Ranks: []uint64{2, 3}},
		KindQuery:       &wire.QueryT{Session: 16, Id: 1, Object: 2, Method: 3, Head: 4, Args: []byte{1}},
		KindAnswer:      &wire.AnswerT{Session: 16, Id: 1, Outcome: wire.OutcomeFailed, Data: []byte{1}},
		KindHosting:     &wire.HostingT{Session: 16, Incarnation: 2},
		KindResend:      &wire.ResendT{Stream: 17},
		KindStats: &wire.StatsT{Id: 1, Session: 9, Epoch: 2, Run: 3, Head: 4, Commit: 5, Stored: 6, First: 7, Memory: 8, Limit: 9, Checkpoints: 10, Saved: 11, SavedBytes: 12, SavedNanos: 13,
			Cursors: []*wire.CursorT{{Rank: -1, Incarnation: 1, Member: 2, Members: 3, Applied: 4, Next: 5, Bytes: 6, Disk: true}, {Rank: 1}}},
	}
}

// parseAny parses a body of any kind.
func parseAny(kind Kind, body []byte) (any, error) {
	switch kind {
	case KindHello:
		return ParseHello(body)
	case KindWelcome:
		return ParseWelcome(body)
	case KindRefuse:
		return ParseRefuse(body)
	case KindBatch, KindTail:
		b, err := ParseBatch(body)
		if err == nil {
			for range b.Count {
				if _, _, _, ok := b.Calls.Next(); !ok {
					break
				}
			}
			Order(append(make([]byte, HeaderSize), body...), 1, 2, 3, 0)
		}
		return b, err
	case KindStateObject:
		return ParseStateObject(body)
	case KindStateChunk:
		data, err := StateChunkData(body)
		return &wire.StateChunkT{Data: bytes.Clone(data)}, err
	case KindStateEnd:
		return ParseStateEnd(body)
	case KindHeartbeat:
		return ParseHeartbeat(body)
	case KindSync:
		return ParseSync(body)
	case KindSynced:
		return ParseSynced(body)
	case KindSave:
		return ParseSave(body)
	case KindSaved:
		return ParseSaved(body)
	case KindProgress:
		return ParseProgress(body)
	case KindPanic:
		return ParsePanic(body)
	case KindStop:
		return ParseStop(body)
	case KindCommand:
		return ParseCommand(body)
	case KindEvent:
		return ParseEvent(body)
	case KindRecall:
		return ParseRecall(body)
	case KindDigest:
		return ParseDigest(body)
	case KindLeave:
		return ParseLeave(body)
	case KindMembers:
		return ParseMembers(body)
	case KindStats:
		return ParseStats(body)
	case KindResult:
		r, _, err := ParseResult(body)
		return r, err
	case KindQuery:
		q, err := ParseQuery(body)
		if err == nil {
			q.Args = bytes.Clone(q.Args)
		}
		return q, err
	case KindAnswer:
		a, err := ParseAnswer(body)
		if err == nil {
			a.Data = bytes.Clone(a.Data)
		}
		return a, err
	case KindHosting:
		return ParseHosting(body)
	case KindResend:
		return ParseResend(body)
	}
	return nil, nil
}

func TestMessagesRoundTrip(t *testing.T) {
	all := samples()
	for kind := Kind(1); kind < kinds; kind++ {
		m, ok := all[kind]
		if !ok {
			if kind != KindBatch && kind != KindTail && kind != KindResult {
				t.Errorf("no sample of %v", kind)
			}
			continue
		}
		body := Frame(kind, m)[HeaderSize:]
		got, err := parseAny(kind, body)
		if err != nil {
			t.Errorf("%v: %v", kind, err)
			continue
		}
		if !reflect.DeepEqual(got, any(m)) {
			t.Errorf("%v: sent %+v, got %+v", kind, m, got)
		}
		// A parser must not keep the body: connections reuse it.
		kept, _ := parseAny(kind, append([]byte(nil), body...))
		clear(body)
		if !reflect.DeepEqual(got, kept) {
			t.Errorf("%v: aliases its body", kind)
		}
	}
}

// TestShapesMatchSchema compares what the verifier checks with what the schema says, table by table, field by field.
func TestShapesMatchSchema(t *testing.T) {
	schema, err := os.ReadFile("schema/comm.fbs")
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]shape{"ubyte": 1, "bool": 1, "ushort": 2, "int": 4, "uint": 4, "long": 8, "ulong": 8, "string": text,
		"[ubyte]": bytesShape, "[ulong]": ulongs, "[Class]": classes, "[Cursor]": cursors, "[Session]": pairs, "[ObjectDigest]": pairs, "[Ended]": pairs, "[Epoch]": pairs, "BatchHead": 56, "ResultHead": 32, "ControlKind": 1,
		"Role": 1, "Outcome": 1, "Refusal": 1, "Verb": 1, "Happening": 1, "Want": 1}
	tables := map[string][]shape{}
	for _, m := range regexp.MustCompile(`(?s)table (\w+) \{(.*?)\n\}`).FindAllStringSubmatch(string(schema), -1) {
		fields := []shape{}
		for _, f := range regexp.MustCompile(`(?m)^\s+\w+:([\w\[\]]+);`).FindAllStringSubmatch(m[2], -1) {
			size, known := sizes[f[1]]
			if !known {
				t.Fatalf("table %s: type %s is new: teach the verifier and this test", m[1], f[1])
			}
			fields = append(fields, size)
		}
		tables[m[1]] = fields
	}
	tables[KindTail.String()] = tables[KindBatch.String()]
	for kind := Kind(1); kind < kinds; kind++ {
		if !reflect.DeepEqual(shapes[kind], tables[kind.String()]) {
			t.Errorf("%v: verifier checks %v, schema says %v", kind, shapes[kind], tables[kind.String()])
		}
	}
	if !reflect.DeepEqual(classShape, tables["Class"]) {
		t.Errorf("Class: verifier checks %v, schema says %v", classShape, tables["Class"])
	}
	if !reflect.DeepEqual(controlShape, tables["Control"]) {
		t.Errorf("Control: verifier checks %v, schema says %v", controlShape, tables["Control"])
	}
	if !reflect.DeepEqual(cursorShape, tables["Cursor"]) {
		t.Errorf("Cursor: verifier checks %v, schema says %v", cursorShape, tables["Cursor"])
	}
	for _, m := range regexp.MustCompile(`(?s)struct (\w+) \{(.*?)\n\}`).FindAllStringSubmatch(string(schema), -1) {
		size := 0
		for _, f := range regexp.MustCompile(`(?m)^\s+\w+:(\w+);`).FindAllStringSubmatch(m[2], -1) {
			size += int(sizes[f[1]])
		}
		if want := map[string]int{"BatchHead": 56, "ResultHead": 32, "Epoch": 16, "Ended": 16, "CallHead": callHeadSize, "Session": 16, "ObjectDigest": 16, "OutcomeHead": outcomeHead}[m[1]]; size != want {
			t.Errorf("struct %s has %d bytes, the code says %d", m[1], size, want)
		}
	}
}

// TestHandLaidBatchIsFlatBuffers: the layout that AppendCall relies on is one that the generated code reads alike.
func TestHandLaidBatchIsFlatBuffers(t *testing.T) {
	f := batchFrame(3, 4, []byte("abc"))
	b := wire.GetRootAsBatch(f[HeaderSize:], 0).UnPack()
	if b.Head.Stream != 3 || b.Head.Request != 4 || b.Head.Count != 1 || !bytes.Contains(b.Calls, []byte("abc")) {
		t.Errorf("read as %+v %+v", b, b.Head)
	}
}

// TestControls: a control is read as it was written, by whoever applies the batch that holds it.
func TestControls(t *testing.T) {
	want := &wire.ControlT{Kind: wire.ControlKindStart, Id: 1, Run: 2, Starts: []*wire.EpochT{{Epoch: 3, Base: 4}}, Program: "p", Build: "b",
		Classes: []*wire.ClassT{{Name: "a.B", Fingerprint: 5, Known: []uint64{6}}}, Sequence: 7, Session: 8, Rank: -1, Incarnation: 9, Durability: "sync"}
	frame := AppendCall(BeginBatch(nil), CatalogID, ControlID, ControlArgs(want))
	FinishBatch(frame, stream.Coordinator, 1, 1)
	b, err := ParseBatch(frame[HeaderSize:])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ControlOf(b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	b.Stream = 16
	if got, err := ControlOf(b); got != nil || err != nil {
		t.Errorf("a worker's batch: %+v, %v", got, err)
	}
}

func FuzzControl(f *testing.F) {
	f.Add(ControlArgs(&wire.ControlT{Kind: wire.ControlKindStart, Classes: []*wire.ClassT{{Name: "a.B", Known: []uint64{6}}}, Starts: []*wire.EpochT{{Epoch: 3}}}))
	f.Fuzz(func(t *testing.T, args []byte) { _, _ = ParseControl(args) })
}
