// Package merging has mutators whose waiting calls merge.
package merging

// Stats is what many report to.
type Stats struct {
	Count, Sum int64
	Peak       float64
	Low        int32
	Bins       map[string]int64
	Seen       []int64
	Ticks      int64
	Text       string
}

// Report adds to the figures.
//
//dsss:mutator combine=sum(n,sum),max(peak),min(low)
func (s *Stats) Report(n, sum int64, peak float64, low int32) {
	s.Count += n
	s.Sum += sum
	s.Peak = max(s.Peak, peak)
	s.Low = min(s.Low, low)
}

// Bin adds to a bin.
//
//dsss:mutator combine=sum(n)
func (s *Stats) Bin(name string, deep bool, n int64) {
	if s.Bins == nil {
		s.Bins = map[string]int64{}
	}
	s.Bins[name] += n //dsss:allow a word to dsss vet is none of the generator's
}

// See notes values.
//
//dsss:mutator combine=bothSeen
func (s *Stats) See(values []int64) { s.Seen = append(s.Seen, values...) }

// bothSeen lets one call see what two would, unless that grows too long.
func bothSeen(earlier *[]int64, later []int64) bool {
	if len(*earlier)+len(later) > 4 {
		return false
	}
	*earlier = append(*earlier, later...)
	return true
}

// Tick counts, whatever else happens.
//
//dsss:mutator combine=sum(n) commutes
func (s *Stats) Tick(n int64) { s.Ticks += n }

// Note keeps the last text by the alphabet.
//
//dsss:mutator combine=larger commutes
func (s *Stats) Note(text string) { s.Text = max(s.Text, text) }

// larger makes one call of two.
func larger(earlier *string, later string) bool {
	*earlier = max(*earlier, later)
	return true
}

// Total is the count.
func (s *Stats) Total() int64 { return s.Count }
