package handwritten

import (
	"time"

	"dsss"

	"cases/nearby"
)

type counter struct{ n int64 }

var class = dsss.NewClass("counter", dsss.StateCodec[counter]{})

var add = dsss.NewMutator(class, 1, "Add", dsss.Codec[int64]{}, func(o dsss.Order, c *counter, d int64) (int64, error) {
	c.n += d
	c.n = o.Time().Unix()
	c.n = time.Now().Unix() // want `mutator Add is not deterministic: calls time\.Now: use`
	return c.n, nil
})

var named = dsss.NewMutator(class, 2, "Named", dsss.Codec[int64]{}, apply)

func apply(_ dsss.Order, c *counter, _ int64) (int64, error) {
	c.n = nearby.Clock() // want `mutator Named is not deterministic: calls time\.Now at`
	return c.n, nil
}

var far = dsss.NewMutator(elsewhere, 3, "Far", dsss.Codec[int64]{}, nearby.Apply) // want `mutator Far is not deterministic: calls time\.Now at cases/nearby/apply\.go:\d+: use`

var elsewhere = dsss.NewClass("elsewhere", dsss.StateCodec[nearby.Store]{})

func register() {
	local := func(_ dsss.Order, c *counter, job *dsss.Job) (int, error) {
		return job.Rank(), nil // want `mutator Local is not deterministic: calls \(\*dsss\.Job\)\.Rank: a mutator may not use the job`
	}
	dsss.NewMutator(class, 4, "Local", dsss.Codec[*dsss.Job]{}, local)
}
