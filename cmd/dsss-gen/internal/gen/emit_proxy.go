package gen

import (
	"fmt"
	"go/types"
	"slices"
	"strings"

	"dsss/class"
)

// generatedForm is the constant of package class that generated files use.
const generatedForm = "RunGoGenerateIfUndefined2"

// It is there: this does not compile when it and the name differ.
const _ = class.RunGoGenerateIfUndefined2

// registration writes the class, its mutators and the structs of their arguments.
func (e *emitter) registration() {
	c, classes := e.class, e.classes()
	e.p("// A file that another dsss-gen wrote does not compile here: run go generate.")
	e.p("const _ = %s.%s\n", classes, generatedForm)
	e.p("// Class %s and its mutators, known to every process that holds this package.", c.Name)
	e.p("var (")
	e.p("%s = %s.New(%q, %s.StateCodec[%s]{", e.classVar, classes, c.Name, classes, c.Go)
	e.p("Schema: %s,", e.rootVar[e.state])
	e.p("Save: save%s,\nLoad: load%s,\n}).IDs(%s)", e.state.Go, e.state.Go, e.idsVar)
	for _, m := range c.Mutators {
		e.p("")
		e.mutatorVariable(m)
	}
	e.getterVariables()
	e.p(")\n")
	for _, m := range c.Mutators {
		e.callStruct(e.args[m], m.Go)
		e.callStruct(e.results[m], m.Go)
	}
	for _, g := range c.Getters {
		if q := e.asked[g]; q != nil {
			e.callStruct(q.args, g.Go)
			e.callStruct(q.result, g.Go)
		}
	}
}

// callStruct writes the struct of a call's table, if there is one.
func (e *emitter) callStruct(tb *table, method string) {
	if tb == nil || tb.Struct == "" {
		return
	}
	verb := "are"
	if tb.Call == "the result" {
		verb = "is"
	}
	e.p("// %s %s %s of %s.%s.", tb.Struct, verb, tb.Call, e.class.Go, method)
	e.p("type %s struct {", tb.Struct)
	for _, f := range tb.Type.Fields {
		e.p("%s %s `json:%q`", upperFirst(f.Go), e.typ(f.Type.Go), f.Go)
	}
	e.p("}\n")
}

// mutatorVariable registers one mutator, with the function that applies it.
func (e *emitter) mutatorVariable(m *Mutator) {
	c, classes := e.class, e.classes()
	argsType, codec, argsName := "struct{}", classes+".Codec[struct{}]{}", "_"
	if tb := e.args[m]; tb != nil {
		argsType, argsName = tb.Struct, "a"
		codec = fmt.Sprintf("%s.Codec[%s]{\nSchema: %s,\nAppend: append%s,\nRead: decode%s,\n}", classes, tb.Struct, e.rootVar[tb], tb.Go, tb.Go)
	}
	order, call := "_", []string{}
	if m.Order {
		order, call = "o", []string{e.dsss() + ".Order(o)"}
	}
	for i, f := range m.Args.Fields {
		arg := "a." + upperFirst(f.Go)
		if m.Variadic && i == len(m.Args.Fields)-1 {
			arg += "..."
		}
		call = append(call, arg)
	}
	e.p("%s = %s.NewMutator(%s, %d, %q, %s,", e.mutatorVar[m], classes, e.classVar, m.ID, m.Name(), codec)
	e.p("func(%s %s.Order, c *%s, %s %s) (%s, error) {", order, classes, c.Go, argsName, argsType, e.result(m))
	invoke := fmt.Sprintf("c.%s(%s)", m.Go, strings.Join(call, ", "))
	switch {
	case m.Result == nil && m.Error:
		e.p("return struct{}{}, %s", invoke)
	case m.Result == nil:
		e.p("%s\nreturn struct{}{}, nil", invoke)
	case !m.Error:
		e.p("return %s, nil", invoke)
	default:
		e.p("return %s", invoke)
	}
	switch {
	case m.Merge != nil:
		e.mergeFunction(m, argsType)
	case m.Result != nil && refers(m.Result):
		e.p("}).CopyResult(%s)%s", e.copyFunction(m.Result), e.returns(m))
	default:
		e.p("})%s", e.returns(m))
	}
}

