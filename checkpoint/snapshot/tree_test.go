package snapshot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"dsss/internal/vfs"
)

// TestBboltReadsTrees: bbolt finds sound what treeWriter wrote, and in it what
// was put there, whatever the sizes of keys and values and the depth.
func TestBboltReadsTrees(t *testing.T) {
	sizes := map[string]func(rng *rand.Rand, i int) int{
		"empty": func(*rand.Rand, int) int { return 0 },
		"small": func(rng *rand.Rand, _ int) int { return rng.IntN(200) },
		"page": func(rng *rand.Rand, _ int) int {
			return pageSize - pageHeaderSize - elementSize - 8 - 40 + rng.IntN(80)
		},
		"overflow": func(rng *rand.Rand, _ int) int { return rng.IntN(5 * pageSize) },
		"mixed":    func(rng *rand.Rand, i int) int { return rng.IntN(10) * rng.IntN(100) * (1 + i%7*10) },
	}
	for name, size := range sizes {
		for _, n := range []int{0, 1, 2, 30, 169, 170, 171, 172, 3000} {
			for _, long := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/%v", name, n, long), func(t *testing.T) {
					testTree(t, n, long, size)
				})
			}
		}
	}
}

func testTree(t *testing.T, n int, long bool, size func(*rand.Rand, int) int) {
	rng, bytesOf := rand.New(rand.NewPCG(1, uint64(n))), rand.NewChaCha8([32]byte{byte(n)})
	path := filepath.Join(t.TempDir(), "tree.db")
	f, err := vfs.OS.OpenFile(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := newStripeWriter(f)
	pages, err := newPageWriter(out)
	if err != nil {
		t.Fatal(err)
	}
	tree := &treeWriter{pages: pages}
	var keys, values [][]byte
	for i := range n {
		key := binary.BigEndian.AppendUint64(nil, uint64(i))
		if long {
			key = append(key, bytes.Repeat([]byte("k"), 500+rng.IntN(500))...)
		}
		value := make([]byte, size(rng, i))
		_, _ = bytesOf.Read(value) // never fails
		k := bytes.Clone(key)
		if err := tree.put(k, value); err != nil {
			t.Fatal(err)
		}
		clear(k) // it is ours again
		keys, values = append(keys, key), append(values, value)
	}
	root, err := tree.finish()
	if err != nil {
		t.Fatal(err)
	}
	top := &treeWriter{pages: pages, flags: bucketFlag}
	bucket := make([]byte, bucketSize)
	binary.LittleEndian.PutUint64(bucket, root)
	if err := top.put([]byte("bucket"), bucket); err != nil {
		t.Fatal(err)
	}
	if root, err = top.finish(); err != nil {
		t.Fatal(err)
	}
	length, sum, err := out.finish(pages.metas(root))
	if err != nil {
		t.Fatal(err)
	}
	if sums, err := sumsOf(f, length); err != nil || digestOf(sums) != sum {
		t.Fatalf("digest %08x, %v, written %08x", digestOf(sums), err, sum)
	}
	if err := checkPages(f, length); err != nil {
		t.Fatal(err)
	}

	db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		b := tx.Bucket([]byte("bucket"))
		i := 0
		err := b.ForEach(func(k, v []byte) error {
			if i < n && (!bytes.Equal(k, keys[i]) || !bytes.Equal(v, values[i])) {
				return fmt.Errorf("element %d is another", i)
			}
			i++
			return nil
		})
		for i, key := range keys { // by way of the branches
			if !bytes.Equal(b.Get(key), values[i]) {
				return fmt.Errorf("key %d is not found", i)
			}
		}
		if i != n {
			t.Errorf("%d elements, want %d", i, n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
