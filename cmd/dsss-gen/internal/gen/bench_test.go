package gen

import (
	"bytes"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/cmd/dsss-gen/internal/gen/testdata/calls"
)

var data64 = bytes.Repeat([]byte("x"), 64)

// BenchmarkCodec measures the steps of two calls: two numbers, and 64 bytes.
func BenchmarkCodec(b *testing.B) {
	builder := flatbuffers.NewBuilder(256)
	two := bytes.Clone(calls.BuildTwo(builder, 1, 2))
	block := bytes.Clone(calls.BuildBytes(builder, data64))
	steps := []struct {
		name string
		step func() error
	}{
		{"two/build", func() error { calls.BuildTwo(builder, 1, 2); return nil }},
		{"two/verify", func() error { return calls.VerifyTwo(two) }},
		{"two/decode", func() error { _, _, err := calls.DecodeTwo(two); return err }},
		{"bytes64/build", func() error { calls.BuildBytes(builder, data64); return nil }},
		{"bytes64/verify", func() error { return calls.VerifyBytes(block) }},
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
	b := flatbuffers.NewBuilder(256)
	two := bytes.Clone(calls.BuildTwo(b, 1, 2))
	block := bytes.Clone(calls.BuildBytes(b, data64))
	for name, c := range map[string]struct {
		want float64
		step func()
	}{
		"two numbers, build":  {0, func() { calls.BuildTwo(b, 1, 2) }},
		"two numbers, decode": {0, func() { _, _, _ = calls.DecodeTwo(two) }},
		"64 bytes, build":     {0, func() { calls.BuildBytes(b, data64) }},
		"64 bytes, decode":    {1, func() { _, _ = calls.DecodeBytes(block) }},
	} {
		if got := testing.AllocsPerRun(100, c.step); got != c.want {
			t.Errorf("%s: %v allocations, want %v", name, got, c.want)
		}
	}
}
