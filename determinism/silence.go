package determinism

import (
	"go/ast"
	"go/token"
	"strings"
)

// A silence is one //dsss:allow comment.
type silence struct {
	pos    token.Pos
	reason string
	used   bool
}

// silences holds them by the line that they silence.
type silences map[line]*silence

type line struct {
	file *token.File
	line int
}

const allowMark = "//dsss:allow"

// findSilences collects the comments: one that stands alone silences the next line, and one behind code its own.
func (p *pkg) findSilences() silences {
	found := silences{}
	for _, f := range p.files {
		if ast.IsGenerated(f) {
			continue
		}
		file := p.pass.Fset.File(f.FileStart)
		var code map[int]bool // lines with code, made when needed
		for _, group := range f.Comments {
			for _, c := range group.List {
				text, ok := strings.CutPrefix(c.Text, allowMark)
				if !ok || text != "" && !strings.ContainsAny(text[:1], " \t") {
					continue
				}
				if code == nil {
					code = linesWithCode(file, f)
				}
				at := file.Line(c.Pos())
				if !code[at] {
					at++
				}
				// analysistest puts what it wants into the same comment.
				text, _, _ = strings.Cut(text, "// want")
				found[line{file, at}] = &silence{pos: c.Pos(), reason: strings.TrimSpace(text)}
			}
		}
	}
	return found
}

func linesWithCode(file *token.File, f *ast.File) map[int]bool {
	lines := map[int]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n.(type) {
		case nil:
			return false
		case *ast.Comment, *ast.CommentGroup:
			return false
		}
		lines[file.Line(n.Pos())] = true
		lines[file.Line(n.End()-1)] = true
		return true
	})
	return lines
}

// at returns what silences a position, or nil. A comment without a reason silences nothing.
func (s silences) at(p *pkg, pos token.Pos) *silence {
	file := p.pass.Fset.File(pos)
	found := s[line{file, file.Line(pos)}]
	if found == nil || found.reason == "" {
		return nil
	}
	return found
}

// findings returns the comments that are wrong themselves.
func (s silences) findings(p *pkg) []Finding {
	var all []Finding
	for _, x := range s {
		var what string
		switch {
		case x.reason == "":
			what = "//dsss:allow has no reason: say on the same line why this is deterministic"
		case !x.used:
			what = "//dsss:allow silences nothing: remove it"
		default:
			continue
		}
		all = append(all, Finding{
			Position: p.pass.Fset.Position(x.pos),
			Reason:   Reason{Category: Silence, What: what, At: p.place(x.pos)},
			Message:  what,
			pos:      x.pos,
		})
	}
	return all
}
