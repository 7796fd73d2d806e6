// Package house holds no code: its tests hold the rules of the house: which package may import which, and that what a page refers to exists.
package house
