package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dsss/internal/outfile"
)

// Changed returns those of the files that are not on disk as they should be.
func Changed(files []File) ([]File, error) {
	var changed []File
	for _, f := range files {
		text, err := os.ReadFile(f.Name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if f.Gone != (err != nil) || !f.Gone && string(text) != f.Text {
			changed = append(changed, f)
		}
	}
	return changed, nil
}

// stale returns the files of ours in dir that are not among files: those of classes that are gone.
func stale(dir string, files []File) ([]File, error) {
	var found []File
	for _, pattern := range []string{"*" + suffix, "*.fbs"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			if strings.HasPrefix(string(text), header) && !slices.ContainsFunc(files, func(f File) bool { return f.Name == name }) {
				found = append(found, File{Name: name, Gone: true})
			}
		}
	}
	return found, nil
}

// Write writes the files: all are prepared first and then committed, so that a full disk leaves what was. Those that are
// gone are removed.
func Write(files []File) error {
	ready := make([]*outfile.File, len(files))
	defer func() {
		for _, r := range ready {
			r.Discard()
		}
	}()
	for i, f := range files {
		if f.Gone {
			continue
		}
		var err error
		if ready[i], err = outfile.Prepare(f.Name, []byte(f.Text)); err != nil {
			return fmt.Errorf("writing %s: %w", f.Name, err)
		}
	}
	for i, f := range files {
		var err error
		if f.Gone {
			err = os.Remove(f.Name)
		} else if err = ready[i].Commit(); err != nil {
			err = fmt.Errorf("writing %s: %w", f.Name, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
