package gen

import (
	"bytes"
	"testing"

	"dsss/cmd/dsss-gen/internal/gen/testdata/calls"
)

var data64 = bytes.Repeat([]byte("x"), 64)

// BenchmarkCodec measures the steps of two calls: two numbers, and 64 bytes.
func BenchmarkCodec(b *testing.B) {
	dst := make([]byte, 0, 256)
	two, _ := calls.AppendTwo(nil, 1, 2)
	block, _ := calls.AppendBytes(nil, data64)
	steps := []struct {
		name string
		step func() error
	}{
		{"two/append", func() error { _, err := calls.AppendTwo(dst, 1, 2); return err }},
		{"two/general", func() error { _, _, err := calls.ReadTwo(two); return err }},
		{"two/decode", func() error { _, _, err := calls.DecodeTwo(two); return err }},
		{"bytes64/append", func() error { _, err := calls.AppendBytes(dst, data64); return err }},
		{"bytes64/general", func() error { _, err := calls.ReadBytes(block); return err }},
		{"bytes64/decode", func() error { _, err := calls.DecodeBytes(block); return err }},
	}
	for _, s := range steps {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.step(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestCallAllocations: a call of two numbers is built, verified and read without an allocation; 64 bytes are read with
// the one that holds them.
func TestCallAllocations(t *testing.T) {
	dst := make([]byte, 0, 256)
	two, _ := calls.AppendTwo(nil, 1, 2)
	block, _ := calls.AppendBytes(nil, data64)
	for name, c := range map[string]struct {
		want float64
		step func()
	}{
		"two numbers, append": {0, func() { _, _ = calls.AppendTwo(dst, 1, 2) }},
		"two numbers, decode": {0, func() { _, _, _ = calls.DecodeTwo(two) }},
		"64 bytes, append":    {0, func() { _, _ = calls.AppendBytes(dst, data64) }},
		"64 bytes, decode":    {1, func() { _, _ = calls.DecodeBytes(block) }},
	} {
		if got := testing.AllocsPerRun(100, c.step); got != c.want {
			t.Errorf("%s: %v allocations, want %v", name, got, c.want)
		}
	}
}
