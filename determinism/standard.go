package determinism

import (
	"go/types"
	"strings"
)

// A rule says which functions and variables of a package a mutator may not use. Names are "F", "T.M" for a method of T
// or *T, and may hold one "*", which stands for anything.
type rule struct {
	// all is the category of everything but allow; empty when only except is reported.
	all   Category
	allow []string
	// except goes before all, and its first pattern that fits counts.
	except []exception
}

type exception struct {
	category Category
	names    []string
}

func only(c Category, names ...string) rule { return rule{}.and(c, names...) }

func (r rule) and(c Category, names ...string) rule {
	r.except = append(r.except, exception{c, names})
	return r
}

func (r rule) allowing(names ...string) rule {
	r.allow = append(r.allow, names...)
	return r
}

func every(c Category, but ...string) rule { return rule{all: c, allow: but} }

// pure is the rule of packages whose results depend on nothing but what they are given. Those that read or write do so
// with a reader or writer that they are given.
var pure = rule{}

// standard has a rule for every package of the standard library that a program may import; a test holds it complete.
// A folder that is followed by "/..." stands for what lies below it and has no rule of its own.
var standard = map[string]rule{
	"archive/...": pure, "bufio": pure, "bytes": pure, "cmp": pure, "compress/...": pure, "container/...": pure,
	"context": only(Clock, "WithTimeout*", "WithDeadline*").and(Goroutine, "AfterFunc"),
	"crypto":  pure, "crypto/...": pure, "crypto/rand": every(Random), "crypto/tls": every(IO),
	"crypto/x509": only(IO, "SystemCertPool", "Certificate.Verify").and(Random, "Create*", "EncryptPEMBlock"),
	"crypto/rsa":  every(Random, "Verify*", "PublicKey.*"), "crypto/ecdsa": every(Random, "Verify*", "PublicKey.*"),
	"crypto/dsa": every(Random, "Verify"), "crypto/ecdh": only(Random, "*.GenerateKey"), "crypto/elliptic": only(Random, "GenerateKey"),
	"crypto/ed25519": only(Random, "GenerateKey"), "crypto/hpke": every(Random), "crypto/mlkem": only(Random, "Generate*", "*.Encapsulate"),
	"crypto/mlkem/mlkemtest": pure, "crypto/fips140": every(Environment),
	"database/sql": every(IO), "database/sql/driver": pure, "debug/...": pure, "debug/buildinfo": every(IO), "embed": pure,
	"encoding": pure, "encoding/...": pure,
	"encoding/gob": only(Global, "Encoder.*", "NewEncoder"), // type ids count up over the whole process
	"errors":       pure, "expvar": every(Global), "flag": every(Environment),
	"fmt":    only(IO, "Print*", "Scan", "Scanf", "Scanln"), // addresses: see print.go
	"go/...": pure, "go/build": every(IO), "go/build/constraint": pure, "go/importer": every(IO), "go/parser": only(IO, "ParseDir"),
	"hash": pure, "hash/...": pure, "hash/maphash": every(Random), "html": pure,
	"html/template": only(IO, "Parse*", "Template.Parse*").allowing("Template.Parse"),
	"image":         pure, "image/...": pure, "index/suffixarray": pure,
	"io": only(Channel, "Pipe"), "io/fs": pure, "io/ioutil": every(IO, "ReadAll", "NopCloser"), "iter": pure,
	"log": every(IO), "log/...": every(IO), "maps": pure /* order: see maporder.go */, "math": pure, "math/big": pure, "math/bits": pure, "math/cmplx": pure,
	"math/rand": every(Random, "New*", "Rand.*", "Zipf.*"), "math/rand/v2": every(Random, "New*", "Rand.*", "Zipf.*", "PCG.*", "ChaCha8.*"),
	"mime": only(IO, "TypeByExtension", "ExtensionsByType", "AddExtensionType"), "mime/multipart": only(Random, "NewWriter"), "mime/quotedprintable": pure,
	"net":          every(IO, "IP.*", "IPNet.*", "IPMask.*", "Parse*", "JoinHostPort", "SplitHostPort", "CIDRMask", "IPv4*", "*.Error", "*.String"),
	"net/http":     every(IO, "StatusText", "CanonicalHeaderKey", "Header.*", "DetectContentType", "ParseHTTPVersion", "ParseTime", "*.String"),
	"net/http/...": every(IO), "net/mail": pure, "net/netip": pure, "net/rpc": every(IO), "net/rpc/jsonrpc": every(IO), "net/smtp": every(IO), "net/textproto": pure, "net/url": pure,
	"os": every(IO, "Is*", "FileMode.*", "*.Error", "*.Unwrap", "NewSyscallError").and(Environment, "Args", "Getenv", "LookupEnv", "Environ", "Setenv",
		"Unsetenv", "Clearenv", "ExpandEnv", "Hostname", "Get*id", "Getwd", "Getgroups", "Getpagesize", "Executable", "TempDir", "User*Dir").
		and(IO, "Std*"),
	"os/exec": every(IO), "os/signal": every(Channel), "os/user": every(Environment),
	"path": pure, "path/filepath": only(IO, "Abs", "Glob", "Walk", "WalkDir", "EvalSymlinks"), "plugin": every(IO),
	"reflect": only(Address, "Value.Pointer", "Value.Unsafe*").and(MapOrder, "Value.MapRange", "Value.MapKeys", "Value.Seq*").
		and(Channel, "Select", "Value.Send", "Value.Recv", "Value.TrySend", "Value.TryRecv", "Value.Close"),
	"regexp": pure, "regexp/syntax": pure,
	"runtime":     every(Environment, "KeepAlive", "*.Error", "Version").and(Finalizer, "SetFinalizer", "AddCleanup", "GC").and(Goroutine, "Gosched", "Goexit", "LockOSThread"),
	"runtime/...": every(Environment),
	"slices":      pure, "sort": pure, "strconv": pure, "strings": pure, "structs": pure,
	"sync": only(Sync, "Mutex.Lock", "Mutex.TryLock", "RWMutex.Lock", "RWMutex.RLock", "RWMutex.Try*", "WaitGroup.Wait", "Cond.Wait", "Pool.Get").
		and(Goroutine, "WaitGroup.Go").and(MapOrder, "Map.Range"),
	"sync/atomic": pure, "syscall": every(IO, "Errno.*"), "testing": every(IO), "testing/...": every(IO),
	"text/...": pure, "text/template": only(IO, "Parse*", "Template.Parse*").allowing("Template.Parse"), "text/template/parse": pure,
	"time": only(Clock, "Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker", "Timer.*", "Ticker.*").
		and(Environment, "Local", "Time.Local", "LoadLocation", "Parse"), // time.Unix: see zone.go
	"time/tzdata": pure, "unicode": pure, "unicode/...": pure, "unique": pure, "unsafe": pure /* see walk.go */, "weak": every(Finalizer),
}

