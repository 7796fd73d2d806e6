//go:build race || dsss_debug

package class

// checkErrors makes every replica compare the state before and after a mutator that returned an error.
const checkErrors = true
