package wal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dsss/internal/vfs"
)

// BenchmarkAppendSync appends groups of records and syncs each group, beside
// the same bytes written and synced to a plain file.
func BenchmarkAppendSync(b *testing.B) {
	for _, g := range []struct{ records, bytes int }{{1, 64}, {16, 4 << 10}, {64, 16 << 10}} {
		data := bytes.Repeat([]byte("x"), g.bytes)
		name := fmt.Sprintf("%dx%dB", g.records, g.bytes)
		b.Run("log/"+name, func(b *testing.B) {
			l, _ := openLog(b, b.TempDir(), Config{})
			group := make([]Record, g.records)
			b.SetBytes(int64(g.records * g.bytes))
			for b.Loop() {
				next := l.Next()
				for i := range group {
					group[i] = Record{First: next + uint64(i), Count: 1, Data: data}
				}
				if err := l.Append(group); err != nil {
					b.Fatal(err)
				}
				if err := l.Sync(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("plain/"+name, func(b *testing.B) {
			f, err := vfs.OS.OpenFile(filepath.Join(b.TempDir(), "plain"), os.O_RDWR|os.O_CREATE)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			group := bytes.Repeat(data, g.records)
			b.SetBytes(int64(len(group)))
			for off := int64(0); b.Loop(); off += int64(len(group)) {
				if _, err := f.WriteAt(group, off); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAppend appends without syncing, beside plain writes.
func BenchmarkAppend(b *testing.B) {
	data := bytes.Repeat([]byte("x"), 4<<10)
	b.Run("log", func(b *testing.B) {
		l, _ := openLog(b, b.TempDir(), Config{})
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if err := l.Append([]Record{{First: l.Next(), Count: 1, Data: data}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("plain", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "plain"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := f.Write(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
