package coordinator

import (
	"fmt"

	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/build"
)

// who names a process as people do.
func who(hello *wire.HelloT) string {
	switch {
	case hello.Job == "": // of another version, and all else is unknown
		return "a process"
	case hello.Role == wire.RoleWorker:
		return fmt.Sprintf("rank %d (pid %d)", hello.Rank, hello.Pid)
	case hello.Role == wire.RoleKeeper:
		return fmt.Sprintf("the keeper (pid %d)", hello.Pid)
	case hello.Role == wire.RoleOperator:
		return "this command"
	}
	return "the launcher"
}

// speaksLike compares the version of a Hello with ours. Nothing else of it need be as we know it if they differ.
func speaksLike(hello *wire.HelloT) error {
	if hello.Version == comm.Version {
		return nil
	}
	return refuse(wire.RefusalVersion, "%s speaks version %d of DSSS's protocol, the coordinator version %d: build the program with the DSSS that 'dsss run' is of, or run it by the dsss of the DSSS that it was built with",
		who(hello), hello.Version, comm.Version)
}

// sameBuild compares the program of a process that joins with the one that opened the state in this run: replicas agree
// because the same methods apply the same mutations.
func sameBuild(job *statedir.Job, hello *wire.HelloT) error {
	if hello.Program != job.Program {
		return refuse(wire.RefusalClasses, "%s runs %s, the job runs %s: start the same program everywhere", who(hello), hello.Program, job.Program)
	}
	if hello.Build != job.Build {
		return refuse(wire.RefusalClasses, "%s runs another build of %s (%s) than the job (%s): put back the one that the job began with, or end the job and go on with --resume, which takes the one that is there now",
			who(hello), job.Program, build.Short(hello.Build), build.Short(job.Build))
	}
	if diff := differ(job.Classes, classesOf(hello)); diff != "" {
		return refuse(wire.RefusalClasses, "%s registers other classes than the job: %s; register the same ones everywhere", who(hello), diff)
	}
	return nil
}

// sayRebuilt says that a job goes on with another build than its last run had.
func (c *coordinator) sayRebuilt(last string, job statedir.Job) {
	if last != "" && last != job.Build {
		c.event(&wire.EventT{What: wire.HappeningWarned, Text: fmt.Sprintf("resuming with another build of %s (%s, the last run had %s): mutations behind the checkpoint are applied as this one does",
			job.Program, build.Short(job.Build), build.Short(last))})
	}
}
