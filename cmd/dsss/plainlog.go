package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// A plainLog is a slog.Handler that writes one line for people for each record, as all else that dsss says:
// "dsss: joined: rank 2, pid 4139". It has no groups, which nothing of ours uses.
type plainLog struct {
	least slog.Level
	with  []slog.Attr
	mu    *sync.Mutex // held for one write
	to    io.Writer
}

func newPlainLog(to io.Writer, least slog.Level) *slog.Logger {
	return slog.New(&plainLog{least: least, mu: &sync.Mutex{}, to: to})
}

func (p *plainLog) Enabled(_ context.Context, l slog.Level) bool { return l >= p.least }

func (p *plainLog) WithAttrs(as []slog.Attr) slog.Handler {
	q := *p
	q.with = append(q.with[:len(q.with):len(q.with)], as...)
	return &q
}

func (p *plainLog) WithGroup(string) slog.Handler { return p }

// Handle writes the message and, behind a colon, the attributes. A cause is written without its name.
func (p *plainLog) Handle(_ context.Context, r slog.Record) error {
	text := []string{}
	add := func(a slog.Attr) bool {
		s := a.Key + " " + a.Value.Resolve().String()
		if a.Key == "cause" {
			s = a.Value.Resolve().String()
		}
		text = append(text, s)
		return true
	}
	for _, a := range p.with {
		add(a)
	}
	r.Attrs(add)
	line := "dsss: " + r.Message
	if len(text) > 0 {
		line += ": " + strings.Join(text, ", ")
	}
	line = strings.ReplaceAll(line, "\n", " | ") + "\n"
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.to, line)
	return err
}
