package determinism

import (
	"go/types"
)

// readers are types of the standard library whose methods with pointer receivers do not change them. All other such
// methods are taken to do so.
var readers = map[string]bool{
	"regexp.Regexp": true, "strings.Replacer": true, "text/template.Template": true, "html/template.Template": true,
	"time.Location": true, "encoding/base64.Encoding": true, "encoding/base32.Encoding": true, "unicode.RangeTable": true,
	"net/url.URL": true, "net/url.Userinfo": true, "net.IPNet": true, "sync.Mutex": true,
	"sync.RWMutex": true, "sync.WaitGroup": true, "sync.Cond": true, "sync.Once": true, "sync.Pool": true, // they have categories
	"os.File": true, "log.Logger": true,
}

// bigReaders are the methods of math/big that only read; the others set their receiver.
var bigReaders = []string{"Cmp*", "Sign", "Bit", "BitLen", "Bits", "Bytes", "FillBytes", "Int64", "Uint64", "Float*", "Is*",
	"String", "Text", "Append*", "TrailingZeroBits", "ProbablyPrime", "Format", "Marshal*", "Num", "Denom", "RatString", "Prec", "Mode", "Acc", "MantExp", "MinPrec", "Signbit"}

// matReaders are the methods of gonum's matrices that only read.
var matReaders = []string{"At*", "Caps", "Cap", "ColView", "Dims", "DiagView", "IsEmpty", "Len", "Norm", "Raw*", "RowView", "Slice*",
	"T", "TVec", "TTri", "Trace", "Symmetric*", "Marshal*", "Bandwidth", "Triangle", "Diag", "Det", "LogDet", "Cond"}

// writers are functions that write to what they are given, with the number of that parameter, from 1.
var writers = map[string]Params{
	"sort.Sort": bit(1), "sort.Stable": bit(1), "sort.Slice": bit(1), "sort.SliceStable": bit(1), "sort.Ints": bit(1),
	"sort.Strings": bit(1), "sort.Float64s": bit(1),
	"slices.Sort": bit(1), "slices.SortFunc": bit(1), "slices.SortStableFunc": bit(1), "slices.Reverse": bit(1),
	"slices.Delete": bit(1), "slices.DeleteFunc": bit(1), "slices.Insert": bit(1), "slices.Replace": bit(1),
	"slices.Compact": bit(1), "slices.CompactFunc": bit(1),
	"maps.Copy": bit(1), "maps.Insert": bit(1), "maps.DeleteFunc": bit(1),
	"container/heap.Push": bit(1), "container/heap.Pop": bit(1), "container/heap.Init": bit(1), "container/heap.Fix": bit(1),
	"container/heap.Remove": bit(1),
	"fmt.Fprint":            bit(1), "fmt.Fprintf": bit(1), "fmt.Fprintln": bit(1), "io.WriteString": bit(1), "io.Copy": bit(1) | bit(2),
	"io.CopyN": bit(1) | bit(2), "io.ReadFull": bit(1) | bit(2), "io.ReadAll": bit(1), "io.ReadAtLeast": bit(1) | bit(2),
	"encoding/binary.Write": bit(1), "encoding/binary.Read": bit(1) | bit(3), "encoding/json.Unmarshal": bit(2),
	"encoding/xml.Unmarshal": bit(2), "fmt.Sscan": bit(2), "fmt.Sscanf": bit(3), "fmt.Sscanln": bit(2), "fmt.Fscan": bit(1) | bit(2),
	"errors.As": bit(2), "encoding/binary.PutUvarint": bit(1),
	"gonum.org/v1/gonum/floats.Add": bit(1), "gonum.org/v1/gonum/floats.AddConst": bit(2), "gonum.org/v1/gonum/floats.AddScaled": bit(1),
	"gonum.org/v1/gonum/floats.Sub": bit(1), "gonum.org/v1/gonum/floats.Mul": bit(1), "gonum.org/v1/gonum/floats.Div": bit(1),
	"gonum.org/v1/gonum/floats.Scale": bit(2), "gonum.org/v1/gonum/floats.Reverse": bit(1),
	"encoding/binary.PutVarint": bit(1), "encoding/hex.Encode": bit(1), "encoding/hex.Decode": bit(1),
}

// trustedEffects returns what a function that is not followed writes to.
func trustedEffects(fn *types.Func) Params {
	path := fn.Pkg().Path()
	recv := fn.Signature().Recv()
	if recv == nil {
		if path == "sync/atomic" && !match("Load*", fn.Name()) {
			return bit(1)
		}
		return writers[path+"."+fn.Name()]
	}
	ptr, ok := recv.Type().(*types.Pointer)
	if !ok {
		return 0
	}
	switch {
	case readers[path+"."+typeName(ptr.Elem())]:
		return 0
	case path == "gonum.org/v1/gonum/mat" && matchAny(matReaders, fn.Name()):
		return 0
	case path == "math/big" && matchAny(bigReaders, fn.Name()):
		return 0
	case path == "sync/atomic" && fn.Name() == "Load", path == "sync" && match("Unlock", fn.Name()):
		return 0
	}
	return bit(0)
}
