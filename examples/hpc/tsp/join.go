package main

import (
	"context"

	"dsss"
)

//go:generate go tool dsss-gen

// join makes this process a worker of the job.
func join(ctx context.Context) (*membership, error) {
	job, err := dsss.Join(ctx, dsss.Config{})
	if err != nil {
		return nil, err
	}
	s, err := OpenSearch(ctx, job, "search")
	if err != nil {
		job.Close()
		return nil, err
	}
	return &membership{
		run: job.Run(), rank: job.Rank(), size: job.Size(), search: s,
		progress: job.Progress, ranks: job.Ranks,
		stats: func(ctx context.Context) (mutations, checkpoints uint64, err error) {
			if _, err := job.Checkpoint(ctx); err != nil { // the result outlives us before it is told
				return 0, 0, err
			}
			stats, err := job.Stats(ctx)
			return stats.Head, stats.Checkpoints.Written, err
		},
		close: job.Close,
	}, nil
}
