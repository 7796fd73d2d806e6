package inspect

// A Kind says what an [Event] is.
type Kind byte

// The kinds. What Struct and the kinds below it begin, End ends.
const (
	// Null is a nil slice, map, pointer or matrix.
	Null Kind = iota + 1
	// Value is one Scalar: Data has its bytes.
	Value
	// Values are several Scalars of a List or matrix in a row, one at least: Data has the bytes of them all.
	Values
	// Field is the name and the id of the field whose value comes next.
	Field
	// Key is a key: Data has its bytes, of a Scalar or, where that is none, of a string. Of one that is an array or a struct
	// Key has the events instead, and Data has bytes that are ordered as the keys are.
	Key
	// Piece is Data of a Text, Bytes or Binary, one byte at least.
	Piece
	// End ends what was begun last.
	End
	// Struct begins a struct, whose name is Name. In it a Field precedes each value.
	Struct
	// Map begins a map. In it a Key precedes each value.
	Map
	// Set begins a map without values: its Keys are all there is.
	Set
	// List begins a slice or an array. Scalar is that of its elements; none, when they are something else.
	List
	// Dense begins a matrix of Rows and Cols: its Values by rows.
	Dense
	// Vector begins a vector of numbers.
	Vector
	// Symmetric begins a symmetric matrix of Rows: the Values of its upper triangle, by rows.
	Symmetric
	// Text begins a string: Pieces of it, none for the empty one.
	Text
	// Bytes begins a slice or an array of bytes: Pieces of it.
	Bytes
	// Binary is Bytes that a type, whose name is Name, has written with its MarshalBinary.
	Binary
)

// depth is by how much deeper what follows stands: 1 for what begins something, -1 for an End.
func (k Kind) depth() int {
	switch {
	case k >= Struct:
		return 1
	case k == End:
		return -1
	}
	return 0
}

// An Event is one step through a state.
type Event struct {
	Kind       Kind
	Scalar     Scalar // of Value, Values, Key and List
	Name       string // of Struct, Field and Binary
	ID         int    // of Field
	Rows, Cols int64  // of Dense and Symmetric
	Texts      bool   // of List: its elements are strings
	// Data and Key are valid until the next event and must not be modified.
	Data []byte
	Key  []Event // of Key
}

// flat tells whether a List or matrix holds nothing but scalars and strings.
func (e Event) flat() bool { return e.Kind != List || e.Scalar != 0 || e.Texts }
