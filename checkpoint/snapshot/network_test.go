package snapshot

import (
	"os"
	"strings"
	"testing"

	"dsss/internal/vfs"
)

// remoteFS is all of it a network file system.
type remoteFS struct{ vfs.FS }

func (remoteFS) Remote(string) (bool, error) { return true, nil }

// nfs makes everything below the temporary directory a network file system: no file of it can be mapped.
type nfs struct{ vfs.FS }

func (nfs) below(path string) bool {
	return strings.HasPrefix(path, os.TempDir()) && path != os.TempDir()
}

func (n nfs) Remote(path string) (bool, error) { return n.below(path), nil }

func (n nfs) OpenFile(path string, flag int) (vfs.File, error) {
	f, err := n.FS.OpenFile(path, flag)
	if err == nil && n.below(path) {
		f = struct{ vfs.File }{f} // no vfs.Host
	}
	return f, err
}

// TestCheckpointOnNetwork: the file is written in place and bbolt reads a copy
// on this node; nothing stays behind on either side.
func TestCheckpointOnNetwork(t *testing.T) {
	was := defaultFS
	t.Cleanup(func() { defaultFS = was })
	defaultFS = nfs{vfs.OS}
	dir := t.TempDir()
	before := names(t, os.TempDir())
	info := writeCheckpoint(t, dir, testMeta, testStates)
	r, err := Open(info.Path)
	if err != nil {
		t.Fatal(err)
	}
	wantCheckpoint(t, r, testMeta, testStates)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if ns := names(t, dir); len(ns) != 1 {
		t.Errorf("the checkpoint directory holds %v", ns)
	}
	there := make(map[string]bool)
	for _, n := range before {
		there[n] = true
	}
	for _, n := range names(t, os.TempDir()) {
		if !there[n] && strings.HasPrefix(n, "dsss-") && strings.HasSuffix(n, suffix) {
			t.Errorf("the temporary directory holds %s", n)
		}
	}
	defaultFS = remoteFS{vfs.OS} // TMPDIR too
	if _, err := Open(info.Path); err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("with TMPDIR on a network file system: %v", err)
	}
}
