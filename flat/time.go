package flat

import (
	"encoding/binary"
	"time"
)

// A time is a struct of 16 bytes, aligned to 8: the seconds since 1970 in UTC as a long, and the nanoseconds into the
// second as an int. It is the instant and nothing else: the zone and the monotonic clock's reading stay behind, and
// what is read is in UTC. The zero Time is an instant too, and the value of an absent field.
const timeSize = 16

// PutTime writes the inline field of a time.
func PutTime(b *Builder, slot int, x time.Time) {
	if x.IsZero() {
		return
	}
	b.Prep(8, timeSize)
	placeTime(b, x)
	b.Slot(slot)
}

func placeTime(b *Builder, x time.Time) {
	b.Pad(4)
	b.PlaceInt32(int32(x.Nanosecond()))
	b.PlaceInt64(x.Unix())
}

func writeTimes(b *Builder, s []time.Time) Offset {
	b.StartVector(timeSize, len(s), 8)
	for i := len(s) - 1; i >= 0; i-- {
		placeTime(b, s[i])
	}
	return b.EndVector(len(s))
}

// ReadTime returns a time, in UTC.
func ReadTime(t Table, slot int) time.Time {
	at := t.field(slot, timeSize)
	if at == 0 {
		return time.Time{}
	}
	return timeAt(t, at)
}

func timeAt(t Table, at int) time.Time {
	nanos := binary.LittleEndian.Uint32(t.v.buf[at+8:])
	if nanos >= 1e9 {
		t.v.fail("time with more than a second of nanoseconds", at)
		return time.Time{}
	}
	return time.Unix(int64(binary.LittleEndian.Uint64(t.v.buf[at:])), int64(nanos)).UTC()
}
