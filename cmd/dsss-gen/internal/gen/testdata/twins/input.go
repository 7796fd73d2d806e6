// Package twins has two classes that share a struct, names that stand in a generator's way, and an id by hand.
package twins

//go:generate go run dsss/cmd/dsss-gen

// Names that generated code would like to have.
var (
	flat        = 1
	context     = 2
	flatbuffers = 3
	slices      = 4
	bookClass   = 5
)

func buildBook() int { return flat + context + flatbuffers + slices + bookClass }

// Page is what both have.
type Page struct {
	Number int
	Lines  []string
}

// Book is one class.
//
//dsss:class name=library.Book
type Book struct {
	Title string
	pages []Page
}

// Add adds a page; its parameters are named as badly as can be.
//
//dsss:mutator id=300
func (b *Book) Add(s Page, ctx, b2, dsss, nil, v, a, t string, type_ int) int {
	b.pages = append(b.pages, s)
	return buildBook()
}

// Pages returns the pages.
func (b *Book) Pages() []Page { return b.pages }

// shelf is a class that is not exported, and holds another class.
type shelf struct {
	books map[string]Book
	last  Page
	long  long
	tiere map[int32]Käfer
	t     map[uint8]t
	table table
}

// Structs that are called like something else.
type (
	long  struct{ string, table, namespace int }
	Käfer struct{ Größe float32 }
	t     struct{ n, keys, k, v, m int }
	table struct{ buf, check, err []t }
)

//dsss:mutator
func (s *shelf) put(b Book, last Page, err string) { s.books[b.Title] = b; s.last = last }

// Book returns the book of that title.
func (s *shelf) Book(title string) (Book, bool) { b, ok := s.books[title]; return b, ok }

// Open is how a program names what is generated for it.
func Open(s *sharedShelf) bool { _, ok := s.Book("x"); return ok }
