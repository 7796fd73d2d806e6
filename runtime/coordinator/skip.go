package coordinator

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/stream"
	"dsss/runtime/order"
)

// Skip has the stopped job in stateDir leave out the mutation at seq when it is resumed, and returns what was noted of it.
// The mutation must have been noted as one in whose middle processes ended, or that did not end, and no checkpoint may hold
// its effect yet. Errors that wrap ErrUsage say what to ask for instead; nothing has changed then.
func Skip(stateDir string, seq uint64) (s statedir.Skip, err error) {
	if _, exists, err := statedir.Peek(stateDir); err != nil {
		return s, usageError{err}
	} else if !exists {
		return s, usageError{fmt.Errorf("%s holds no job: name a state directory, such as ./NAME.dsss", stateDir)}
	}
	dir, err := takeDir(stateDir, statedir.Config{Job: "dsss skip"})
	if errors.Is(err, statedir.ErrInUse) {
		return s, usageError{fmt.Errorf("%w: end the job first", err)}
	}
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	job, _ := dir.Job()
	if slices.Contains(job.LeftOut(), seq) {
		return s, usageError{fmt.Errorf("the mutation at sequence number %d is left out already: go on with 'dsss run --resume'", seq)}
	}
	i := slices.IndexFunc(job.Suspects, func(s statedir.Suspect) bool { return s.Sequence == seq && s.Noted() })
	if i < 0 {
		return s, usageError{fmt.Errorf("nothing is noted against the mutation at sequence number %d in %s: %s", seq, stateDir, skippable(job))}
	}
	s.Suspect = job.Suspects[i]
	base, _, err := newestIn(dir, func(string) {})
	if err != nil {
		return s, err
	}
	if base.Seq >= seq {
		return s, usageError{fmt.Errorf("the checkpoint at sequence number %d in %s holds what the mutation at %d did: 'dsss run --resume' goes on behind it", base.Seq, stateDir, seq)}
	}
	table := order.Table{Head: base.Seq, Sessions: base.Sessions}
	if s.Hash, err = strike(dir, wal.Config{First: base.Seq + 1, Tag: job.Epoch}, table, job.Epoch, seq); err != nil {
		return s, err
	}
	job.Skips = append(slices.Clone(job.Skips), s)
	job.Suspects = slices.Delete(slices.Clone(job.Suspects), i, i+1)
	return s, dir.PutJob(job)
}

// skippable says which mutations may be skipped.
func skippable(job statedir.Job) string {
	for _, s := range slices.Backward(job.Suspects) {
		if s.Noted() {
			return fmt.Sprintf("only %v may be skipped", s)
		}
	}
	return "no mutation may be skipped, since no process ended twice in the middle of one, and none did not end"
}

// strike returns the hash of the mutation at seq in the directory's log, and orders behind all that is there that it is left
// out, for a record that is older than that. table is of the newest checkpoint.
func strike(dir *statedir.Dir, cfg wal.Config, table order.Table, epoch, seq uint64) (hash string, err error) {
	log, _, err := dir.OpenLog(cfg)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	var f folded
	err = f.read(log, &table, func(b comm.Batch) (err error) {
		if b.Sequence <= seq && seq < b.Sequence+uint64(b.Count) {
			hash, err = hashOf(b, seq)
		}
		return err
	})
	switch {
	case err != nil:
		return "", err
	case hash == "":
		return "", usageError{fmt.Errorf("the log in %s ends before sequence number %d, so that nothing is left to skip: 'dsss run --resume' goes on from there", dir.Path(), seq)}
	}
	frame := controlFrame(&wire.ControlT{Kind: wire.ControlKindOmit, Sequence: seq}, table.Sessions[stream.Coordinator]+1)
	comm.Order(frame, table.Head+1, epoch, f.clock, 0)
	if err := log.Append([]wal.Record{{First: table.Head + 1, Count: 1, Data: frame}}); err != nil {
		return "", err
	}
	return hash, log.Sync()
}

// hashOf condenses what the mutation at seq, which b has, is: whose request, and which call.
func hashOf(b comm.Batch, seq uint64) (string, error) {
	calls := b.Calls
	for at := b.Sequence; at <= seq && at < b.Sequence+uint64(b.Count); at++ {
		object, method, args, ok := calls.Next()
		if !ok {
			break
		}
		if at == seq {
			h := sha256.New()
			for _, n := range []uint64{b.Stream, b.Request + (seq - b.Sequence), uint64(object), uint64(method)} {
				_ = binary.Write(h, binary.LittleEndian, n) // never fails
			}
			h.Write(args)
			return hex.EncodeToString(h.Sum(nil)), nil
		}
	}
	return "", fmt.Errorf("the log has no mutation at sequence number %d in the batch from %d on", seq, b.Sequence)
}

// checkSkips compares the mutations of a logged batch with those that a person skipped.
func checkSkips(skips []statedir.Skip, b comm.Batch) error {
	for _, s := range skips {
		if s.Sequence < b.Sequence || s.Sequence >= b.Sequence+uint64(b.Count) {
			continue
		}
		if hash, err := hashOf(b, s.Sequence); err != nil || hash != s.Hash {
			return fmt.Errorf("the log holds another mutation at sequence number %d than %v, which was skipped: restore the whole state directory as it was when 'dsss skip' was used", s.Sequence, s.Suspect)
		}
	}
	return nil
}
