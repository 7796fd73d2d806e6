package snapshot

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"dsss/internal/vfs"
)

// BenchmarkCheckpoint writes, syncs and verifies a checkpoint of 64 MiB, opens
// it, and writes and syncs the same bytes to a plain file.
func BenchmarkCheckpoint(b *testing.B) {
	const total = 64 << 20
	for _, size := range []int{1 << 20, 256} {
		chunk := bytes.Repeat([]byte("x"), size)
		name := fmt.Sprintf("%dB", size)
		dir := b.TempDir()
		b.Run("write/"+name, func(b *testing.B) {
			b.SetBytes(total)
			for b.Loop() {
				w, err := Store{Dir: dir}.Create(Meta{Seq: 1, Time: time.Unix(0, 0)})
				if err != nil {
					b.Fatal(err)
				}
				if err := w.BeginObject(Object{ID: 1}); err != nil {
					b.Fatal(err)
				}
				for range total / size {
					if err := w.Chunk(chunk); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := w.Commit(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("open/"+name, func(b *testing.B) {
			b.SetBytes(total)
			for b.Loop() {
				r, err := Store{Dir: dir}.Newest(nil)
				if err != nil {
					b.Fatal(err)
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("plain/"+name, func(b *testing.B) {
			b.SetBytes(total)
			path := filepath.Join(b.TempDir(), "plain")
			whole := bytes.Repeat(chunk, total/size)
			for b.Loop() {
				if err := vfs.WriteFile(vfs.OS, path, whole); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
