package chaos

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Spaces are network namespaces, one for each rank, with one device each to a device of ours. They need root and ip(8).
type Spaces struct {
	prefix string
	count  int
}

// varInside is set for a program that has entered its namespace.
const varInside = "DSSS_CHAOS_INSIDE"

// NewSpaces makes count namespaces; Close removes them.
func NewSpaces(count int) (*Spaces, error) {
	s := &Spaces{prefix: fmt.Sprintf("chaos%d-", os.Getpid())}
	for i := range count {
		s.count++
		here, there := s.device(i), "worker"
		for _, args := range [][]string{
			{"netns", "add", s.name(i)},
			{"link", "add", here, "type", "veth", "peer", "name", there, "netns", s.name(i)},
			{"addr", "add", s.Addr(i) + "/24", "dev", here},
			{"link", "set", here, "up"},
			{"-n", s.name(i), "addr", "add", s.net(i) + ".2/24", "dev", there},
			{"-n", s.name(i), "link", "set", there, "up"},
		} {
			if err := ip(args...); err != nil {
				return nil, errors.Join(err, s.Close())
			}
		}
	}
	return s, nil
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (s *Spaces) name(i int) string { return s.prefix + strconv.Itoa(i) }

func (s *Spaces) device(i int) string { return fmt.Sprintf("cx%d-%d", os.Getpid()%1_000_000, i) }

// Addr returns our address as the i-th namespace sees it: nobody else does.
func (s *Spaces) Addr(i int) string { return s.net(i) + ".1" }

// net is the network of a device, another in every process that makes some.
func (s *Spaces) net(i int) string { return fmt.Sprintf("10.%d.%d", 1+os.Getpid()%254, 200+i) }

// Plug takes the device of the i-th namespace up or down. While it is down packets are lost.
func (s *Spaces) Plug(i int, in bool) error {
	state := "down"
	if in {
		state = "up"
	}
	return ip("-n", s.name(i), "link", "set", "worker", state)
}

// Close removes the namespaces, and with them their devices.
func (s *Spaces) Close() error {
	var errs []error
	for i := range s.count {
		errs = append(errs, ip("netns", "del", s.name(i)))
	}
	return errors.Join(errs...)
}

// enterSpace begins the process anew in the namespace of its rank, if it is to be in one. The process id, and who is
// told of its death, stay.
func enterSpace(rank int) error {
	prefix := os.Getenv(varSpace)
	if prefix == "" || os.Getenv(varInside) != "" {
		return nil
	}
	path, err := exec.LookPath("ip")
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Setenv(varInside, "1"); err != nil {
		return err
	}
	return syscall.Exec(path, append([]string{"ip", "netns", "exec", prefix + strconv.Itoa(rank), self}, os.Args[1:]...), os.Environ())
}

// A SmallDisk is a file system in memory that can be filled. It needs root.
type SmallDisk struct{ dir string }

// smallDiskBytes has room for a few log segments with those prepared ahead.
const smallDiskBytes = 320 << 20

// NewSmallDisk mounts one on dir.
func NewSmallDisk(dir string) (*SmallDisk, error) {
	if err := unix.Mount("chaos", dir, "tmpfs", 0, fmt.Sprintf("size=%d", smallDiskBytes)); err != nil {
		return nil, fmt.Errorf("mounting a file system on %s: %w", dir, err)
	}
	return &SmallDisk{dir}, nil
}

func (d *SmallDisk) filler() string { return d.dir + "/filler" }

// Fill takes all room but leave bytes.
func (d *SmallDisk) Fill(leave int64) error {
	var s unix.Statfs_t
	if err := unix.Statfs(d.dir, &s); err != nil {
		return err
	}
	f, err := os.OpenFile(d.filler(), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	for more := int64(s.Bavail)*s.Bsize - leave; more > 0; {
		switch err := unix.Fallocate(int(f.Fd()), 0, have, more); {
		case err == nil:
			have += more
		case errors.Is(err, unix.ENOSPC): // somebody took some meanwhile
			more /= 2
		default:
			return err
		}
		if leave > 0 {
			break // what others take now is theirs
		}
	}
	return nil
}

// Free gives the room back.
func (d *SmallDisk) Free() error {
	if err := os.Remove(d.filler()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Close unmounts it.
func (d *SmallDisk) Close() error { return unix.Unmount(d.dir, unix.MNT_DETACH) }
