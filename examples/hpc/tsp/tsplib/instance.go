// Package tsplib reads instances of the symmetric travelling salesman problem in the format of TSPLIB 95
// (Reinelt, "TSPLIB 95", Universität Heidelberg, 1995: the manual).
//
// It reads TYPE TSP with the edge weight types EXPLICIT in every matrix format, EUC_2D, CEIL_2D, GEO and ATT, and
// computes whole distances exactly as the manual defines them, so that published optima hold. What it does not know it
// refuses: every error names the file, the line, the cause and what to do.
//
// The format has no place for the names of cities. Here they stand in comments, which other readers pass over:
//
//	COMMENT : NODE 1 Amsterdam
package tsplib

import (
	"encoding/binary"
	"hash/fnv"
	"strconv"
)

// Limits. A file beyond them is refused with an error that names the limit.
const (
	MaxDimension = 2048     // cities: the matrix of int32 then takes 16 MiB; branch and bound gives up far below
	MaxDistance  = 1 << 30  // of one edge: fits an int32, and leaves package bound's sums of scaled distances in an int64
	MaxFile      = 64 << 20 // bytes in a file: a FULL_MATRIX of MaxDimension written with 12 characters a number takes 48 MiB
	MaxLine      = 1 << 20  // bytes in a line: some programs write a whole row or section into one
	maxName      = 200      // bytes in the name of an instance or a city: it is printed on one line
)

// Instance is one problem, as read from a file.
type Instance struct {
	Name   string // of the instance, as the file gives it; "" if it gives none
	Weight string // EDGE_WEIGHT_TYPE: EXPLICIT, EUC_2D, CEIL_2D, GEO or ATT
	Matrix Matrix

	// Coords are the places of the cities, or nil if the file gives none: from NODE_COORD_SECTION, and for EXPLICIT
	// distances from DISPLAY_DATA_SECTION. GEO coordinates are in the manual's DDD.MM, as written; see Degrees.
	Coords []Coord

	names []string // "" for a city without a name
}

// Coord is a place as the file writes it. In GEO, X is the latitude (north positive) and Y the longitude (east positive).
type Coord struct{ X, Y float64 }

// City returns the name of city i, counted from 0: the one from the file or else its number there, counted from 1.
func (in *Instance) City(i int) string {
	if in.names[i] != "" {
		return in.names[i]
	}
	return strconv.Itoa(i + 1)
}

// Fingerprint identifies the distances: instances with the same matrix, whatever their names and places, have the same
// tours. It is FNV-1a over the matrix, alike on every machine.
func (in *Instance) Fingerprint() uint64 {
	h := fnv.New64a()
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], uint32(in.Matrix.N))
	h.Write(b[:])
	for _, d := range in.Matrix.D {
		binary.LittleEndian.PutUint32(b[:], uint32(d))
		h.Write(b[:])
	}
	return h.Sum64()
}

// Matrix holds the distances between N cities, row by row in D: N*N whole numbers from 0 to MaxDistance, symmetric,
// with zeros from a city to itself. Nobody changes one after it is made.
type Matrix struct {
	N int
	D []int32
}

// At returns the distance between cities i and j, counted from 0.
func (m Matrix) At(i, j int) int64 { return int64(m.D[i*m.N+j]) }

// Row returns the distances from city i. The slice is the matrix's own.
func (m Matrix) Row(i int) []int32 { return m.D[i*m.N : i*m.N+m.N] }
