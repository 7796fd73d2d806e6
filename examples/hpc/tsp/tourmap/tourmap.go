// Package tourmap draws a round trip as a map.
package tourmap

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"dsss/examples/hpc/tsp/tsplib"
	"dsss/internal/outfile"
)

// ErrNoPlaces says that an instance gives distances only, so there is no map of it.
var ErrNoPlaces = errors.New("the instance gives no coordinates to draw a map from; leave out the picture")

// The longer side of the picture, and the bounds of its shape: a tour along a line would have no height.
const (
	side     = 30 * vg.Centimeter
	dpi      = 110
	flattest = 0.45
	margin   = 14 // points around everything
)

var (
	ink   = color.RGBA{0x22, 0x2b, 0x36, 0xff}
	faint = color.RGBA{0xdf, 0xe4, 0xea, 0xff}
	route = color.RGBA{0xc8, 0x4b, 0x31, 0xff}
	paper = color.RGBA{0xfb, 0xfb, 0xf8, 0xff}
)

// Write draws the cities of in, their names and the tour through them as a PNG file at path; a plain file appears whole or
// not at all. Cities of a GEO instance are drawn by longitude and latitude, in the plate carrée that is true in the middle of
// the map. The error is ErrNoPlaces if there are no coordinates, and otherwise names path.
func Write(path string, in *tsplib.Instance, tour []int32, title string) error {
	if in.Coords == nil {
		return ErrNoPlaces
	}
	p := plot.New()
	p.BackgroundColor = paper
	p.Title.Text = title
	p.Title.Padding = vg.Points(10)
	p.Title.TextStyle.Font = sans(15)
	p.Title.TextStyle.Color = ink
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color, axis.Label.TextStyle.Color, axis.Tick.Color, axis.Tick.Label.Color = ink, ink, ink, ink
		axis.Label.TextStyle.Font, axis.Tick.Label.Font = sans(11), sans(10)
		axis.Label.Padding = vg.Points(5)
		axis.Padding = 0
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = faint, faint
	p.Add(grid)

	places, stretch := project(in)
	p.X.Label.Text, p.Y.Label.Text = "x", "y"
	if in.Weight == "GEO" {
		p.X.Label.Text, p.Y.Label.Text = "longitude", "latitude"
		p.X.Tick.Marker, p.Y.Tick.Marker = degrees{"E", "W"}, degrees{"N", "S"}
	}
	width, height := frame(p, places, stretch)
	if err := add(p, in, places, tour, width, height); err != nil {
		return fmt.Errorf("drawing %s: %w", path, err)
	}
	return save(p, path, width, height)
}

// project returns where the cities are on the map, and how many times longer a unit of y is drawn than one of x.
func project(in *tsplib.Instance) (plotter.XYs, float64) {
	places, low, high := make(plotter.XYs, len(in.Coords)), math.Inf(1), math.Inf(-1)
	for i, c := range in.Coords {
		places[i] = plotter.XY{X: c.X, Y: c.Y}
		if in.Weight == "GEO" {
			places[i] = plotter.XY{X: tsplib.Degrees(c.Y), Y: tsplib.Degrees(c.X)}
		}
		low, high = min(low, places[i].Y), max(high, places[i].Y)
	}
	if in.Weight != "GEO" {
		return places, 1
	}
	return places, 1 / max(math.Cos((low+high)/2*math.Pi/180), 0.1)
}

// frame sets the ranges of the axes, with a margin for names, and returns the size of the picture.
func frame(p *plot.Plot, places plotter.XYs, stretch float64) (width, height vg.Length) {
	xmin, xmax, ymin, ymax := plotter.XYRange(places)
	dx, dy := max(xmax-xmin, 1e-9), max(ymax-ymin, 1e-9)
	p.X.Min, p.X.Max = xmin-0.05*dx, xmax+0.09*dx
	p.Y.Min, p.Y.Max = ymin-0.06*dy, ymax+0.06*dy
	ratio := dy * stretch / dx
	if ratio <= 1 {
		return side, side * vg.Length(max(ratio, flattest))
	}
	return side * vg.Length(max(1/ratio, flattest)), side
}

// add draws the tour, the cities and their names.
func add(p *plot.Plot, in *tsplib.Instance, places plotter.XYs, tour []int32, width, height vg.Length) error {
	round := make(plotter.XYs, 0, len(tour)+1)
	for _, v := range tour {
		round = append(round, places[v])
	}
	line, err := plotter.NewLine(append(round, round[0]))
	if err != nil {
		return err
	}
	line.Width, line.Color = vg.Points(1.8), route
	dots, err := plotter.NewScatter(places)
	if err != nil {
		return err
	}
	dots.Shape, dots.Radius, dots.Color = draw.CircleGlyph{}, vg.Points(3.2), ink
	p.Add(line, dots)

	names := make([]string, len(places))
	for i := range names {
		names[i] = in.City(i)
	}
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: places, Labels: names})
	if err != nil {
		return err
	}
	style := text.Style{Color: ink, Font: sans(10), Handler: plot.DefaultTextHandler}
	for i := range labels.TextStyle {
		labels.TextStyle[i] = style
	}
	place(p, labels, style, places, round, width, height)
	p.Add(labels)
	return nil
}

// sans is the font of everything, in a size in points.
func sans(size float64) font.Font {
	f := font.From(plot.DefaultFont, vg.Points(size))
	f.Variant = "Sans"
	return f
}

// save writes the picture.
func save(p *plot.Plot, path string, width, height vg.Length) error {
	canvas := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(paper))}
	p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
	var picture bytes.Buffer
	_, err := canvas.WriteTo(&picture)
	if err == nil {
		err = outfile.Write(path, picture.Bytes())
	}
	if err != nil {
		return fmt.Errorf("writing the map %s: %w", path, err)
	}
	return nil
}

// degrees marks an axis every 5 or 10 degrees.
type degrees struct{ positive, negative string }

func (d degrees) Ticks(low, high float64) []plot.Tick {
	step := 5.0
	for (high-low)/step > 16 {
		step *= 2
	}
	var ticks []plot.Tick
	for v := math.Ceil(low/step) * step; v <= high; v += step {
		label := fmt.Sprintf("%g°%s", math.Abs(v), map[bool]string{true: d.positive, false: d.negative}[v > 0])
		if v == 0 {
			label = "0°"
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: label})
	}
	return ticks
}
