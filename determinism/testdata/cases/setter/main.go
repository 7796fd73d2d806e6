package main

import (
	"flag"

	"cases/nearby"
	"cases/setting"
)

type T struct{ n int64 }

//dsss:mutator
func (t *T) Set() { t.n = nearby.Scaled(t.n) }

func init() { setting.Unread = 5 }

func main() {
	flag.IntVar(&setting.Limit, "limit", 10, "") // want `writes the global variable setting\.Limit, which mutator \(\*T\)\.Add \(cases/setting/setting\.go:18\) reads: keep it in the object`
	flag.Parse()
	setting.Unread = 7
	setting.Depth["x"] = 1 // want `writes the global variable setting\.Depth, which mutator`
	setting.Factor = 3     //dsss:allow the same in all processes of all runs
	nearby.Scale = 2       // want `writes the global variable nearby\.Scale, which mutator \(\*T\)\.Set \(main\.go:13\) reads`
	_ = setting.ErrBig
}
