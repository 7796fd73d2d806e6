package gen

import (
	"fmt"
	"strings"
)

// An asked is what is written for one getter of a hosted object.
type asked struct {
	id           int    // by order
	variable     string // the class.Getter
	args, result *table // nil for none
	single       *Type  // of the one result; nil: there are none, or several
}

// hostedTables adds what travels to and from a host: arguments of getters and all results. One result is a box of its own;
// several are a struct that we write.
func (e *emitter) hostedTables(stem string) {
	c := e.class
	for _, m := range c.Mutators {
		if m.Result != nil && m.Replays == "" {
			e.results[m] = e.resultTable(stem, m.Name(), m.Result)
		}
	}
	for i, g := range c.Getters {
		q := &asked{id: i + 1, variable: e.names.fresh(stem + g.Go)}
		if len(g.Args.Fields) > 0 {
			q.args = e.tables.call(upperFirst(c.Go)+g.Go+"Args", "the arguments", g.Args)
			q.args.Struct = e.names.fresh(stem + g.Go + "Args")
		}
		if len(g.Values) > 0 {
			q.result = e.resultTable(stem, g.Go, g.Values...)
		}
		if len(g.Values) == 1 {
			q.single = g.Values[0]
		}
		e.asked[g] = q
	}
}

// resultTable returns the table of results, having added it and all that it leads to. They are the fields of a struct that we
// write, one alone, too, so that it has a layout where it can.
func (e *emitter) resultTable(stem, method string, results ...*Type) *table {
	all := &Type{Kind: Struct, At: results[0].At}
	for i, t := range results {
		all.Fields = append(all.Fields, &Field{Go: fmt.Sprintf("r%d", i), Type: t, ID: i})
	}
	call := "the result"
	if len(results) > 1 {
		call = "the results"
	}
	tb := e.tables.call(upperFirst(e.class.Go)+method+"Result", call, all)
	tb.Struct = e.names.fresh(stem + method + "Result")
	return tb
}

// hostedCodec is the codec of arguments or results, of which no schema is compared.
func (e *emitter) hostedCodec(tb *table) (goType, codec string) {
	if tb == nil {
		return "struct{}", e.classes() + ".Codec[struct{}]{}"
	}
	goType = e.goType(tb)
	return goType, fmt.Sprintf("%s.Codec[%s]{\nAppend: append%s,\nRead: decode%s,\n}", e.classes(), goType, tb.Go, tb.Go)
}

// resultCodec is the codec of results: of one alone it is that of its type.
func (e *emitter) resultCodec(tb *table, single *Type) (goType, codec string) {
	if tb == nil || single == nil {
		return e.hostedCodec(tb)
	}
	goType = e.typ(single.Go)
	return goType, fmt.Sprintf("%s.Codec[%s]{\nAppend: func(dst []byte, r %s) ([]byte, error) { return append%s(dst, %s{r}) },\n"+
		"Read: func(buf []byte) (%s, error) {\nr, err := decode%s(buf)\nreturn r.R0, err\n},\n}", e.classes(), goType, goType, tb.Go, tb.Struct, goType, tb.Go)
}

// returns is the call that says how results of m travel; empty when none does.
func (e *emitter) returns(m *Mutator) string {
	if e.results[m] == nil {
		return ""
	}
	_, codec := e.resultCodec(e.results[m], m.Result)
	return ".Returns(" + codec + ")"
}

// getterVariables registers the getters of a class that is hosted, with the functions that call them.
func (e *emitter) getterVariables() {
	for _, g := range e.class.Getters {
		if q := e.asked[g]; q != nil {
			e.p("")
			e.getterVariable(g, q)
		}
	}
}

func (e *emitter) getterVariable(g *Getter, q *asked) {
	argsType, args := e.hostedCodec(q.args)
	resultType, results := e.resultCodec(q.result, q.single)
	c, a, errName := e.local("c"), "_", e.local("err")
	if q.args != nil {
		a = e.local("a")
	}
	var values []string
	for i, f := range g.Args.Fields {
		value := a + "." + upperFirst(f.Go)
		if g.Variadic && i == len(g.Args.Fields)-1 {
			value += "..."
		}
		values = append(values, value)
	}
	call := fmt.Sprintf("%s.%s(%s)", c, g.Go, strings.Join(values, ", "))
	e.p("%s = %s.NewGetter(%s, %d, %q, %s, %s,", q.variable, e.classes(), e.classVar, q.id, g.Go, args, results)
	e.p("func(%s *%s, %s %s) (%s, error) {", c, e.class.Go, a, argsType, resultType)
	switch {
	case len(g.Values) == 0:
		e.p("return struct{}{}, %s", call)
	case len(g.Values) == 1 && g.Error:
		e.p("return %s", call)
	case len(g.Values) == 1:
		e.p("return %s, nil", call)
	default:
		var got, fields []string
		for i := range g.Values {
			r := e.local(fmt.Sprintf("r%d", i))
			got, fields = append(got, r), append(fields, fmt.Sprintf("R%d: %s", i, r))
		}
		err := "nil"
		if g.Error {
			err = errName
			got = append(got, err)
		}
		e.p("%s := %s\nreturn %s{%s}, %s", strings.Join(got, ", "), call, resultType, strings.Join(fields, ", "), err)
	}
	e.p("})")
}

