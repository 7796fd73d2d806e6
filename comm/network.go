package comm

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Network dials and listens: TCP in a job, Local inside one process.
type Network interface {
	Dial(addr string) (net.Conn, error)
	Listen(addr string) (net.Listener, error)
}

// TCP is the network of a job.
type TCP struct{}

// Dial connects within a few seconds or not at all.
func (TCP) Dial(addr string) (net.Conn, error) { return net.DialTimeout("tcp", addr, dialTimeout) }

// Listen listens on addr; port 0 picks a free one.
func (TCP) Listen(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }

const dialTimeout = 5 * time.Second

// Local is a network inside one process: one listener, whose connections are socket pairs. A program alone runs on it.
// It has no name in any file system and no port. The zero value is ready, and its methods may be called concurrently.
type Local struct {
	mu       sync.Mutex
	listener *localListener
}

// Listen opens the network's only listener; addr is ignored.
func (n *Local) Listen(string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listener != nil {
		return nil, errors.New("local network: already listening")
	}
	n.listener = &localListener{conns: make(chan net.Conn), closed: make(chan struct{}), network: n}
	return n.listener, nil
}

// Dial connects to the listener, once that accepts.
func (n *Local) Dial(string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listener
	n.mu.Unlock()
	if l == nil {
		return nil, errors.New("local network: nobody listens")
	}
	near, far, err := Pair()
	if err != nil {
		return nil, err
	}
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, errors.Join(net.ErrClosed, near.Close(), far.Close())
	}
}

type localListener struct {
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
	network *Local
}

func (l *localListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *localListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.network.mu.Lock()
		l.network.listener = nil
		l.network.mu.Unlock()
	})
	return nil
}

func (l *localListener) Addr() net.Addr { return localAddr }

var localAddr = &net.UnixAddr{Name: "this process", Net: "unix"}

// localConn is a socket whose ends have a name for people.
type localConn struct{ *net.UnixConn }

func (localConn) RemoteAddr() net.Addr { return localAddr }

// Pair returns the two ends of a connection inside this process, which the caller closes.
func Pair() (near, far net.Conn, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), localAddr.Name)
		nc, ferr := net.FileConn(f) // has a descriptor of its own
		if err = errors.Join(err, ferr, f.Close()); ferr == nil {
			ends[i] = localConn{nc.(*net.UnixConn)}
		}
	}
	if err != nil {
		for _, c := range ends {
			if c != nil {
				_ = c.Close() // nothing went over it
			}
		}
		return nil, nil, err
	}
	return ends[0], ends[1], nil
}
