package hosted

// T is refused for what its getters take and return.
//
//dsss:hosted
type T struct{ n int }

//dsss:mutator
func (t *T) Set(n int) { t.n = n }

//dsss:mutator
func (t *T) Chan() chan int { return nil }

type hidden struct{ c chan int }

type Spelled struct{ nodeID, node_id int }

func (t *T) Each(f func(int)) int               { return 0 }
func (t *T) Anything(v any) int                 { return 0 }
func (t *T) Second(a int, b func()) (int, bool) { return 0, false }
func (t *T) Iterate() func(func(int) bool)      { return nil }
func (t *T) Channel() (int, chan int)           { return 0, nil }
func (t *T) Deep() map[string][]hidden          { return nil }
func (t *T) ErrorFirst() (error, int)           { return nil, 0 }
func (t *T) TwoErrors() (error, error)          { return nil, nil }
func (t *T) Fields() Spelled                    { return Spelled{} }
func (t *T) Twice(nodeID, NodeID int) int       { return 0 }
func (t *T) Nothing(n int)                      {}
func (t *T) Changes() int                       { t.n++; return t.n }
func (t *T) View() int                          { return 0 }

//dsss:getter
func (t *T) Marked(f func()) int { return 0 }

// These are fine.
func (t *T) Value() (int, error) { return t.n, nil }
func (t *T) Check() error        { return nil }
func (t *T) unexported(f func()) {}

//dsss:local
func (t *T) Local(f func()) {}

// HostedT and OpenTHosted stand in the way.
type HostedT int

func OpenTHosted() {}

//dsss:hosted
type plain struct{}

//dsss:hosted yes
type Options struct{ n int }

//dsss:mutator
func (o *Options) Set(n int) { o.n = n }

//dsss:hosted
func (o *Options) Method() int { return o.n }

//dsss:hosted
type Generic[E any] struct{ e E }

//dsss:mutator
func (g *Generic[E]) Set(e E) { g.e = e }

type IntGeneric = Generic[int]

//dsss:hosted
type A struct{ n int }

//dsss:mutator
func (a *A) Set(n int) { a.n = n }

type AHosted struct{ n int }

//dsss:mutator
func (a *AHosted) Set(n int) { a.n = n }
