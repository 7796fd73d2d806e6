// Package host answers for hosted objects. The host is the user's own program, started once more when the first hosted object
// is opened: it follows the order like the keeper, with a replica of all objects, and sends what hosted calls return to the
// coordinator, which passes it on. It never stops for a checkpoint, which the keeper writes, and is replaced when it dies:
// what it held is in the order, in the keeper's replica and in checkpoints.
//
// What it does with calls and queries is in package session, because all of it happens on the reader.
package host

import (
	"context"
	"errors"

	"dsss/comm/wire"
	"dsss/runtime/order"
	"dsss/runtime/session"
)

// Run joins as the host and works until the job ends. It returns nil when the coordinator said that all is well.
func Run(ctx context.Context, cfg session.Config) error {
	cfg.Hello.Role, cfg.Hello.Rank = wire.RoleHost, order.Host
	s, err := session.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	select {
	case <-s.Ended():
		if err := s.Err(); !errors.Is(err, session.ErrClosed) {
			return err
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
