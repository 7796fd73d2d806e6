// Package launchenv is the contract between the launcher and the processes that it starts: what the environment
// tells a program about its place in a job. The launcher writes it, dsss.Join reads it. A leaf package.
package launchenv

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"dsss/internal/protocol"
)

// Role says what a process is for.
type Role string

// The roles. A program that has none was started without the launcher.
const (
	None   Role = ""
	Worker Role = "worker"
	Keeper Role = "keeper"
	Host   Role = "host"
)

// The variables.
const (
	VarRole        = "DSSS_ROLE"
	VarProtocol    = "DSSS_PROTOCOL"
	VarJob         = "DSSS_JOB"
	VarRank        = "DSSS_RANK"
	VarSize        = "DSSS_SIZE"
	VarIncarnation = "DSSS_INCARNATION"
	VarNode        = "DSSS_NODE"
	VarCoordinator = "DSSS_COORDINATOR"
	VarToken       = "DSSS_TOKEN"
	// VarKeeperDir is the state directory, where the keeper writes checkpoints.
	VarKeeperDir = "DSSS_KEEPER_DIR"
	// VarJoined is set by a program for its children: the other variables were meant for it.
	VarJoined = "DSSS_JOINED"
	// VarBuild says what the program's file is and what its content was; see package internal/build.
	VarBuild = "DSSS_BUILD"
	// VarMark names the run of the launcher that a process and what it starts belong to; each run makes its own. When
	// the launcher is killed, processes are found by it.
	VarMark = "DSSS_MARK"
	// VarApplying says where the process shows which mutation it is applying; see package internal/applying.
	VarApplying = "DSSS_APPLYING"
)

// Setting is the name of the variable by which a person sets what the flag of that name sets: DSSS_KEEP for --keep. None of
// them is a variable of the contract, and the launcher hands none on: a job inside a job does not take the outer one's.
func Setting(flag string) string {
	return "DSSS_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// ErrProtocol: the launcher is of another version of DSSS than this process.
var ErrProtocol = errors.New("another version of DSSS")

// ErrInherited: the variables are those of another process, which has started this one.
var ErrInherited = errors.New("inherited variables")

// Claim says that this process is the one that the variables were meant for, unless another has: programs that it starts
// find them used. Programs claim them before anything else, for they may start others before they join; what lies between
// the launcher and a program (shells, numactl, containers) does not.
func Claim() {
	if os.Getenv(VarRole) != string(None) && os.Getenv(VarJoined) == "" {
		_ = os.Setenv(VarJoined, strconv.Itoa(os.Getpid())) // fails for malformed names only
	}
}

// ProtocolVar renders the variable that says which version of the protocol the launcher speaks.
func ProtocolVar() string { return VarProtocol + "=" + strconv.Itoa(protocol.Version) }

// CheckProtocol compares the launcher's version with this process's. Nothing else in the environment need be as we know it
// when it returns an error.
func CheckProtocol() error {
	theirs := "version " + os.Getenv(VarProtocol)
	switch theirs {
	case "version " + strconv.Itoa(protocol.Version):
		return nil
	case "version ":
		theirs = "an older one"
	}
	return fmt.Errorf("%w: this process speaks version %d of its protocol, its launcher %s: build the program with the DSSS that 'dsss run' is of, or run it by the dsss of the DSSS that it was built with", ErrProtocol, protocol.Version, theirs)
}

// Env is a process's place in a job.
type Env struct {
	Role       Role
	Job        string
	Rank, Size int // Rank is -1 for the keeper and -2 for the host
	// Incarnation is which start of a process this is, counted from 1 by the launcher over all processes of a run
	// and never used twice in it; 0 without a launcher. Processes are told apart by it: on two nodes two may have
	// the same process id.
	Incarnation uint64
	Node        string // name of the node, as the allocation calls it
	Coordinator string // host:port
	Token       []byte // the job's secret: connections without it are refused
	StateDir    string // only for the keeper, which writes checkpoints there
}

// Vars renders e as NAME=value strings, to be added to a child's environment.
func (e Env) Vars() []string {
	return []string{
		VarRole + "=" + string(e.Role), VarJob + "=" + e.Job,
		VarRank + "=" + strconv.Itoa(e.Rank), VarSize + "=" + strconv.Itoa(e.Size), VarIncarnation + "=" + strconv.FormatUint(e.Incarnation, 10),
		ProtocolVar(), VarNode + "=" + e.Node, VarCoordinator + "=" + e.Coordinator, VarJoined + "=",
		VarToken + "=" + hex.EncodeToString(e.Token), VarKeeperDir + "=" + e.StateDir,
	}
}

// Read reads this process's environment. Role None means that there is no launcher; other fields are then empty. An error
// names the variable.
func Read() (Env, error) {
	e := Env{Role: Role(os.Getenv(VarRole)), StateDir: os.Getenv(VarKeeperDir)}
	switch e.Role {
	case None:
		return e, nil
	case Worker, Keeper, Host:
		if err := CheckProtocol(); err != nil {
			return e, err
		}
		if by := os.Getenv(VarJoined); by != "" && by != strconv.Itoa(os.Getpid()) {
			who := "rank " + os.Getenv(VarRank)
			if e.Role != Worker {
				who = "the " + string(e.Role)
			}
			return e, fmt.Errorf("%w: %s and the like are those of %s of job %s (pid %s): start this program by 'dsss run', or without them ('env -u %s') to be a job of its own",
				ErrInherited, VarRole, who, os.Getenv(VarJob), by, VarRole)
		}
	default:
		return e, fmt.Errorf("%s=%q: want worker, keeper or host", VarRole, string(e.Role))
	}
	e.Job, e.Node, e.Coordinator = os.Getenv(VarJob), os.Getenv(VarNode), os.Getenv(VarCoordinator)
	var err error
	if e.Rank, err = strconv.Atoi(os.Getenv(VarRank)); err != nil {
		return e, fmt.Errorf("%s=%q: want a whole number", VarRank, os.Getenv(VarRank))
	}
	if e.Size, err = strconv.Atoi(os.Getenv(VarSize)); err != nil || e.Size < 1 {
		return e, fmt.Errorf("%s=%q: want a number of processes from 1", VarSize, os.Getenv(VarSize))
	}
	if e.Role == Worker && (e.Rank < 0 || e.Rank >= e.Size) {
		return e, fmt.Errorf("%s=%d: want 0 to %d", VarRank, e.Rank, e.Size-1)
	}
	if e.Incarnation, err = strconv.ParseUint(os.Getenv(VarIncarnation), 10, 64); err != nil {
		return e, fmt.Errorf("%s=%q: want a whole number", VarIncarnation, os.Getenv(VarIncarnation))
	}
	if e.Coordinator == "" {
		return e, fmt.Errorf("%s is empty: want host:port of the coordinator", VarCoordinator)
	}
	if e.Token, err = hex.DecodeString(os.Getenv(VarToken)); err != nil {
		return e, fmt.Errorf("%s: want hexadecimal digits", VarToken)
	}
	return e, nil
}
