// Package house holds no code: its tests hold the rules of the house, which package may import which.
package house
