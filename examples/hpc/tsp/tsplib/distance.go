package tsplib

import "math"

// A distance function gives the distance between two different cities, which may be no whole number of an int32:
// whoever calls checks the range. Products that are summed are converted to float64 first, which keeps a compiler from
// fusing the two into one operation rounded once: the distances are the same on every processor.
var distances = map[string]func(a, b Coord) float64{
	"EUC_2D":  func(a, b Coord) float64 { return nint(math.Sqrt(squares(a, b))) },
	"CEIL_2D": func(a, b Coord) float64 { return math.Ceil(math.Sqrt(squares(a, b))) },
	"ATT":     att,
	"GEO":     geo,
}

// nint is the manual's: (int)(x + 0.5).
func nint(x float64) float64 { return math.Trunc(x + 0.5) }

func squares(a, b Coord) float64 {
	dx, dy := a.X-b.X, a.Y-b.Y
	return float64(dx*dx) + float64(dy*dy)
}

// att is the pseudo-Euclidean distance of the manual, section 2.5: rounded, and up if rounding went below.
func att(a, b Coord) float64 {
	r := math.Sqrt(squares(a, b) / 10)
	t := nint(r)
	if t < r {
		t++
	}
	return t
}

// geo is the geographical distance of the manual, section 2.4, in kilometres on the idealised sphere.
func geo(a, b Coord) float64 {
	const radius = 6378.388
	lat1, lat2 := radians(a.X), radians(b.X)
	q1 := math.Cos(radians(a.Y) - radians(b.Y))
	q2 := math.Cos(lat1 - lat2)
	q3 := math.Cos(lat1 + lat2)
	c := 0.5 * (float64((1+q1)*q2) - float64((1-q1)*q3))
	return math.Trunc(float64(radius*math.Acos(min(max(c, -1), 1))) + 1)
}

// radians turns DDD.MM, degrees and minutes, into radians, with the manual's value of π.
func radians(x float64) float64 { return 3.141592 * Degrees(x) / 180 }

// Degrees turns a GEO coordinate, degrees and minutes written DDD.MM, into degrees. The degrees are what stands before
// the point: the manual prints nint there, but the published optima hold for truncation, as Reinelt's list of
// frequently asked questions says.
func Degrees(x float64) float64 {
	deg := math.Trunc(x)
	return deg + float64(5*(x-deg))/3
}
