package tourmap

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// gap is how far a name stands from its city.
const gap = 6

// A box is where a name would be printed, in points.
type box struct{ x0, y0, x1, y1 float64 }

// place moves each name beside its city, to that one of eight sides where it crosses fewest other names, cities and
// stretches of the tour. Cities are served in their order, so the picture is always the same.
func place(p *plot.Plot, labels *plotter.Labels, style text.Style, places, round plotter.XYs, width, height vg.Length) {
	// The axes and the title take some of the picture; what is left is near enough for choosing a side.
	w0, h0 := float64(width)-60-2*margin, float64(height)-70-2*margin
	sx, sy := w0/(p.X.Max-p.X.Min), h0/(p.Y.Max-p.Y.Min)
	at := func(q plotter.XY) (x, y float64) { return (q.X - p.X.Min) * sx, (q.Y - p.Y.Min) * sy }
	var taken []box
	for i, q := range places {
		x, y := at(q)
		w, h := float64(style.Width(labels.Labels[i])), float64(style.Font.Size)*0.8
		least, chosen, offset := math.Inf(1), box{}, vg.Point{}
		for k, side := range [8][2]float64{{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {1, -1}, {-1, 1}, {-1, -1}} {
			near := float64(gap)
			if side[0] != 0 && side[1] != 0 {
				near = gap * 0.7
			}
			dx := side[0]*(near+w/2) - w/2
			dy := side[1]*(near+h/2) - h/2
			b := box{x + dx - 1, y + dy - 1, x + dx + w + 1, y + dy + h + 1}
			cost := float64(k) * 0.1
			for _, t := range taken {
				cost += 6 * overlap(b, t)
			}
			for j, other := range places {
				ox, oy := at(other)
				if j != i {
					cost += 4 * overlap(b, box{ox - 4, oy - 4, ox + 4, oy + 4})
				}
			}
			for j, from := range round {
				ax, ay := at(from)
				bx, by := at(round[(j+1)%len(round)])
				cost += 3 * inside(b, ax, ay, bx, by)
			}
			if b.x0 < 0 || b.y0 < 0 || b.x1 > w0 || b.y1 > h0 {
				cost += 20
			}
			if cost < least {
				least, chosen, offset = cost, b, vg.Point{X: vg.Length(dx), Y: vg.Length(dy)}
			}
		}
		taken = append(taken, chosen)
		// Labels takes one offset for all; the rest is a shift of the place itself.
		labels.XYs[i] = plotter.XY{X: q.X + float64(offset.X)/sx, Y: q.Y + float64(offset.Y)/sy}
	}
}

// overlap is 1 plus the shared share of the smaller box if the boxes meet, and 0 otherwise.
func overlap(a, b box) float64 {
	w, h := min(a.x1, b.x1)-max(a.x0, b.x0), min(a.y1, b.y1)-max(a.y0, b.y0)
	if w <= 0 || h <= 0 {
		return 0
	}
	return 1 + w*h/min((a.x1-a.x0)*(a.y1-a.y0), (b.x1-b.x0)*(b.y1-b.y0))
}

// inside returns the share of a name's width that the line from (ax, ay) to (bx, by) runs through.
func inside(b box, ax, ay, bx, by float64) float64 {
	const pieces = 200
	hits := 0
	for i := range pieces {
		t := (float64(i) + 0.5) / pieces
		x, y := ax+t*(bx-ax), ay+t*(by-ay)
		if x > b.x0 && x < b.x1 && y > b.y0 && y < b.y1 {
			hits++
		}
	}
	return float64(hits) / pieces * math.Hypot(bx-ax, by-ay) / (b.x1 - b.x0)
}
