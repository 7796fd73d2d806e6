//go:build race

package dsss_test

const raceEnabled = true
