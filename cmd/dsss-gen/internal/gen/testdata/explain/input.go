// Package explain has calls that could be combined and calls that could not.
package explain

// Stats are the statistics of a run.
type Stats struct {
	n, sum, most, least int64
	bins                [16]int64
	byName              map[string]int64
	seen                uint64
	log                 []string
	text                string
}

//dsss:mutator
func (s *Stats) Count() { s.n++ }

//dsss:mutator
func (s *Stats) Add(x int64) {
	s.n++
	s.sum += x
	s.most = max(s.most, x)
	s.least = min(x, s.least)
}

//dsss:mutator
func (s *Stats) Bin(i int, d int64) { s.bins[i] += d * 2 }

//dsss:mutator
func (s *Stats) Take(name string, d int32) { s.byName[name] -= int64(d) }

//dsss:mutator
func (s *Stats) See(bits uint64) { s.seen |= bits }

//dsss:mutator
func (s *Stats) Self(x int64) { s.sum += s.n * x }

//dsss:mutator
func (s *Stats) Next(x int64) { s.bins[s.n] += x }

//dsss:mutator
func (s *Stats) Result(x int64) int64 { s.sum += x; return s.sum }

//dsss:mutator
func (s *Stats) Log(line string) { s.log = append(s.log, line) }

//dsss:mutator
func (s *Stats) Text(more string) { s.text += more }

//dsss:mutator
func (s *Stats) Set(x int64) { s.sum = x }

//dsss:mutator
func (s *Stats) Branch(x int64, lists [][]string) {
	if x > 0 {
		s.sum += x
	}
}

//dsss:mutator
func (s *Stats) Twice(x int64) {
	s.sum += x
	s.sum = max(s.sum, x)
}

//dsss:mutator combine=sum(x)
func (s *Stats) Plus(x int64) { s.sum += x }

//dsss:mutator combine=sum(x) commutes
func (s *Stats) Tick(x int64) { s.n += x }
