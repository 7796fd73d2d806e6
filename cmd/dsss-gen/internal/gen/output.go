package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Changed returns those of the files that are not on disk as they should be.
func Changed(files []File) ([]File, error) {
	var changed []File
	for _, f := range files {
		text, err := os.ReadFile(f.Name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err != nil || string(text) != f.Text {
			changed = append(changed, f)
		}
	}
	return changed, nil
}

// Write writes the files: all to temporary names first and then each renamed, so that a full disk leaves what was.
func Write(files []File) (err error) {
	var temps []string
	defer func() {
		for _, t := range temps {
			os.Remove(t) // those that were renamed are no longer there
		}
	}()
	for _, f := range files {
		t, err := writeTemp(f)
		if t != "" {
			temps = append(temps, t)
		}
		if err != nil {
			return fmt.Errorf("writing %s: %w", f.Name, err)
		}
	}
	for i, f := range files {
		if err := os.Rename(temps[i], f.Name); err != nil {
			return err
		}
	}
	return nil
}

func writeTemp(f File) (name string, err error) {
	t, err := os.CreateTemp(filepath.Dir(f.Name), ".dsss-gen-*")
	if err != nil {
		return "", err
	}
	_, err = t.WriteString(f.Text)
	if err == nil {
		err = t.Chmod(0o644)
	}
	return t.Name(), errors.Join(err, t.Close())
}
