package gen

import (
	"fmt"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"unicode"

	"dsss/internal/limits"
)

// A Kind is one of the few shapes that everything shared is made of. A new shape is a new Kind: typeOf recognises it,
// table and emit learn to write it.
type Kind int

// The kinds.
const (
	Scalar Kind = iota // what stands inline: a boolean, integer, float or complex number, or a time.Time
	String
	Slice
	Array
	Map
	Struct
	Pointer // nil is kept; what two pointers share is written twice
	Binary  // a type with MarshalBinary and UnmarshalBinary
	Matrix  // a pointer to one of gonum's
)

// A Type is a Go type that can travel.
type Type struct {
	Kind   Kind
	Go     types.Type // as the program names it; nil for a mutator's arguments, whose struct we write
	Scalar scalar     // of a Scalar
	Key    *Type      // of a Map: a Scalar, a String, or an Array or Struct of such, at any depth; no time
	Elem   *Type      // of a Map, a Slice, an Array or a Pointer
	Len    int64      // of an Array
	Matrix string     // of a Matrix: Dense, VecDense or SymDense
	Fields []*Field   // of a Struct, in order of declaration; shared by all uses of the type

	// Of a Struct: its name in lock files, which other types have too that are named there, and in schemas and functions.
	// A struct of another package has its import path in the first and its package name in the second.
	LockName, Name string
	Class          string // name of the class whose state the struct is; empty for others
	At             token.Position
	KeyOf          string // a map that has it in its keys; empty when there is none
	// Retired are the fields that the lock remembers and the struct no longer has; Removed those of which the source
	// says so.
	Retired, Removed []*Field
	Renamed          []rename
}

// removed returns what the source says of a field that the struct no longer has; nil when nothing.
func (t *Type) removed(name string) *Field {
	for _, f := range t.Removed {
		if f.Go == name {
			return f
		}
	}
	return nil
}

// A Field is a field of a struct or a parameter of a mutator.
type Field struct {
	Go   string
	At   token.Position
	Type *Type  // nil for a retired field
	ID   int    // FlatBuffers' (id: N)
	Wire string // of a retired field: its type in the lock file
	Func string // of a retired field: the method that is called with what a state holds of it; empty for none
	Old  *Type  // of a retired field with Func: the type of the method's parameter
}

// A scalar is how a Go basic type looks in FlatBuffers.
type scalar struct {
	fbs    string // type name in a schema
	method string // what Builder and Table call it: Get<method>Slot
	bytes  int
}

var scalars = map[types.BasicKind]scalar{
	types.Bool:    {"bool", "Bool", 1},
	types.Int8:    {"byte", "Int8", 1},
	types.Int16:   {"short", "Int16", 2},
	types.Int32:   {"int", "Int32", 4},
	types.Int64:   {"long", "Int64", 8},
	types.Int:     {"long", "Int64", 8},
	types.Uint8:   {"ubyte", "Uint8", 1},
	types.Uint16:  {"ushort", "Uint16", 2},
	types.Uint32:  {"uint", "Uint32", 4},
	types.Uint64:  {"ulong", "Uint64", 8},
	types.Uint:    {"ulong", "Uint64", 8},
	types.Float32: {"float", "Float32", 4},
	types.Float64: {"double", "Float64", 8},

	types.Complex64:  {"Complex64", "Complex64", 8},
	types.Complex128: {"Complex128", "Complex128", 16},
}

var timeScalar = scalar{"GoTime", "Time", 16}

// isTime tells whether t is time.Time.
func (t *Type) isTime() bool { return t.Kind == Scalar && t.Scalar == timeScalar }

// isBool tells whether t is a boolean.
func (t *Type) isBool() bool { return t.Kind == Scalar && t.Scalar.method == "Bool" }

// isNumber tells whether t is what package flat calls a Number: the same in memory as on the wire.
func (t *Type) isNumber() bool { return t.Kind == Scalar && !t.isTime() && !t.isBool() }

// isSimple tells whether t is a number or boolean that has a place in a layout.
func (t *Type) isSimple() bool {
	return t.isBool() || t.isNumber() && !strings.HasPrefix(t.Scalar.method, "Complex")
}

