package machine

import "golang.org/x/sys/unix"

// Limits are those limits of a process that are finite, by their number in getrlimit(2), of the kinds in Limited.
type Limits map[int]uint64

// Limited are the kinds of limits that are read.
var Limited = []int{unix.RLIMIT_NOFILE, unix.RLIMIT_AS, unix.RLIMIT_DATA, unix.RLIMIT_NPROC}

// LimitsOf reads the limits of a child that was not waited for yet, or of this process (0). A Go program raises its
// limit on files as far as it may, so that is what counts.
func LimitsOf(pid int) Limits {
	l := Limits{}
	for _, kind := range Limited {
		var v unix.Rlimit
		if unix.Prlimit(pid, kind, nil, &v) != nil {
			continue
		}
		if kind == unix.RLIMIT_NOFILE {
			v.Cur = v.Max
		}
		if v.Cur != unix.RLIM_INFINITY {
			l[kind] = v.Cur
		}
	}
	return l
}
