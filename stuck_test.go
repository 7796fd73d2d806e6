package dsss

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dsss/internal/applying"
)

// A program without a launcher says by itself what does not end, at doubling intervals.
func TestAloneSaysWhatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		worker, keeper, quit := applying.Own(), applying.Own(), make(chan struct{})
		worker.Object("pool", "main.Pool")
		worker.Method("Take")
		worker.Enter(17)
		go sayStuck(&said, map[string]*applying.Slot{"this program": worker, "its keeper": keeper}, quit)
		time.Sleep(15500 * time.Millisecond)
		worker.Wait(18)
		time.Sleep(12 * time.Second)
		close(quit)
		synctest.Wait()
		want := fmt.Sprintf(`dsss: this program has been applying main.Pool.Take on object "pool" (sequence number 17) for 10s: 'kill -QUIT %d' ends the program and prints where it is
dsss: a getter, View or Await condition has kept this program from applying mutations for 10s: 'kill -QUIT %d' ends the program and prints where it is
`, os.Getpid(), os.Getpid())
		if said.String() != want {
			t.Errorf("said\n%s", said.String())
		}
	})
}
