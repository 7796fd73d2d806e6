package order

import (
	"fmt"

	"dsss/comm/wire"
)

// who names a process as people do.
func who(hello *wire.HelloT) string {
	switch {
	case hello.Job == "": // of another version, and all else is unknown
		return "a process"
	case hello.Role == wire.RoleOperator:
		return "this command"
	case hello.Role == wire.RoleControl:
		return "the launcher"
	}
	return fmt.Sprintf("%s (pid %d)", place(hello.Role, hello.Rank), hello.Pid)
}

// place names what a process of the program is for.
func place(role wire.Role, rank int32) string {
	switch role {
	case wire.RoleKeeper:
		return "the keeper"
	case wire.RoleHost:
		return "the host"
	}
	return fmt.Sprintf("rank %d", rank)
}

// unlike says why a process that joins does not run the program that opened the state in this run, nil when it does: replicas
// agree because the same methods apply the same mutations.
func (m *Machine) unlike(hello *wire.HelloT) *wire.RefuseT {
	job := &m.record
	no := func(format string, args ...any) *wire.RefuseT {
		return &wire.RefuseT{Code: wire.RefusalClasses, Reason: fmt.Sprintf(format, args...)}
	}
	if hello.Program != job.Program {
		return no("%s runs %s, the job runs %s: start the same program everywhere", who(hello), hello.Program, job.Program)
	}
	if hello.Build != job.Build {
		return no("%s runs another build of %s (%s) than the job (%s): put back the one that the job began with, or end the job and go on with --resume, which takes the one that is there now",
			who(hello), job.Program, short(hello.Build), short(job.Build))
	}
	if diff := differ(job.Classes, hello.Classes); diff != "" {
		return no("%s registers other classes than the job: %s; register the same ones everywhere", who(hello), diff)
	}
	return nil
}

// differ names the first class in which a process and the job differ; empty when they agree.
func differ(job, process []*wire.ClassT) string {
	find := func(in []*wire.ClassT, name string) *wire.ClassT {
		for _, k := range in {
			if k.Name == name {
				return k
			}
		}
		return nil
	}
	for _, w := range job {
		switch k := find(process, w.Name); {
		case k == nil:
			return fmt.Sprintf("class %s is missing", w.Name)
		case k.Fingerprint != w.Fingerprint:
			return fmt.Sprintf("class %s has fingerprint %016x instead of %016x", w.Name, k.Fingerprint, w.Fingerprint)
		}
	}
	for _, k := range process {
		if find(job, k.Name) == nil {
			return fmt.Sprintf("class %s is new", k.Name)
		}
	}
	return ""
}

// short is a digest as people are told it; as in package internal/build, which reads files.
func short(sum string) string {
	if sum == "" {
		return "unknown"
	}
	return "sha256 " + sum[:min(len(sum), 12)]
}
