package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// rules say, for each part of the house, which parts of ours it may import. A part is a package path under the module,
// and stands for what lies below it too; the longest that fits a package counts. Imports point down only.
var rules = map[string][]string{
	"internal/limits":     {},
	"internal/protocol":   {},
	"internal/stream":     {},
	"internal/launchenv":  {"internal/protocol"},
	"internal/setting":    {"internal/limits"},
	"internal/cli":        {"internal/setting"},
	"internal/version":    {"comm", "checkpoint"},
	"internal/applying":   {"internal/limits", "internal/launchenv"},
	"internal/build":      {"internal/launchenv"},
	"internal/stack":      {},
	"internal/house":      {},
	"internal/machine":    {},
	"internal/outfile":    {"internal/vfs"},
	"test/hostile":        {},
	"test/chaos":          {"", "class", "flat", "internal/limits", "internal/launchenv", "internal/machine", "internal/outfile"}, // a user's program, and who kills it
	"flat":                {"internal/limits"},
	"flat/matrix":         {"flat"},
	"inspect":             {"flat", "internal/limits"},
	"comm/wire":           {},
	"comm":                {"comm", "flat", "internal/limits", "internal/protocol", "internal/stream"},
	"internal/vfs":        {},
	"internal/memfs":      {"internal/vfs"},
	"checkpoint/internal": {},
	"checkpoint/wal":      {"checkpoint/internal", "internal/limits", "internal/vfs"}, // a log knows nothing of checkpoints, and they of none
	"checkpoint/snapshot": {"checkpoint/snapshot", "checkpoint/internal", "internal/limits", "internal/vfs"},
	"checkpoint/statedir": {"checkpoint", "internal/limits", "internal/machine", "internal/vfs"},
	"class":               {"internal/limits"},
	"runtime/history":     {"internal/limits"},                                                      // plain value types only: coordinators, relays and replicas have one
	"runtime/order":       {"comm/wire", "internal/limits", "internal/protocol", "internal/stream"}, // plain value types only: it is simulated, and may stand behind another log one day
	"runtime/replica":     {"runtime/order", "class", "comm", "flat", "internal/applying", "internal/limits", "internal/stream"},
	"runtime/session":     {"runtime/history", "runtime/replica", "class", "comm", "flat", "internal/applying", "internal/limits", "internal/stream"},
	"runtime/coordinator": {"runtime/order", "runtime/history", "comm", "checkpoint", "internal/build", "internal/limits", "internal/stream", "internal/vfs"},
	"runtime/keeper":      {"runtime/session", "runtime/replica", "class", "comm", "checkpoint", "internal/limits"},
	"runtime/host":        {"runtime/session", "runtime/order", "comm/wire"},
	"runtime/sim":         {"runtime", "class", "comm", "checkpoint", "internal"},
	"launcher":            {"launcher", "comm", "checkpoint", "internal/applying", "internal/build", "internal/stack", "internal/limits", "internal/launchenv", "internal/machine", "internal/setting", "internal/vfs"},
	"launcher/fleet":      {"comm/wire", "internal/applying", "internal/build", "internal/launchenv", "internal/limits", "internal/machine"},                                          // what an agent on another node needs, too
	"":                    {"runtime", "class", "flat", "comm", "internal/applying", "internal/build", "internal/stack", "internal/limits", "internal/launchenv", "internal/setting"}, // package dsss
	"determinism":         {"internal/limits"},
	"cmd/dsss-vet":        {"determinism", "internal/version"},
	"cmd/dsss":            {"determinism", "launcher", "runtime/coordinator", "checkpoint", "comm", "flat", "inspect", "internal/limits", "internal/launchenv", "internal/setting", "internal/version", "internal/cli", "internal/outfile"},
	"cmd/dsss-gen":        {"cmd/dsss-gen", "class", "internal/limits", "internal/cli", "internal/version", "internal/outfile"},
	"examples":            {"examples", "", "class", "flat", "internal/outfile"}, // as a user's program would, but for writing files
	"bench":               {"bench", "", "class", "flat", "runtime/coordinator", "checkpoint", "comm", "internal/cli", "internal/limits", "internal/launchenv", "internal/outfile"},
}

// external says who alone may import a package that is not ours, where that is part of the design.
var external = map[string][]string{
	"go.etcd.io/bbolt":             {"checkpoint/snapshot"},
	"github.com/prometheus/procfs": {"internal/machine", "bench"},
	"gonum.org/v1/gonum":           {"examples", "bench", "flat/matrix", "cmd/dsss-gen"},
	"gonum.org/v1/plot":            {"examples", "bench"},
	"golang.org/x/tools":           {"cmd/dsss-gen", "cmd/dsss-vet", "determinism"},
	"github.com/spf13":             {"cmd", "examples", "bench", "internal/cli"},
	"golang.org/x/term":            {"", "launcher", "cmd/dsss"},
	"net/http":                     {},
	"encoding/gob":                 {},
	"github.com/stretchr":          {},
}

const module = "dsss"

func TestImportsPointDown(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "dsss/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkg := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		part, known := partOf(pkg)
		if !known {
			t.Errorf("%s: no rule; add it to the house", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			switch {
			case imp == module:
				if !allowed("", rules[part]) {
					t.Errorf("%s imports the root package; allowed are %q", p.ImportPath, rules[part])
				}
			case strings.HasPrefix(imp, module+"/"):
				if to := strings.TrimPrefix(imp, module+"/"); !allowed(to, rules[part]) {
					t.Errorf("%s imports %s; allowed are %q", p.ImportPath, imp, rules[part])
				}
			default:
				for pattern, parts := range external {
					if under(imp, pattern) && !allowed(pkg, parts) {
						t.Errorf("%s imports %s; allowed only in %q", p.ImportPath, imp, parts)
					}
				}
			}
		}
	}
	if seen < len(rules)/2 {
		t.Fatalf("only %d packages seen", seen)
	}
}

// partOf returns the longest rule that fits.
func partOf(pkg string) (part string, known bool) {
	for p := range rules {
		if (p == pkg || p != "" && under(pkg, p)) && (!known || len(p) > len(part)) {
			part, known = p, true
		}
	}
	return part, known
}

func under(pkg, part string) bool { return pkg == part || strings.HasPrefix(pkg, part+"/") }

// allowed tells whether pkg lies under one of the parts; the empty part is the root package itself, not all.
func allowed(pkg string, parts []string) bool {
	for _, p := range parts {
		if p == "" && pkg == "" || p != "" && under(pkg, p) {
			return true
		}
	}
	return false
}
