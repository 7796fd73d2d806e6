package fleet

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"dsss/internal/limits"
)

// pump has sink take what is read from r, to its end, and closes r.
func pump(r *os.File, sink Sink) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			sink.Take(buf[:n], n == len(buf))
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			rest(r, buf, sink)
		}
		if err != nil {
			break
		}
	}
	_ = r.Close() // only read from
	sink.End()
}

// cutOff has pump take what is in the pipe by then, and end.
func cutOff(r *os.File) {
	_ = r.SetReadDeadline(time.Now().Add(limits.Settle)) // closed already: all the better
}

// rest takes what is in the pipe and does not wait for more.
func rest(r *os.File, buf []byte, sink Sink) {
	if r.SetReadDeadline(time.Time{}) != nil {
		return
	}
	raw, err := r.SyscallConn()
	if err != nil {
		return
	}
	for {
		var n int
		var readErr error
		err := raw.Read(func(fd uintptr) bool { n, readErr = unix.Read(int(fd), buf); return true })
		if err != nil || readErr != nil || n == 0 {
			return
		}
		sink.Take(buf[:n], false)
	}
}
