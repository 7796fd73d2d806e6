// Package version says which build of DSSS a command is, and what it can talk to and read.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm"
)

const module = "dsss"

// Line is what a command prints for --version, as one line without its newline.
func Line(command string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return fmt.Sprintf("%s %s, protocol %d, formats: state directory %d, log %d, checkpoint %d, %s %s/%s",
		command, build(info), comm.Version, statedir.Format, wal.Format, snapshot.Format,
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// build is the version of our module, and the revision that it was built from when there is one.
func build(info *debug.BuildInfo) string {
	v := info.Main.Version
	if info.Main.Path != module { // built within another module, as by go tool
		v = ""
		for _, d := range info.Deps {
			if d.Path == module {
				v = d.Version
			}
		}
	}
	if v == "" {
		v = "(devel)"
	}
	setting := map[string]string{}
	for _, s := range info.Settings {
		setting[s.Key] = s.Value
	}
	rev := setting["vcs.revision"]
	if rev == "" || info.Main.Path != module || strings.Contains(v, rev[:min(12, len(rev))]) {
		return v
	}
	if setting["vcs.modified"] == "true" {
		rev += ", modified"
	}
	return v + " (revision " + rev + ")"
}
