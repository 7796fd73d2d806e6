package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// tmpSuffix marks a file in the making.
const tmpSuffix = ".tmp"

// file is what the log needs of an open segment. Tests put faults behind it.
type file interface {
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	Truncate(size int64) error
	Stat() (os.FileInfo, error)
	Sync() error // data and size are on disk when it returns nil
	Close() error
}

// diskFile is a file whose Sync is fdatasync, which leaves the modification
// time behind and nothing else.
type diskFile struct{ *os.File }

func (f diskFile) Sync() error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
		}
	}
}

func openDisk(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag, 0o666)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

// makeDir creates a directory and its parents where they are missing, and makes
// their names durable. Parents that exist need not be readable.
func makeDir(path string) error {
	if st, err := os.Stat(path); err == nil {
		if !st.IsDir() {
			return &os.PathError{Op: "mkdir", Path: path, Err: unix.ENOTDIR}
		}
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o777); err != nil && !errors.Is(err, os.ErrExist) { // another may have been faster
		return err
	}
	return syncDir(parent)
}

// syncDir makes the names in a directory durable. File systems that cannot
// sync a directory say EINVAL; they do so at once for every directory, and offer
// nothing better.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return nil
}

// writeFile replaces a small file in one step: temporary, sync, rename, sync
// of the directory.
func writeFile(path string, b []byte) error {
	tmp := path + tmpSuffix
	err := func() error {
		f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
		if err != nil {
			return err
		}
		if _, err := f.Write(b); err != nil {
			return errors.Join(err, f.Close())
		}
		if err := f.Sync(); err != nil {
			return errors.Join(err, f.Close())
		}
		return f.Close()
	}()
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return err
	}
	return syncDir(filepath.Dir(path))
}

// The f_type of file systems that live on another machine (statfs(2), and the
// sources of Lustre, GPFS and BeeGFS, which are not in the kernel's magic.h).
// FUSE counts as one: sshfs, GlusterFS and DAOS are behind it, and flock may be
// local to the mount.
var networkTypes = map[uint32]string{
	0x00006969: "NFS",
	0x0000517b: "SMB",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x0bd00bd0: "Lustre",
	0x47504653: "GPFS",
	0x19830326: "BeeGFS",
	0x00c36400: "Ceph",
	0x5346414f: "AFS",
	0x01021997: "9P",
	0x01161970: "GFS2",
	0x7461636f: "OCFS2",
	0x20030528: "OrangeFS",
	0xaad7aaea: "PanFS",
	0x65735546: "FUSE",
}

// statfsType returns the f_type of the file system that holds path. Tests
// replace it.
var statfsType = func(path string) (uint32, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(path, &st)
		if err == nil {
			return uint32(st.Type), nil
		}
		if !errors.Is(err, unix.EINTR) {
			return 0, &os.PathError{Op: "statfs", Path: path, Err: err}
		}
	}
}

// onNetwork reports whether path, which exists, is on a network file system.
func onNetwork(path string) (bool, error) {
	t, err := statfsType(path)
	if err != nil {
		return false, err
	}
	_, network := networkTypes[t]
	return network, nil
}

// localTemp returns the node's temporary directory, where bbolt works when a
// checkpoint directory is on a network file system.
func localTemp() (string, error) {
	tmp := os.TempDir()
	network, err := onNetwork(tmp)
	if err != nil {
		return "", fmt.Errorf("temporary directory: %w", err)
	}
	if network {
		return "", fmt.Errorf("temporary directory %s is on a network file system: set TMPDIR to a directory of this node", tmp)
	}
	return tmp, nil
}
