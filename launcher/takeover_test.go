package launcher

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// A coordinator that ends before its time is replaced, and the job does not notice; one that cannot be is the cause.
func TestTakeover(t *testing.T) {
	const goesOn = `dsss: the order goes on after \d+ms, with 7 mutations that only replicas still had\n`
	const killed = `dsss: the coordinator \(pid \d+\) killed by signal 9 \(killed\); pid \d+ takes over\n`
	for name, c := range map[string]struct {
		mode string
		code int
		said string // all of stderr
	}{
		"killed":              {"die", 0, killed + goesOn + `dsss: job test finished: .*\n`},
		"killed at the end":   {"die-at-end", 0, killed + goesOn + `dsss: job test finished: .*\n`},
		"hangs":               {"hang", 0, `dsss: the coordinator \(pid \d+\) said nothing for 400ms and was killed; pid \d+ takes over\n` + goesOn + `dsss: job test finished: .*\n`},
		"hangs up":            {"hang-up", 0, `dsss: the coordinator \(pid \d+\) hung up \(EOF\) and was killed; pid \d+ takes over\n` + goesOn + `dsss: job test finished: .*\n`},
		"never takes over":    {"always-die-early", 1, "(" + killed + `){3}dsss: state kept in .*\ndsss: job test failed: the coordinator \(pid \d+\) killed by signal 9 \(killed\), started anew 3 times in a row without recovering the order\n`},
		"dies all the time":   {"always-die", 1, "(" + killed + "(" + goesOn + `)?){10}dsss: state kept in .*\ndsss: job test failed: the coordinator \(pid \d+\) killed by signal 9 \(killed\), started anew 10 times in 10m0s\n`},
		"dies as it finishes": {"always-die-at-end", 1, "(" + killed + "(" + goesOn + `)?){10}dsss: state kept in .*\ndsss: job test failed: the coordinator .* started anew 10 times in 10m0s\n`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			worker := "watch join stay out=done exit=0"
			if strings.HasSuffix(c.mode, "at-end") {
				worker = "watch join out=done exit=0"
			}
			cfg := config(c.mode, 2, keeperOK, worker)
			cfg.Silence = 400 * time.Millisecond
			l := start(t, cfg, nil)
			code := l.wait(t)
			if code != c.code || !regexp.MustCompile("^"+c.said+"$").MatchString(l.err.String()) {
				t.Errorf("exit code %d, stderr:\n%s\nwant %d, %s", code, &l.err, c.code, c.said)
			}
			if c.code == 0 && strings.Count(l.out.String(), "done\n") != 2 {
				t.Errorf("stdout: %s", &l.out)
			}
		})
	}
}
