// Package clean has a shared object that is deterministic.
package clean

// Sum is shared by all processes.
type Sum struct{ total int64 }

// Add adds.
//
//dsss:mutator
func (s *Sum) Add(n int64) { s.total += n }
