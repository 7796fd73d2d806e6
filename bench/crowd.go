package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"time"
)

// crowdEvery is the pause between two steps of the crowd, crowdStep how many connections each step touches.
const (
	crowdEvery = 20 * time.Millisecond
	crowdStep  = 10
)

// crowd is ten thousand connections that belong to no job. Half of them say nothing, half say rubbish, a byte at a time.
// Those that were hung up on come again, some hundred a second. It ends with its parent.
func crowd(t task) error {
	conns := make([]net.Conn, t.Strangers)
	var err error
	for i := range conns {
		if conns[i], err = net.Dial("tcp", t.Addr); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	for i := 0; ; i = (i + crowdStep) % len(conns) {
		time.Sleep(crowdEvery)
		for k := i; k < min(i+crowdStep, len(conns)); k++ {
			if k%2 == 0 {
				if _, err := conns[k].Write([]byte{byte(rand.Uint32())}); err == nil {
					continue
				}
			}
			_ = conns[k].Close() // a crowd takes no care
			if conns[k], err = net.Dial("tcp", t.Addr); err != nil {
				select {} // the job has ended, and our parent is about to end us
			}
		}
	}
}
