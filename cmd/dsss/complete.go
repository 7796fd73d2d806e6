package main

import (
	"cmp"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"dsss/checkpoint/statedir"
	"dsss/launcher"
)

// What a shell completes. Nothing here fails: what cannot be found is not offered.

// each completes the first argument by the first function, and so on.
func each(fs ...cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= len(fs) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return fs[len(args)](c, args, begun)
	}
}

// completeStateDir offers the directories that hold jobs, and other ones as the way to them.
func completeStateDir(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	dirs, ways := directories(begun)
	if len(dirs) == 0 {
		return ways, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	return append(dirs, ways...), cobra.ShellCompDirectiveNoFileComp
}

// directories lists those that begin with what was typed: those that hold jobs, and the others with a slash.
func directories(begun string) (jobs, others []string) {
	parent, prefix := filepath.Split(begun)
	entries, err := os.ReadDir(cmp.Or(parent, "."))
	if err != nil {
		return nil, nil
	}
	for _, e := range entries {
		name := parent + e.Name()
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() || !strings.HasPrefix(e.Name(), prefix) || prefix == "" && e.Name()[0] == '.' {
			continue
		}
		if _, exists, err := statedir.Peek(name); err == nil && exists {
			jobs = append(jobs, name)
		} else {
			others = append(others, name+"/")
		}
	}
	return jobs, others
}

// completeCheckpoint offers state directories, behind an @ the sequence numbers of one's checkpoints, and files.
func completeCheckpoint(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if dir, _, at := cutLast(begun, "@"); at {
		infos, err := statedir.StoreOf(dir).List()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var out []string
		for _, i := range infos {
			if name := dir + "@" + strconv.FormatUint(i.Seq, 10); strings.HasPrefix(name, begun) {
				out = append(out, name)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
	dirs, _ := directories(begun)
	if len(dirs) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return dirs, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeObject offers the objects of the checkpoint that the argument before names.
func completeObject(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	r, err := openCheckpoint(args[len(args)-1])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer r.Close()
	var out []string
	for _, o := range r.Objects() {
		if strings.HasPrefix(o.Name, begun) {
			out = append(out, o.Name)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeSuspect offers the mutations that can be skipped in the directory before.
func completeSuspect(_ *cobra.Command, args []string, begun string) (out []string, _ cobra.ShellCompDirective) {
	job, _, _ := statedir.Peek(args[0])
	for _, s := range job.Suspects {
		if n := strconv.FormatUint(s.Sequence, 10); s.Noted() && strings.HasPrefix(n, begun) {
			out = append(out, n)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeRank offers the ranks of the job that the command line names, or that runs here.
func completeRank(c *cobra.Command, args []string, begun string) (out []string, _ cobra.ShellCompDirective) {
	dir := c.Flag("state-dir").Value.String()
	if len(args) > 0 {
		dir = args[0]
	}
	for _, r := range launcher.Ranks(dir) {
		if n := strconv.Itoa(r); strings.HasPrefix(n, begun) {
			out = append(out, n)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeOutput offers where the workers' output may go.
func completeOutput(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	path, isDir := strings.CutPrefix(begun, "dir=")
	if !isDir {
		return []string{"tag", "plain", "dir="}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	_, out := directories(path)
	for i := range out {
		out[i] = "dir=" + out[i]
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
