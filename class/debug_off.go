//go:build !race && !dsss_debug

package class

// checkErrors is on in builds with -race or -tags dsss_debug.
const checkErrors = false
