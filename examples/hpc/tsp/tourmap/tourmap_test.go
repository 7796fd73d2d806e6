package tourmap

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dsss/examples/hpc/tsp/tsplib"
)

func read(t *testing.T, file string) *tsplib.Instance {
	t.Helper()
	in, err := tsplib.Read(strings.NewReader(file), "t")
	if err != nil {
		t.Fatal(err)
	}
	return in
}

const head = "TYPE : TSP\nDIMENSION : 3\nEDGE_WEIGHT_TYPE : "

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	for name, file := range map[string]string{
		"geo":   "COMMENT : NODE 2 Reykjavík\n" + head + "GEO\nNODE_COORD_SECTION\n1 52.22 4.54\n2 64.09 -21.56\n3 38.43 -9.08\n",
		"plane": head + "EUC_2D\nNODE_COORD_SECTION\n1 0 0\n2 1e6 3\n3 5 7e5\n",
		"line":  head + "EUC_2D\nNODE_COORD_SECTION\n1 0 0\n2 0 3\n3 0 7\n",
		"point": head + "EUC_2D\nNODE_COORD_SECTION\n1 5 5\n2 5 5\n3 5 5\n",
		"poles": head + "GEO\nNODE_COORD_SECTION\n1 90 180\n2 -90 -180\n3 90 0\n",
	} {
		path := filepath.Join(dir, name+".png")
		if err := Write(path, read(t, file), []int32{0, 1, 2}, name); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		drawn, pixels := 0, picture.(*image.RGBA)
		for i := 0; i < len(pixels.Pix); i += 4 {
			if c := pixels.Pix[i:]; c[0] == route.R && c[1] == route.G && c[2] == route.B {
				drawn++
			}
		}
		if drawn < 100 && name != "point" {
			t.Errorf("%s: %d pixels of tour", name, drawn)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 5 {
		t.Errorf("%d files left, %v; want the five pictures", len(entries), err)
	}
}

func TestWriteErrors(t *testing.T) {
	explicit := read(t, head+"EXPLICIT\nEDGE_WEIGHT_FORMAT : UPPER_ROW\nEDGE_WEIGHT_SECTION\n1 2 3\n")
	if err := Write(filepath.Join(t.TempDir(), "x.png"), explicit, []int32{0, 1, 2}, ""); !errors.Is(err, ErrNoPlaces) {
		t.Errorf("without coordinates: %v", err)
	}
	plane := read(t, head+"EUC_2D\nNODE_COORD_SECTION\n1 0 0\n2 1 3\n3 5 7\n")
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "x.png"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "none", "x.png"), filepath.Join(dir, "x.png")} {
		if err := Write(path, plane, []int32{0, 1, 2}, ""); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files left behind, %v", len(entries)-1, err)
	}
}
