package handwritten

import (
	"time"

	"dsss"
	"dsss/class"

	"cases/nearby"
)

type counter struct{ n int64 }

var registered = class.New("counter", class.StateCodec[counter]{})

var add = class.NewMutator(registered, 1, "Add", class.Codec[int64]{}, func(o class.Order, c *counter, d int64) (int64, error) {
	c.n += d
	c.n = dsss.Order(o).Time().Unix()
	c.n = time.Now().Unix() // want `mutator Add is not deterministic: calls time\.Now: use`
	return c.n, nil
})

var named = class.NewMutator(registered, 2, "Named", class.Codec[int64]{}, apply)

func apply(_ class.Order, c *counter, _ int64) (int64, error) {
	c.n = nearby.Clock() // want `mutator Named is not deterministic: calls time\.Now at`
	return c.n, nil
}

var far = class.NewMutator(elsewhere, 3, "Far", class.Codec[int64]{}, nearby.Apply) // want `mutator Far is not deterministic: calls time\.Now at cases/nearby/apply\.go:\d+: use`

var elsewhere = class.New("elsewhere", class.StateCodec[nearby.Store]{})

func register() {
	local := func(_ class.Order, c *counter, job *dsss.Job) (int, error) {
		return job.Rank(), nil // want `mutator Local is not deterministic: calls \(\*dsss\.Job\)\.Rank: a mutator may not use the job`
	}
	class.NewMutator(registered, 4, "Local", class.Codec[*dsss.Job]{}, local)
}
