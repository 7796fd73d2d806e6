package chaos

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dsss/internal/outfile"
)

// The test binary is the program of its jobs too.
func TestMain(m *testing.M) {
	if dir := os.Getenv(VarProgram); dir != "" {
		os.Exit(Program(dir))
	}
	os.Exit(m.Run())
}

// TestChaos runs jobs until DSSS_CHAOS is over, or those of PlanShort when that is not set. DSSS_SEED draws the plans;
// DSSS_CHAOS_JSON names a file for the result.
func TestChaos(t *testing.T) {
	seed := rand.Uint64N(1 << 32)
	if s := os.Getenv("DSSS_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("DSSS_SEED=%s: want a whole number", s)
		}
	}
	var length time.Duration
	if s := os.Getenv("DSSS_CHAOS"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil || length <= 0 {
			t.Fatalf("DSSS_CHAOS=%s: want a duration such as 10m", s)
		}
	}
	t.Logf("DSSS_SEED=%d", seed)
	cfg := configure(t, length > 0)
	total := NewTotal(seed)
	began := time.Now()
	if length == 0 {
		for i, plan := range PlanShort(seed) {
			runJob(t, cfg, i, plan, total)
		}
	}
	for i := 0; time.Since(began) < length; i++ {
		runJob(t, cfg, i, PlanJob(seed, i, cfg.Spaces != nil), total)
	}
	total.Seconds = time.Since(began).Seconds()
	report(t, total)
	if length == 0 {
		for _, plan := range PlanShort(seed) {
			for _, r := range plan.Runs {
				for _, f := range r.all() {
					if total.Faults[f.Name()] == nil {
						t.Errorf("%s was not injected", f.Name())
					}
				}
			}
		}
	}
	if total.Acknowledged == 0 || total.Histories == 0 {
		t.Error("nothing happened")
	}
}

func runJob(t *testing.T, cfg Config, i int, plan JobPlan, total *Total) {
	t.Helper()
	began := time.Now()
	if err := Run(cfg, strconv.Itoa(i), plan, total); err != nil {
		t.Errorf("%v\nreproduce with DSSS_SEED=%d", err, total.Seed)
	}
	t.Logf("%5.1f s: job %d: %v", time.Since(began).Seconds(), i, plan)
}

// configure builds dsss and makes what only root can, when root is wanted.
func configure(t *testing.T, root bool) Config {
	t.Helper()
	dir, err := os.MkdirTemp("", "dsss-chaos-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() { // else it is what tells why
			_ = os.RemoveAll(dir)
		}
	})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Command: filepath.Join(dir, "dsss"), Program: []string{self}, Dir: dir}
	if out, err := exec.Command("go", "build", "-o", cfg.Command, "dsss/cmd/dsss").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	if !root {
		return cfg
	}
	if _, err := exec.LookPath("ip"); err != nil || os.Getuid() != 0 {
		t.Log("NOT ROOT, OR NO ip(8): no full disks, and links are cut in a proxy only")
		return cfg
	}
	if cfg.Spaces, err = NewSpaces(mostWorkers); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cfg.Spaces.Close(); err != nil {
			t.Error(err)
		}
	})
	return cfg
}

func report(t *testing.T, total *Total) {
	t.Helper()
	var table strings.Builder
	total.Write(&table)
	fmt.Print(table.String())
	path := os.Getenv("DSSS_CHAOS_JSON")
	if path == "" {
		return
	}
	b, err := json.MarshalIndent(total, "", "  ")
	if err == nil {
		err = outfile.Write(path, append(b, '\n'))
	}
	if err != nil {
		t.Errorf("DSSS_CHAOS_JSON=%s: %v", path, err)
	}
}
