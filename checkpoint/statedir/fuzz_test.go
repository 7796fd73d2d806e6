package statedir

import (
	"path/filepath"
	"testing"
)

// FuzzJob feeds arbitrary bytes to the job record.
func FuzzJob(f *testing.F) {
	f.Add([]byte(`{"format":7,"name":"a","log":{"id":"7","next":3},"status":"running","classes":[{"Name":"C","fingerprint":"00ff"}],"voids":[18446744073709551615]}`))
	f.Add([]byte(`{"format":3}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"classes":[{"fingerprint":"-1"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		writeBytes(t, filepath.Join(dir, jobFile), b)
		if _, ok, err := Peek(dir); ok == (err != nil) {
			t.Fatalf("Peek: %v, %v", ok, err)
		}
	})
}
