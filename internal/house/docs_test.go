package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	mdLink   = regexp.MustCompile(`\]\(([^)]+)\)`)
	mdHead   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	mdTest   = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)
	mdPath   = regexp.MustCompile("`((?:internal|cmd|runtime|launcher|checkpoint|comm|examples|docs|bench|determinism)/[\\w./-]+)`")
	docName  = regexp.MustCompile(`\bdocs/[\w-]+\.md\b`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	notWord  = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
)

// TestPagesLead: what the pages refer to is there: pages and their headings, tests, folders and files; and so are the pages
// that programs and comments name.
func TestPagesLead(t *testing.T) {
	root, tests, pages := filepath.Join("..", ".."), map[string]bool{}, []string{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "out" || d.Name() == "bin"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".md"):
			pages = append(pages, path)
		case strings.HasSuffix(path, ".go"):
			text := read(t, path)
			for _, m := range testFunc.FindAllStringSubmatch(text, -1) {
				tests[m[1]] = true
			}
			for _, name := range docName.FindAllString(text, -1) {
				if _, err := os.Stat(filepath.Join(root, name)); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
		}
		return nil
	})
	if err != nil || len(pages) < 10 || len(tests) < 300 {
		t.Fatalf("%d pages, %d tests, %v", len(pages), len(tests), err)
	}
	for _, page := range pages {
		text := read(t, page)
		for _, m := range mdLink.FindAllStringSubmatch(text, -1) {
			checkLink(t, page, m[1])
		}
		for _, name := range mdTest.FindAllString(text, -1) {
			if !tests[name] {
				t.Errorf("%s: there is no %s", page, name)
			}
		}
		for _, m := range mdPath.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

// checkLink looks for the file that a link leads to, and for the heading in it.
func checkLink(t *testing.T, page, link string) {
	if strings.Contains(link, "://") {
		return
	}
	path, anchor, _ := strings.Cut(link, "#")
	to := page
	if path != "" {
		to = filepath.Join(filepath.Dir(page), path)
	}
	if _, err := os.Stat(to); err != nil {
		t.Errorf("%s: %v", page, err)
		return
	}
	if anchor == "" {
		return
	}
	for _, m := range mdHead.FindAllStringSubmatch(read(t, to), -1) {
		if strings.ReplaceAll(notWord.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == anchor {
			return
		}
	}
	t.Errorf("%s: %s has no heading %s", page, to, anchor)
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
