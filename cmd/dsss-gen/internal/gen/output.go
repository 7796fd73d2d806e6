package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// Write writes the files: all to temporary names first and then each renamed, so that a full disk leaves what was. Those
// that are gone are removed.
func Write(files []File) (err error) {
	var temps []string
	defer func() {
		for _, t := range temps {
			os.Remove(t) // those that were renamed, or never were, are not there
		}
	}()
	for _, f := range files {
		if f.Gone {
			temps = append(temps, "")
			continue
		}
		t, err := writeTemp(f)
		temps = append(temps, t)
		if err != nil {
			return fmt.Errorf("writing %s: %w", f.Name, err)
		}
	}
	for i, f := range files {
		if f.Gone {
			err = os.Remove(f.Name)
		} else {
			err = os.Rename(temps[i], f.Name)
		}
		if err != nil {
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