// An analyser turns Go types into Types.
type analyser struct {
	m       *modeller
	structs map[string]*Type // by Go type; nil for those that were refused
	quiet   bool             // the reason goes to why instead of to the problems
	why     string
}

func newAnalyser(m *modeller) *analyser {
	return &analyser{m: m, structs: map[string]*Type{}}
}

// try is typeOf without problems: when t cannot travel it returns nil and the reason.
func (a *analyser) try(t types.Type) (*Type, string) {
	inner := &analyser{m: a.m, structs: map[string]*Type{}, quiet: true}
	found := inner.typeOf(t, "", token.NoPos)
	return found, inner.why
}

// typeOf returns t as a Type, or nil after having reported that owner, at pos, cannot have it.
func (a *analyser) typeOf(t types.Type, owner string, pos token.Pos) *Type {
	refuse := func(advice string) *Type {
		a.refuse(t, owner, pos, advice)
		return nil
	}
	if named, ok := types.Unalias(t).(*types.Named); ok {
		if advice := adviceAgainst(named); advice != "" {
			return refuse(advice)
		}
		if !a.visible(named.Obj()) {
			return refuse("its name is not exported there; use a type of your own")
		}
	}
	if known := wellKnown(t); known != nil {
		known.LockName = strings.ReplaceAll(types.TypeString(t, types.RelativeTo(a.m.src.types)), " ", "")
		return known
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch s, ok := scalars[u.Kind()]; {
		case ok:
			return &Type{Kind: Scalar, Go: t, Scalar: s}
		case u.Kind() == types.String:
			return &Type{Kind: String, Go: t}
		}
		return refuse(basicAdvice(u))
	case *types.Slice:
		elem := a.typeOf(u.Elem(), owner, pos)
		if elem == nil {
			return nil
		}
		return &Type{Kind: Slice, Go: t, Elem: elem}
	case *types.Map:
		return a.mapOf(t, u, owner, pos)
	case *types.Struct:
		return a.structOf(t, owner, pos)
	case *types.Pointer:
		if _, named := types.Unalias(t).(*types.Named); named {
			return refuse("use the pointer itself, without a name")
		}
		if elem := a.typeOf(u.Elem(), owner, pos); elem != nil {
			return &Type{Kind: Pointer, Go: t, Elem: elem}
		}
		return nil
	case *types.Chan:
		return refuse("channels live in one process; keep it outside, or use Await on the shared state")
	case *types.Signature:
		return refuse("functions live in one process; keep it outside")
	case *types.Interface:
		return refuse("use a concrete type")
	case *types.Array:
		if elem := a.typeOf(u.Elem(), owner, pos); elem != nil && !a.tooWide(t, owner, pos) {
			return &Type{Kind: Array, Go: t, Elem: elem, Len: u.Len()}
		}
		return nil
	}
	return refuse("use a type made of numbers, strings, slices, maps and structs")
}

// tooWide tells whether values of t are too large to be passed by value, having reported it.
func (a *analyser) tooWide(t types.Type, owner string, pos token.Pos) bool {
	size := types.SizesFor("gc", "amd64").Sizeof(t)
	if size > limits.ByValue {
		a.refuse(t, owner, pos, fmt.Sprintf("a value of it has %d bytes, and at most %d are passed by value; use slices, which may have any size", size, limits.ByValue))
	}
	return size > limits.ByValue
}

func (a *analyser) refuse(t types.Type, owner string, pos token.Pos, advice string) {
	name := types.TypeString(t, types.RelativeTo(a.m.src.types))
	if a.quiet {
		a.why = name
		return
	}
	a.m.problem(pos, "%s: %s cannot be shared; %s", owner, name, advice)
}

// visible tells whether generated code in the package can name obj.
func (a *analyser) visible(obj *types.TypeName) bool {
	return obj.Pkg() == nil || obj.Pkg() == a.m.src.types || obj.Exported()
}

