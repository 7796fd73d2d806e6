package snapshot

import (
	"errors"
	"fmt"
	"io"
	"os"

	"dsss/internal/vfs"
)

// openMappable opens a file for reading that may be mapped into memory: itself,
// or where it is on a network file system or not of the operating system, an
// unnamed copy on this node.
func openMappable(fsys vfs.FS, path string) (*os.File, error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	remote, err := fsys.Remote(path)
	if host, ok := f.(vfs.Host); ok && err == nil && !remote {
		return host.OSFile(), nil
	}
	defer f.Close()
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	local, err := unnamedFile()
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(local, io.NewSectionReader(f, 0, size)); err != nil {
		return nil, errors.Join(err, local.Close())
	}
	return local, nil
}

// unnamedFile returns a file of this node, in its temporary directory, that
// disappears with its last descriptor.
func unnamedFile() (*os.File, error) {
	tmp := os.TempDir()
	remote, err := defaultFS.Remote(tmp)
	if err != nil {
		return nil, fmt.Errorf("temporary directory: %w", err)
	}
	if remote {
		return nil, fmt.Errorf("temporary directory %s is on a network file system: set TMPDIR to a directory of this node", tmp)
	}
	f, err := os.CreateTemp(tmp, "dsss-*"+suffix)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
