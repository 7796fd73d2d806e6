package random

import (
	crand "crypto/rand"
	"hash/maphash"
	"math/rand"
	randv2 "math/rand/v2"

	"dsss"
)

type T struct{ n int }

//dsss:mutator
func (t *T) Global(b []byte) {
	t.n = rand.Intn(6)                                // want `calls rand\.Intn: use Order\.Rand of a first parameter dsss\.Order`
	t.n = randv2.IntN(6)                              // want `calls rand\.IntN`
	randv2.Shuffle(t.n, func(i, j int) {})            // want `calls rand\.Shuffle`
	t.n = randv2.N(7)                                 // want `calls rand\.N:`
	crand.Read(b)                                     // want `calls rand\.Read`
	crand.Reader.Read(b)                              // want `uses rand\.Reader`
	t.n = int(maphash.String(maphash.MakeSeed(), "")) // want `calls maphash\.String` `calls maphash\.MakeSeed`
}

//dsss:mutator
func (t *T) Seeded(o dsss.Order) {
	t.n = o.Rand().IntN(6)
	r := randv2.New(randv2.NewPCG(1, o.Seq))
	r.Shuffle(t.n, func(i, j int) {})
	t.n = rand.New(rand.NewSource(int64(o.Seq))).Intn(6)
	z := randv2.NewZipf(r, 2, 1, 10)
	t.n = int(z.Uint64())
}
