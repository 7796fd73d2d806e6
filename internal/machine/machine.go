// Package machine says of which kernel and of which process namespace process ids are; the names of hosts do not, since two
// may have the same. A leaf package.
package machine

import (
	"os"
	"strings"
)

// Boot identifies the running kernel from its start on, random_boot_id(4); empty where /proc does not say.
func Boot() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

// PIDNamespace names the process namespace that this process is in, namespaces(7); empty where /proc does not say.
func PIDNamespace() string {
	name, _ := os.Readlink("/proc/self/ns/pid")
	return name
}