func (a *analyser) structOf(t types.Type, owner string, pos token.Pos) *Type {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		a.refuse(t, owner, pos, "give the struct a name")
		return nil
	}
	obj := named.Obj()
	key := types.TypeString(t, nil)
	if known, ok := a.structs[key]; ok {
		return known // its fields may still be on their way, when it contains itself; nil when it was refused before
	}
	s := &Type{Kind: Struct, Go: named, LockName: obj.Name(), Name: obj.Name() + ofTypes(named)}
	if obj.Pkg() != a.m.src.types {
		s.LockName = obj.Pkg().Path() + "." + obj.Name()
		s.Name = upperFirst(obj.Pkg().Name()) + s.Name
	}
	if named.TypeArgs().Len() > 0 {
		text := types.TypeString(named, types.RelativeTo(a.m.src.types))
		s.LockName += strings.ReplaceAll(text[strings.Index(text, "["):], " ", "")
	}
	s.At = a.m.src.at(obj.Pos())
	a.structs[key] = s
	for _, d := range a.m.past[obj] {
		if d.word == "removed" {
			s.Removed = append(s.Removed, a.m.removedField(named, d))
		} else if r, ok := a.m.renamedField(named, d); ok {
			s.Renamed = append(s.Renamed, r)
		}
	}
	if !a.fields(s, named, owner, pos) || a.tooWide(t, owner, pos) {
		s = nil
	}
	a.structs[key] = s
	return s
}

// ofTypes is what the type arguments of a struct add to its name.
func ofTypes(named *types.Named) string {
	var b strings.Builder
	for i := range named.TypeArgs().Len() {
		b.WriteString([]string{"Of", "And"}[min(i, 1)])
		text := types.TypeString(named.TypeArgs().At(i), func(p *types.Package) string { return p.Name() })
		for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			b.WriteString(upperFirst(word))
		}
	}
	return b.String()
}

// fields reads the fields of the struct into s and tells whether all of them can travel. Problems
// are reported at the field, or at pos when the struct is of another package.
func (a *analyser) fields(s *Type, named *types.Named, owner string, pos token.Pos) bool {
	obj := named.Obj()
	own := obj.Pkg() == a.m.src.types
	st := named.Underlying().(*types.Struct)
	whole := true
	spelled := map[string]string{}
	for f := range st.Fields() {
		if !own && !f.Exported() && f.Name() != "_" {
			a.refuse(named, owner, pos, fmt.Sprintf("its field %s is not visible here; copy what you need into a struct of your own, or wrap it in a type with MarshalBinary and UnmarshalBinary", f.Name()))
			return false
		}
	}
	for i := range st.NumFields() {
		f := st.Field(i)
		if f.Name() == "_" {
			continue // holds no state
		}
		snake := snakeCase(f.Name())
		if other := spelled[snake]; other != "" && own && !a.quiet {
			a.m.problem(f.Pos(), "%s.%s: the schema would spell it like %s; rename one", obj.Name(), f.Name(), other)
			whole = false
		}
		spelled[snake] = f.Name()
		at, who := f.Pos(), obj.Name()+"."+f.Name()
		if !own {
			at, who = pos, owner+": "+obj.Pkg().Name()+"."+who
		}
		t := a.typeOf(f.Type(), who, at)
		if t == nil {
			whole = false
			continue
		}
		s.Fields = append(s.Fields, &Field{Go: f.Name(), Type: t, At: a.m.src.at(at)})
	}
	return whole
}

// adviceAgainst says what to do instead of sharing named, for types whose underlying type would say too little.
func adviceAgainst(named *types.Named) string {
	obj := named.Obj()
	if obj.Pkg() == nil {
		if obj.Name() == "error" {
			return "use a string"
		}
		return ""
	}
	switch path := obj.Pkg().Path(); {
	case path == "sync":
		return "the proxy locks; remove it"
	case path == "sync/atomic":
		return "mutators run alone; use a plain number or value"
	case path == "context" && obj.Name() == "Context":
		return "the proxy's method has a context of its own; remove it"
	case path == "dsss" && obj.Name() == "Order":
		return "dsss.Order is the first parameter of a mutator; keep what you need of it"
	}
	return ""
}

func basicAdvice(b *types.Basic) string {
	switch {
	case b.Kind() == types.Uintptr, b.Kind() == types.UnsafePointer:
		return "an address means nothing in another process; use uint64 for a number"
	}
	return "use a type made of numbers, strings, slices, maps and structs"
}

// fileBase is the file name, without extension, of what is written for a class.
func (c *Class) fileBase(dir string) string { return filepath.Join(dir, strings.ToLower(c.Go)) }
