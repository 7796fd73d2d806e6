package determinism

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"

	"dsss/internal/limits"
)

// A pkg is the analysis of one package: a graph whose nodes are charged with what their bodies mention.
type pkg struct {
	pass     *analysis.Pass
	files    []*ast.File
	nodes    []*node // in the order of the source
	byObject map[types.Object]*node
	byLit    map[*ast.FuncLit]*node
	parents  map[ast.Node]ast.Node
	silences silences

	returns    map[*types.Func]Params       // what their results share memory with, of what they are given
	deep       bool                         // root follows results of functions
	iterators  map[*types.Func]bool         // that go through a map in its order
	effects    map[*types.Func]Params       // what functions write to, of what they are given
	written    map[*types.Var]token.Pos     // package-level variables that are not constant
	writing    map[*ast.Ident]bool          // mentions of package-level variables that write to them
	locals     map[*types.Var][]ast.Expr    // what local variables may refer to
	hidden     map[*types.Var][]*types.Func // init functions that fill package-level variables
	types      []types.Type                 // named types that may implement an interface
	interfaces map[types.Type]*node         // what a call through an interface may run
	stored     map[*types.Var][]ast.Expr    // what is stored in fields of function types
}

// A node is something that can be charged: a declared function, a function literal, a package-level variable (with its
// initial value), a field of a function type (with what is stored in it), or an interface (with what implements it).
type node struct {
	object types.Object // nil for a literal or interface
	name   string       // empty for a literal
	at     Place
	body   ast.Node // nil when there is none
	decl   *ast.FuncDecl
	inits  []ast.Expr // of a variable or field

	sources   []*source
	edges     []edge
	variables []string // package-level variables that it reads and others can write; see reading.go
	// reach holds every source that this node comes to and the first edge on a shortest way, nil for its own; order
	// has the keys by length of the way.
	reach map[*source]*edge
	order []*source
}

// A source is a reason in the body of a node, or brought there by a call of another package.
type source struct {
	pos    token.Pos
	reason Reason
}

// An edge is a call, or what is as good as one.
type edge struct {
	pos token.Pos
	to  *node
	// allow silences what comes over the edge.
	allow *silence
}

func newPackage(pass *analysis.Pass) *pkg {
	p := &pkg{
		pass:       pass,
		files:      checked(pass),
		byObject:   map[types.Object]*node{},
		byLit:      map[*ast.FuncLit]*node{},
		parents:    map[ast.Node]ast.Node{},
		returns:    map[*types.Func]Params{},
		iterators:  map[*types.Func]bool{},
		effects:    map[*types.Func]Params{},
		written:    map[*types.Var]token.Pos{},
		writing:    map[*ast.Ident]bool{},
		locals:     map[*types.Var][]ast.Expr{},
		hidden:     map[*types.Var][]*types.Func{},
		interfaces: map[types.Type]*node{},
		stored:     map[*types.Var][]ast.Expr{},
	}
	p.silences = p.findSilences()
	for _, f := range p.files {
		p.findParents(f)
		for _, d := range f.Decls {
			p.declare(d)
		}
	}
	p.findTypes()
	p.findStored()
	return p
}

func (p *pkg) findParents(f *ast.File) {
	var stack []ast.Node
	ast.Inspect(f, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		if len(stack) > 0 {
			p.parents[n] = stack[len(stack)-1]
		}
		stack = append(stack, n)
		return true
	})
}

// declare makes the nodes of a declaration.
func (p *pkg) declare(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if fn, ok := p.pass.TypesInfo.Defs[d.Name].(*types.Func); ok {
			n := p.add(&node{object: fn, name: shortName(fn), at: p.place(d.Name.Pos()), decl: d})
			if d.Body != nil {
				n.body = d.Body
			}
		}
	case *ast.GenDecl:
		if d.Tok != token.VAR {
			return
		}
		for _, s := range d.Specs {
			spec := s.(*ast.ValueSpec)
			for i, name := range spec.Names {
				v, ok := p.pass.TypesInfo.Defs[name].(*types.Var)
				if !ok {
					continue
				}
				n := p.add(&node{object: v, name: v.Name(), at: p.place(name.Pos())})
				if len(spec.Values) == len(spec.Names) {
					n.inits = spec.Values[i : i+1]
				} else {
					n.inits = spec.Values
				}
			}
		}
	}
}

func (p *pkg) add(n *node) *node {
	p.nodes = append(p.nodes, n)
	if n.object != nil {
		p.byObject[n.object] = n
	}
	return n
}

// charge adds a reason to a node, unless it is silenced.
func (p *pkg) charge(n *node, pos token.Pos, c Category, what, hint string) {
	p.chargeReason(n, pos, Reason{Category: c, What: what, At: p.place(pos), Hint: hint})
}

func (p *pkg) chargeReason(n *node, pos token.Pos, r Reason) {
	if s := p.silences.at(p, pos); s != nil {
		s.used = true
		return
	}
	n.sources = append(n.sources, &source{pos, r})
}

func (p *pkg) connect(n *node, pos token.Pos, to *node) {
	if to != nil {
		n.edges = append(n.edges, edge{pos, to, p.silences.at(p, pos)})
	}
}

// propagate finds what every node comes to, breadth first from the sources back to the callers, so that ways are
// shortest and recursion ends.
func (p *pkg) propagate() {
	type call struct {
		by *node
		e  *edge
	}
	callers := map[*node][]call{}
	type arrival struct {
		n *node
		s *source
	}
	var queue []arrival
	reach := func(n *node, s *source, by *edge) {
		if n.reach == nil {
			n.reach = map[*source]*edge{}
		}
		if _, known := n.reach[s]; !known && len(n.order) < limits.VetReasons {
			n.reach[s] = by
			n.order = append(n.order, s)
			queue = append(queue, arrival{n, s})
		}
	}
	for _, n := range p.nodes {
		for i := range n.edges {
			if e := &n.edges[i]; e.allow == nil {
				callers[e.to] = append(callers[e.to], call{n, e})
			}
		}
		for _, s := range n.sources {
			// What a mutator does to its own object is no reason against who calls it.
			switch s.reason.Category {
			case Sharing, Result, Failure:
			default:
				reach(n, s, nil)
			}
		}
	}
	for len(queue) > 0 {
		a := queue[0]
		queue = queue[1:]
		for _, c := range callers[a.n] {
			reach(c.by, a.s, c.e)
		}
	}
	for _, n := range p.nodes {
		for _, e := range n.edges {
			if e.allow != nil && len(e.to.order) > 0 {
				e.allow.used = true
			}
		}
	}
}

// reasons returns why n, which has a name, is not deterministic, nearest first.
func (n *node) reasons(p *pkg) []Reason {
	var all []Reason
	for _, s := range n.order {
		r := s.reason
		r.Through = append(n.steps(p, s)[1:], r.Through...)
		all = append(all, r)
	}
	return all
}

// steps returns the named nodes on the way from n to a source, n included.
func (n *node) steps(p *pkg, s *source) []Step {
	var steps []Step
	for at := n; ; {
		if at.name != "" {
			steps = append(steps, Step{p.pass.Pkg.Path(), at.name, at.at})
		}
		by := at.reach[s]
		if by == nil {
			return steps
		}
		at = by.to
	}
}