// others are packages outside of the standard library that are not followed either: ours, and those of gonum, whose
// parallel parts share out blocks of the result that are computed in one order each, and whose globals are pools.
var others = map[string]rule{
	"dsss":                          every(Sync, "Order.*"),
	"dsss/class":                    every(Sync, "New", "NewMutator", "Of.Name"),
	"dsss/...":                      every(Sync, "Order.*"),
	"dsss/flat":                     pure,
	"gonum.org/v1/gonum/blas":       pure,
	"gonum.org/v1/gonum/floats":     pure,
	"gonum.org/v1/gonum/lapack":     pure,
	"gonum.org/v1/gonum/mat":        pure,
	"gonum.org/v1/gonum/blas/...":   pure,
	"gonum.org/v1/gonum/floats/...": pure,
	"gonum.org/v1/gonum/lapack/...": pure,
}

// ruleOf returns the rule of a package; known is false for packages that are followed.
func ruleOf(path string) (r rule, known bool) {
	for _, table := range []map[string]rule{standard, others} {
		if r, ok := table[path]; ok {
			return r, true
		}
		for dir := path; strings.Contains(dir, "/"); {
			dir = dir[:strings.LastIndexByte(dir, '/')]
			if r, ok := table[dir+"/..."]; ok && !isUserOfOurs(path) {
				return r, true
			}
		}
	}
	if first, _, _ := strings.Cut(path, "/"); first == "internal" || first == "vendor" {
		return pure, true
	}
	return rule{}, false
}

// isUserOfOurs tells whether a package of our module is a program like a user's.
func isUserOfOurs(path string) bool {
	return strings.HasPrefix(path, "dsss/examples/") || path == "dsss/bench" || strings.HasPrefix(path, "dsss/bench/") ||
		strings.HasPrefix(path, "dsss/runtime/objects") || strings.HasPrefix(path, "dsss/runtime/farm")
}

func trusted(path string) bool {
	_, known := ruleOf(path)
	return known
}

// verdict returns the category under which the table forbids an object of a trusted package, or "".
func verdict(obj types.Object) Category {
	r, _ := ruleOf(obj.Pkg().Path())
	name := obj.Name()
	if fn, ok := obj.(*types.Func); ok {
		if recv := fn.Signature().Recv(); recv != nil {
			t := recv.Type()
			if ptr, ok := t.(*types.Pointer); ok {
				t = ptr.Elem()
			}
			name = typeName(t) + "." + name
		}
	}
	if matchAny(r.allow, name) {
		return ""
	}
	for _, x := range r.except {
		if matchAny(x.names, name) {
			return x.category
		}
	}
	if _, isVar := obj.(*types.Var); isVar && obj.Pkg().Path() != "crypto/rand" {
		return "" // sentinels and tables; those that are not are named
	}
	return r.all
}

func matchAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if match(p, name) {
			return true
		}
	}
	return false
}

// match tells whether a name is of a pattern with at most one "*", which stands for anything.
func match(pattern, name string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == name
	}
	return len(name) >= len(before)+len(after) && strings.HasPrefix(name, before) && strings.HasSuffix(name, after)
}
