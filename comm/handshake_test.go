package comm

import (
	"errors"
	"strings"
	"testing"

	"dsss/comm/wire"
	"dsss/internal/limits"
)

// TestHelloTooLarge: a program of too many ids is told so by its own side, at once.
func TestHelloTooLarge(t *testing.T) {
	network := &Local{}
	listener, err := network.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			conn.Close()
		}
		accepted <- err
	}()
	hello := &wire.HelloT{Classes: []*wire.ClassT{{Name: "c", Known: make([]uint64, limits.HelloFrame/8)}}}
	_, _, err = Greet(t.Context(), network, "", hello, nil)
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Code != wire.RefusalClasses || !strings.Contains(refused.Reason, "at most") {
		t.Errorf("error %v", err)
	}
	if err := errors.Join(<-accepted, listener.Close()); err != nil {
		t.Error(err)
	}
}
