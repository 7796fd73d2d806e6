package applying

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"dsss/internal/launchenv"
)

// The test binary stands for a process of a job that ends in the middle of a mutation.
func TestMain(m *testing.M) {
	if os.Getenv(launchenv.VarApplying) == "" {
		os.Exit(m.Run())
	}
	s := Inherited()
	s.Applied(41)
	s.Object("pool", "main.Pool")
	s.Method("Take")
	s.Enter(42)
	os.Exit(3)
}

// What a process was in is there when it is gone, also when its descriptors were closed on the way to it.
func TestOutlivesTheProcess(t *testing.T) {
	table, err := NewTable(3)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, extra := range map[string][]*os.File{"inherited": {table.File()}, "closed on the way": nil, "another file": {os.Stderr}} {
		t.Run(name, func(t *testing.T) {
			s := table.Slot(2)
			s.Clear()
			c := exec.Command(self)
			c.ExtraFiles, c.Env = extra, append(os.Environ(), table.Var(3, 2))
			if err := c.Run(); c.ProcessState.ExitCode() != 3 {
				t.Fatal(err)
			}
			want := Call{Applying, 42, "pool", "main.Pool", "Take"}
			if got := s.Look(); got != want || s.Reached() != 41 || table.Slot(1).Look() != (Call{}) {
				t.Errorf("left %+v, %d reached", got, s.Reached())
			}
		})
	}
}

func TestNotInherited(t *testing.T) {
	table, err := NewTable(1)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	value := strings.TrimPrefix(table.Var(0, 0), launchenv.VarApplying+"=")
	for _, v := range []string{"", "x", "0:0:0", value[:len(value)-1], strings.Replace(value, ":0:/", ":7:/", 1)} {
		if s, err := inherited(v); err == nil {
			t.Errorf("%q gives %+v", v, s.Look())
		}
	}
	if _, err := inherited(value); err != nil {
		t.Errorf("%q: %v", value, err)
	}
}

func TestLongNames(t *testing.T) {
	var s Slot
	long := strings.Repeat("é", 300)
	s.Object(long, "c")
	s.Method(long)
	s.Object("o", long)
	s.Method("m")
	s.Enter(1)
	if c := s.Look(); c.Object != "o" || c.Method != "m" || !strings.HasPrefix(long, strings.TrimSuffix(c.Class, "?")) || len(c.Class) < 100 {
		t.Errorf("%+v", c)
	}
}

// It is said after 10 s, and each time that the time has doubled; another call begins anew.
func TestWatch(t *testing.T) {
	var w Watch
	said := ""
	look := func(c Call, times int) {
		for range times {
			if since, say := w.Look(c); say {
				said += fmt.Sprint(since, " ")
			}
		}
	}
	look(Call{Phase: Applying, Sequence: 1}, 100)
	look(Call{}, 1)
	look(Call{Phase: Applying, Sequence: 1}, 9)
	look(Call{Phase: Waiting, Sequence: 1}, 9)
	look(Call{Phase: Waiting, Sequence: 2}, 12)
	if want := fmt.Sprint(10*time.Second, " ", 20*time.Second, " ", 40*time.Second, " ", 80*time.Second, " ", 10*time.Second, " "); said != want {
		t.Errorf("said %q, want %q", said, want)
	}
}