// hostedProxy writes the proxy of hosted objects, its opener and its methods.
func (e *emitter) hostedProxy() {
	c, dsss, ctx := e.class, e.dsss(), e.context()
	proxy, stem := c.HostedProxy(), c.Go
	e.comment(fmt.Sprintf("%s is a hosted %s: the host and the keeper of the job hold it, workers have no copy. Mutators are ordered with\nall others of the job and run on the host; getters are questions to it. All methods take a context and may be called\nconcurrently; what they return is the caller's own. An error of the object's is a class.RemoteError.", proxy, stem))
	if c.Doc != "" {
		e.p("//")
		e.comment(c.Doc)
	}
	if len(c.Hidden) > 0 {
		e.p("//")
		e.comment("No part of it:")
		e.p("//")
		for _, h := range c.Hidden {
			e.p("//   - %s", h)
		}
	}
	e.p("type %s struct{ object *%s.Hosted[%s] }\n", proxy, dsss, stem)
	e.comment(fmt.Sprintf("%s returns the hosted object of that name, making it, as the zero %s, when no process has.", c.HostedOpener(), stem))
	e.p("func %s(ctx %s.Context, job *%s.Job, name string) (*%s, error) {", c.HostedOpener(), ctx, dsss, proxy)
	e.p("o, err := %s.OpenHosted(ctx, job, %s, name)", dsss, e.classVar)
	e.p("if err != nil {\nreturn nil, err\n}\nreturn &%s{o}, nil\n}\n", proxy)
	e.p("// Name returns the object's name.\nfunc (s *%s) Name() string { return s.object.Name() }\n", proxy)
	e.p("// Object returns the handle that the proxy wraps.\nfunc (s *%s) Object() *%s.Hosted[%s] { return s.object }\n", proxy, dsss, stem)
	for _, m := range c.Mutators {
		if m.Replays == "" {
			e.hostedMutator(m)
		}
	}
	for _, g := range c.Getters {
		e.hostedGetter(g, e.asked[g])
	}
}

// hostedMutator writes the synchronous and the asynchronous method.
func (e *emitter) hostedMutator(m *Mutator) {
	name, sig := m.Name(), e.signature(m, e.class.HostedProxy())
	e.methodComment(m.Doc, m.Go, name, fmt.Sprintf("%s calls %s.%s.", name, e.class.Go, m.Go))
	e.p("//")
	e.comment("A mutator: it runs on the host, and returns once it has, what it returned there.")
	e.syncMethod(m, sig, "CallHosted")
	e.p("// %sAsync is %s without the wait: the future resolves when the host has answered.", name, name)
	e.asyncMethod(m, sig, "GoHosted")
}

// hostedGetter writes the method that asks the host.
func (e *emitter) hostedGetter(g *Getter, q *asked) {
	used := map[string]bool{q.variable: true, e.dsss(): true, "nil": true}
	args := "struct{}{}"
	var params, values, results, got []string
	if q.args != nil {
		used[q.args.Struct] = true
		for i, f := range g.Args.Fields {
			name, goType := local(f.Go, used), e.typ(f.Type.Go)
			if g.Variadic && i == len(g.Args.Fields)-1 {
				goType = "..." + strings.TrimPrefix(goType, "[]")
			}
			params, values = append(params, name+" "+goType), append(values, upperFirst(f.Go)+": "+name)
		}
		args = q.args.Struct + "{" + strings.Join(values, ", ") + "}"
	}
	for i, t := range g.Values {
		results, got = append(results, e.typ(t.Go)), append(got, fmt.Sprintf("R%d", i))
	}
	s, ctx, r, err := local("s", used), local("ctx", used), local("r", used), local("err", used)
	list := strings.Join(append([]string{ctx + " " + e.context() + ".Context"}, params...), ", ")
	ask := fmt.Sprintf("%s.Ask(%s, %s.object, %s, %s)", e.dsss(), ctx, s, q.variable, args)
	e.methodComment(g.Doc, g.Go, g.Go, fmt.Sprintf("%s returns what %s.%s returns.", g.Go, e.class.Go, g.Go))
	e.p("//")
	e.comment("A getter: the host answers it, once all that was ordered before is applied. With an error, all else is zero.")
	e.p("func (%s *%s) %s(%s) (%s) {", s, e.class.HostedProxy(), g.Go, list, strings.Join(append(results, "error"), ", "))
	switch len(g.Values) {
	case 0:
		e.p("_, %s := %s\nreturn %s", err, ask, err)
	case 1:
		e.p("return %s", ask)
	default:
		e.p("%s, %s := %s\nreturn %s.%s, %s", r, err, ask, r, strings.Join(got, ", "+r+"."), err)
	}
	e.p("}\n")
}

// aboutHosted says in the schema what travels to and from the host.
func (e *emitter) aboutHosted(about map[*table]string) {
	for m, tb := range e.results {
		about[tb] = fmt.Sprintf("The result of mutator %d, %s.", m.ID, m.Name())
	}
	for g, q := range e.asked {
		for _, tb := range []*table{q.args, q.result} {
			if tb != nil {
				about[tb] = fmt.Sprintf("%s of getter %d, %s.", upperFirst(tb.Call), q.id, g.Go)
			}
		}
	}
}
