package environment

import (
	"flag"
	"os"
	"runtime"
)

type T struct{ s []string }

var level = flag.Int("level", 1, "")

var debug = os.Getenv("DEBUG") != ""

//dsss:mutator
func (t *T) All() {
	t.s = os.Args                                                                  // want `uses os\.Args: pass what it tells as an argument`
	t.s[0] = os.Getenv("HOME")                                                     // want `calls os\.Getenv`
	t.s[0], _ = os.Hostname()                                                      // want `calls os\.Hostname`
	_ = make([]int, runtime.NumCPU()+runtime.GOMAXPROCS(0)+runtime.NumGoroutine()) // want `calls runtime\.NumCPU` `calls runtime\.GOMAXPROCS` `calls runtime\.NumGoroutine`
	_, t.s[0], _, _ = runtime.Caller(0)                                            // want `calls runtime\.Caller`
	_ = os.Getpid()                                                                // want `calls os\.Getpid`
	if *level > 1 {                                                                // want `calls flag\.Int at environment\.go:11 through level \(environment\.go:11\)`
		t.s = nil
	}
	if debug { // want `calls os\.Getenv at environment\.go:13 through debug \(environment\.go:13\)`
		t.s = nil
	}
}

//dsss:mutator
func (t *T) Constant(err error) bool {
	runtime.KeepAlive(t)
	return runtime.GOOS == "linux" && os.IsNotExist(err)
}
