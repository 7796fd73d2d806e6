package snapshot

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestContents: a Reader says how much is stored of each object.
func TestContents(t *testing.T) {
	dir := t.TempDir()
	info := writeCheckpoint(t, dir, testMeta, testStates)
	r, err := Open(info.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Info() != info {
		t.Errorf("Info %+v, want %+v", r.Info(), info)
	}
	want := []Content{
		{testStates[0].Object, 3, 8},
		{testStates[1].Object, 0, 0},
		{testStates[2].Object, 1, 33000},
	}
	if got := r.Contents(); !slices.Equal(got, want) {
		t.Errorf("Contents %+v, want %+v", got, want)
	}
}

// TestVerify: a sound file is described, and so is one that does not verify.
func TestVerify(t *testing.T) {
	dir := t.TempDir()
	info := writeCheckpoint(t, dir, testMeta, testStates)
	if got, err := Verify(info.Path); err != nil || got != info {
		t.Fatalf("sound: %+v, %v, want %+v", got, err, info)
	}
	whole := readFile(t, info.Path)
	damaged := bytes.Clone(whole)
	damaged[len(whole)/2] ^= 1
	writeBytes(t, info.Path, damaged)
	if got, err := Verify(info.Path); !errors.Is(err, ErrCorrupt) || got != info {
		t.Fatalf("damaged: %+v, %v", got, err)
	}
	writeBytes(t, info.Path, whole[:len(whole)-1])
	if got, err := Verify(info.Path); !errors.Is(err, ErrCorrupt) || got.Bytes != info.Bytes-1 || got.Objects != -1 || got.Seq != info.Seq {
		t.Fatalf("cut: %+v, %v", got, err)
	}
	if _, err := Verify(filepath.Join(dir, "job.json")); err == nil {
		t.Fatal("a file that is named otherwise was verified")
	}
	if err := os.Remove(info.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(info.Path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("missing: %v", err)
	}
}
