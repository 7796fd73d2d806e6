package fleet

import (
	"fmt"
	"net"
	"os"
)

// A socket is where the job's coordinators listen, one after the other. The fleet holds it and hands it to each, so
// the address stays, and who connects while no coordinator lives waits in the kernel's queue instead of being refused.
type socket struct {
	file *os.File
	addr string // host:port
}

func openSocket() (*socket, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening on this machine for the job's processes: %w", err)
	}
	defer l.Close() // file is a descriptor of its own
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		return nil, fmt.Errorf("listening on this machine for the job's processes: %w", err)
	}
	return &socket{file: f, addr: l.Addr().String()}, nil
}

// close refuses all further connections once no coordinator listens any more.
func (s *socket) close() { s.file.Close() }
