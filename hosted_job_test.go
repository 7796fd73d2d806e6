package dsss_test

import (
	"context"
	"errors"
	"testing"
	"time"

	dsss "dsss"
	"dsss/class"
	"dsss/flat"
)

// window is a ticket window: hosted, because every call needs an answer and nobody reads all tickets.
type window struct{ sold uint64 }

var numberCodec = class.Codec[uint64]{
	Append: func(dst []byte, n uint64) ([]byte, error) {
		return append(dst, 12, 0, 0, 0, 6, 0, 12, 0, 4, 0, 0, 0, 8, 0, 0, 0, byte(n), byte(n>>8), byte(n>>16), byte(n>>24), 0, 0, 0, 0), nil
	},
	Read: func(buf []byte) (uint64, error) {
		if len(buf) != 24 {
			return 0, flat.ErrTooLarge
		}
		return uint64(buf[16]) | uint64(buf[17])<<8 | uint64(buf[18])<<16 | uint64(buf[19])<<24, nil
	},
}

var errSoldOut = errors.New("sold out")

var (
	windowClass = class.New("dsss_test.window", class.StateCodec[window]{
		Save: func(w *window, emit func([]byte) error) error {
			buf, _ := numberCodec.Append(nil, w.sold)
			return emit(buf)
		},
		Load: func(w *window, next func() ([]byte, error)) error {
			buf, err := next()
			if err == nil {
				w.sold, err = numberCodec.Read(buf)
			}
			return err
		},
	})
	windowSell = class.NewMutator(windowClass, 1, "Sell", numberCodec, func(_ class.Order, w *window, most uint64) (uint64, error) {
		if w.sold >= most {
			return 0, errSoldOut
		}
		w.sold++
		return w.sold, nil
	}).Returns(numberCodec)
	windowSold = class.NewGetter(windowClass, 1, "Sold", class.Codec[struct{}]{}, numberCodec, func(w *window, _ struct{}) (uint64, error) { return w.sold, nil })
)

// TestHostedAlone: a program without the launcher has its host inside, and its hosted objects outlive it.
func TestHostedAlone(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir := t.TempDir() + "/state"
	for run := range uint64(2) {
		job, err := dsss.Join(ctx, dsss.Config{StateDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		w, err := dsss.OpenHosted(ctx, job, windowClass, "window")
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint64(10) {
			if n, err := dsss.CallHosted(ctx, w, windowSell, 1000); n != 10*run+i+1 || err != nil {
				t.Fatalf("ticket %d: %v", n, err)
			}
		}
		if _, err := dsss.CallHosted(ctx, w, windowSell, 1); err != class.RemoteError("sold out") {
			t.Errorf("sold out: %v", err)
		}
		if n, err := dsss.Ask(ctx, w, windowSold, struct{}{}); n != 10*run+10 || err != nil {
			t.Errorf("sold %d, %v", n, err)
		}
		if _, err := dsss.Open(ctx, job, windowClass, "window"); !errors.Is(err, dsss.ErrPlacement) {
			t.Errorf("opened as replicated: %v", err)
		}
		if err := job.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