// result is the Go type of what a future of the mutator yields.
func (e *emitter) result(m *Mutator) string {
	if m.Result == nil {
		return "struct{}"
	}
	return e.typ(m.Result.Go)
}

// proxy writes the proxy type, its opener and its methods, and the state codec.
func (e *emitter) proxy() {
	c, dsss, ctx := e.class, e.dsss(), e.context()
	proxy, stem := c.Proxy(), c.Go
	e.comment(fmt.Sprintf("%s is a shared %s: every process of the job holds a copy of it, and all copies go through the same\nmutations in the same order. Mutators take a context; other methods read this process's copy, and what they return is\nthe caller's own. All methods may be called concurrently.", proxy, stem))
	if c.Doc != "" {
		e.p("//")
		e.comment(c.Doc)
	}
	if len(c.Hidden) > 0 {
		e.p("//")
		e.comment("No part of it, and to be reached through View if they only read:")
		e.p("//")
		for _, h := range c.Hidden {
			e.p("//   - %s", h)
		}
	}
	e.p("type %s struct{ object *%s.Object[%s] }\n", proxy, dsss, stem)
	e.comment(fmt.Sprintf("%s returns the object of that name, making it, as the zero %s, when no process has.", c.Opener(), stem))
	e.p("func %s(ctx %s.Context, job *%s.Job, name string) (*%s, error) {", c.Opener(), ctx, dsss, proxy)
	e.p("o, err := %s.Open(ctx, job, %s, name)", dsss, e.classVar)
	e.p("if err != nil {\nreturn nil, err\n}\nreturn &%s{o}, nil\n}\n", proxy)

	e.p("// Name returns the object's name.\nfunc (s *%s) Name() string { return s.object.Name() }\n", proxy)
	e.p("// Object returns the handle that the proxy wraps.\nfunc (s *%s) Object() *%s.Object[%s] { return s.object }\n", proxy, dsss, stem)
	e.comment("View calls f with this process's copy, between mutations. f must only read, and must neither keep what it sees nor\ncall the proxy.")
	e.p("func (s *%s) View(f func(*%s)) { s.object.View(f) }\n", proxy, stem)
	e.comment("Await returns nil once ready has returned true of this process's copy; it asks again after each change. ready\nfollows View's rules. When ctx ends first, the error says so.")
	e.p("func (s *%s) Await(ctx %s.Context, ready func(*%s) bool) error {\nreturn s.object.Await(ctx, ready)\n}\n", proxy, ctx, stem)
	for _, m := range c.Mutators {
		if m.Replays == "" {
			e.mutatorMethods(m)
		}
	}
	for _, g := range c.Getters {
		e.getterMethod(g)
	}
	e.stateCodec()
}

// A signature is what the methods of a proxy for one mutator have in common.
type signature struct {
	receiver, list string                  // with parentheses and without
	call           func(how string) string // calls the function of package dsss with the arguments
}

func (e *emitter) signature(m *Mutator, proxy string) signature {
	used := map[string]bool{e.mutatorVar[m]: true, e.dsss(): true, "nil": true, "err": true}
	if tb := e.args[m]; tb != nil {
		used[tb.Struct] = true
	}
	var params, values []string
	for i, f := range m.Args.Fields {
		name, goType := local(f.Go, used), e.typ(f.Type.Go)
		if m.Variadic && i == len(m.Args.Fields)-1 {
			goType = "..." + strings.TrimPrefix(goType, "[]")
		}
		params = append(params, name+" "+goType)
		values = append(values, upperFirst(f.Go)+": "+name)
	}
	s, ctx := local("s", used), local("ctx", used)
	list := strings.Join(append([]string{ctx + " " + e.context() + ".Context"}, params...), ", ")
	args := "struct{}{}"
	if tb := e.args[m]; tb != nil {
		args = tb.Struct + "{" + strings.Join(values, ", ") + "}"
	}
	return signature{
		receiver: fmt.Sprintf("(%s *%s)", s, proxy),
		list:     list,
		call: func(how string) string {
			return fmt.Sprintf("%s.%s(%s, %s.object, %s, %s)", e.dsss(), how, ctx, s, e.mutatorVar[m], args)
		},
	}
}

