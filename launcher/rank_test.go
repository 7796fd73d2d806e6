package launcher

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What follows from the failure of a worker, by policy; and from a keeper's under all.
func TestPolicies(t *testing.T) {
	const killed = `rank 1 \(pid \d+\) killed by signal 9 \(killed\)`
	for name, c := range map[string]struct {
		policy  Policy
		keeper  string
		workers []string
		code    int
		said    string // all of stderr but what workers say
		out     string // all of stdout, sorted by rank
		lost    string // in the report, as JSON, without pids
	}{
		"continue": {Continue, keeperOK, []string{"join exit=0", "join kill", "join exit=0"}, 0,
			"dsss: " + killed + `; the job goes on without it\ndsss: job test finished without rank 1: 3 workers, .*\n`, "",
			`[{"text":"rank 1 killed by signal 9 (killed)","rank":1,"signal":9}]`},
		"continue without two": {Continue, keeperOK, []string{"join err=why exit=3", "join exit=0", "exit=4"}, 0,
			`(dsss: rank [02] .*; the job goes on without it\n){2}dsss: job test finished without ranks 0, 2: 3 workers, .*\n`, "", ""},
		"continue with none": {Continue, keeperOK, []string{"join exit=3", "join exit=3"}, 3,
			`(dsss: rank .*; the job goes on without it\n){2}dsss: state kept .*\ndsss: job test failed: rank [01] \(pid \d+\) exited with code 3\n`, "", ""},
		"respawn": {Respawn, keeperOK, []string{"join exit=0", "join once=f kill out=back exit=0"}, 0,
			"dsss: " + killed + `; started again as pid \d+\ndsss: job test finished: 2 workers, .*\n`, "[1] back\n", ""},
		"respawn after a code": {Respawn, keeperOK, []string{"join exit=0", "join once=f exit=3 out=back exit=0"}, 0,
			`dsss: rank 1 \(pid \d+\) exited with code 3; started again as pid \d+\ndsss: job test finished: 2 workers, .*\n`, "[1] back\n", ""},
		"respawn too often": {Respawn, keeperOK, []string{"join exit=0", "join kill"}, 137,
			"(dsss: " + killed + `; started again as pid \d+\n){5}dsss: state kept in .*\ndsss: job test failed: ` + killed + `, started anew 5 times in 10m0s\n`, "", ""},
		"respawn before Join": {Respawn, keeperOK, []string{"join exit=0", "kill"}, 137,
			"dsss: state kept in .*\ndsss: job test failed: " + killed + ` before dsss.Join\n`, "", ""},
		"respawn of a refusal": {Respawn, keeperOK, []string{"join exit=0", "join err=another_instance exit=2"}, 2,
			`dsss: exit code 2 says that the program did not like its arguments, .*\ndsss: job test failed: rank 1 \(pid \d+\) exited with code 2; last lines of its stderr: another instance\n`, "", ""},
		"respawn of a panic": {Respawn, keeperOK, []string{"join exit=0", "join once=f err=panic:_no once=g exit=2 out=back exit=0"}, 0,
			`dsss: rank 1 \(pid \d+\) exited with code 2; started again as pid \d+\ndsss: job test finished: 2 workers, .*\n`, "[1] back\n", ""},
		"diverged": {Abort, keeperOK, []string{"join forever"}, 1,
			`dsss: state kept in .*\ndsss: job test failed: rank has diverged: x is 1, not 2\n`, "", ""},
		"diverged, continue": {Continue, keeperOK, []string{"join forever"}, 137,
			`dsss: rank has diverged: x is 1, not 2\ndsss: rank 0 \(pid \d+\) has diverged and was killed; the job goes on without it\ndsss: state kept in .*\n` +
				`dsss: job test failed: rank 0 \(pid \d+\) has diverged and was killed\n`, "", ""},
		"keeper": {Abort, "join once=f kill stay", []string{"join out=x exit=0"}, 0,
			`(dsss: the keeper \(pid \d+\) killed by signal 9 \(killed\); started again as pid \d+\n)?dsss: job test finished: 1 workers, .*\n`, "[0] x\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mode := "ok"
			if strings.HasPrefix(name, "diverged") {
				mode = "diverge"
			}
			cfg := config(mode, len(c.workers), c.keeper, c.workers...)
			cfg.OnFailure = c.policy
			l := start(t, cfg, nil)
			code := l.wait(t)
			said := regexp.MustCompile(`(?m)^\[.*\n`).ReplaceAllString(l.err.String(), "")
			if code != c.code || !regexp.MustCompile("^"+c.said+"$").MatchString(said) || l.out.String() != c.out {
				t.Errorf("exit code %d, stdout %q, stderr:\n%s\nwant %d, %q, %s", code, &l.out, &l.err, c.code, c.out, c.said)
			}
			if c.lost != "" {
				if got := lostIn(t, l); got != c.lost {
					t.Errorf("lost: %s, want %s", got, c.lost)
				}
			}
		})
	}
}

// lostIn is what the report of a job says of its losses.
func lostIn(t *testing.T, l *launched) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(l.Dir, "report.json"))
	var r Report
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Lost {
		r.Lost[i].Text = regexp.MustCompile(` \(pid \d+\)`).ReplaceAllString(r.Lost[i].Text, "")
		r.Lost[i].PID = 0
	}
	b, err = json.Marshal(r.Lost)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}
