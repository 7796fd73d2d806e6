package signatures

import (
	"context"

	"dsss"
)

type T struct{ n int }

//dsss:mutator
func (t T) Value() {}

//dsss:mutator
func (t *T) Two() (int, int, error) { return 0, 0, nil }

//dsss:mutator
func (t *T) ErrorFirst() (error, int) { return nil, 0 }

//dsss:mutator
func (t *T) Unnamed(int, _ string) {}

//dsss:mutator
func (t *T) Late(n int, o dsss.Order) {}

//dsss:mutator
func (t *T) Ctx(ctx context.Context, n int) {}

//dsss:mutator
func (t *T) Pointer(p *T) *T { return p }

//dsss:mutator
func (t *T) Spelled(nodeID, node_id, NodeID int) {}

//dsss:mutator id=0
func (t *T) Zero() {}

//dsss:mutator id=many
func (t *T) Many() {}