// mutatorMethods writes the synchronous and the asynchronous method.
func (e *emitter) mutatorMethods(m *Mutator) {
	name, sig := m.Name(), e.signature(m, e.class.Proxy())
	e.methodComment(m.Doc, m.Go, name, fmt.Sprintf("%s calls %s.%s.", name, e.class.Go, m.Go))
	e.p("//")
	e.comment("A mutator: it runs on every process's copy, and returns once it has run on this one's, what it returned there.")
	e.syncMethod(m, sig, "Call")
	e.p("// %sAsync is %s without the wait: the future resolves when it has run on this process's copy.", name, name)
	e.asyncMethod(m, sig, "Go")
	if m.Merge != nil {
		e.comment(fmt.Sprintf("Post%s starts %s and forgets it; Job.Flush waits for all that were posted.\n%s", name, name, m.Merge.says()))
		e.p("func %s Post%s(%s) error {\nreturn %s\n}\n", sig.receiver, name, sig.list, sig.call("Post"))
	}
}

func (e *emitter) syncMethod(m *Mutator, sig signature, how string) {
	if m.Result == nil {
		e.p("func %s %s(%s) error {\n_, err := %s\nreturn err\n}\n", sig.receiver, m.Name(), sig.list, sig.call(how))
	} else {
		e.p("func %s %s(%s) (%s, error) {\nreturn %s\n}\n", sig.receiver, m.Name(), sig.list, e.result(m), sig.call(how))
	}
}

func (e *emitter) asyncMethod(m *Mutator, sig signature, how string) {
	e.p("func %s %sAsync(%s) *%s.Future[%s] {\nreturn %s\n}\n", sig.receiver, m.Name(), sig.list, e.dsss(), e.result(m), sig.call(how))
}

// methodComment writes the user's doc comment, about name in place of goName, or else instead.
func (e *emitter) methodComment(doc, goName, name, instead string) {
	if doc == "" {
		doc = instead
	}
	if rest, ok := strings.CutPrefix(doc, goName+" "); ok {
		doc = name + " " + rest
	}
	e.comment(doc)
}

// getterMethod writes the method that calls a getter under the replica's read lock.
func (e *emitter) getterMethod(g *Getter) {
	used := map[string]bool{"slices": true, "maps": true}
	for _, c := range e.copiers {
		used[c.name] = true
	}
	var params, values []string
	for i, p := range g.Params {
		name, goType, value := p.Name(), e.typ(p.Type()), ""
		if name == "" || name == "_" {
			name = fmt.Sprintf("p%d", i)
		}
		name = local(name, used)
		value = name
		if g.Variadic && i == len(g.Params)-1 {
			goType = "..." + e.typ(p.Type().(*types.Slice).Elem())
			value += "..."
		}
		params, values = append(params, name+" "+goType), append(values, value)
	}
	s, c := local("s", used), local("c", used)
	var results, got, copies []string
	for i, t := range g.Results {
		r := local(fmt.Sprintf("r%d", i), used)
		got = append(got, r)
		if t == nil {
			results, copies = append(results, "error"), append(copies, r)
			continue
		}
		results, copies = append(results, e.typ(t.Go)), append(copies, e.copied(t, r))
	}
	list := strings.Join(results, ", ")
	if len(results) > 1 {
		list = "(" + list + ")"
	}
	e.methodComment(g.Doc, g.Go, g.Go, fmt.Sprintf("%s returns what %s.%s returns of this process's copy.", g.Go, e.class.Go, g.Go))
	e.p("func (%s *%s) %s(%s) %s {", s, e.class.Proxy(), g.Go, strings.Join(params, ", "), list)
	e.p("%s := %s.object.RLock()\ndefer %s.object.RUnlock()", c, s, s)
	call := fmt.Sprintf("%s.%s(%s)", c, g.Go, strings.Join(values, ", "))
	switch {
	case slices.Equal(got, copies):
		e.p("return %s", call)
	case len(got) == 1:
		e.p("return %s", e.copied(g.Results[0], call))
	default:
		e.p("%s := %s\nreturn %s", strings.Join(got, ", "), call, strings.Join(copies, ", "))
	}
	e.p("}\n")
}
