// Package gen reads a Go package and writes what lets its annotated structs be shared: for each struct with methods
// marked //dsss:mutator a proxy with codecs and verifiers (TYPE_dsss.go), the FlatBuffers schema of its wire form
// (TYPE.fbs), and for the package a lock file (dsss.lock) that keeps every id for ever.
//
// A run goes through the files of this folder in this order:
//
//	load       the package as go/types sees it, our own earlier output set aside
//	directive  the //dsss: comments
//	model      classes; method reads mutators and getters, types says which types can travel, mutating which methods
//	           change state, hosted what getters are on the wire, reserved which names a proxy has already
//	lock       ids, from dsss.lock or new
//	table      the FlatBuffers tables behind the types, from which schema, codec, verifier and copier are written
//	layout     where the fields of simple arguments always stand
//	emit       the text: fbs, codec, layout, state, copy, proxy, hosted
//	output     files, written whole or not at all; explain tells about them instead
//
// Everything found wrong is a Problem with a position; a run reports all of them and then writes nothing.
package gen

import (
	"path/filepath"
)

// LockFile is the name of the file of ids, one in each package that has classes. It is committed.
const LockFile = "dsss.lock"

// Generate returns the files that the package in dir should have, and those of classes that are gone, with absolute
// names. The error is a Problems when the package's source is at fault.
func Generate(dir string) ([]File, error) {
	_, files, err := run(dir)
	return files, err
}

// run is Generate, and returns what it has learned of the package too.
func run(dir string) (*Package, []File, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	var problems Problems
	src, err := load(dir)
	if err != nil {
		return nil, nil, err
	}
	pkg := readModel(src, &problems)
	lock, err := readLock(filepath.Join(dir, LockFile), &problems)
	if err != nil {
		return nil, nil, err
	}
	if len(problems) == 0 {
		// Ids are given only to a model that is whole: a struct with a refused field has an incomplete layout.
		lock.assign(pkg, &problems)
	}
	names := newNames(src.types.Scope().Names())
	files := make([]File, 0, 2*len(pkg.Classes)+1)
	if len(problems) == 0 {
		for _, c := range pkg.Classes {
			files = append(files, emitClass(pkg, c, names, lock.idLines(pkg, c), &problems)...)
		}
		if len(pkg.Classes) > 0 || lock.read {
			files = append(files, File{Name: filepath.Join(dir, LockFile), Text: lock.format(), Gone: len(pkg.Classes) == 0})
		}
		old, err := stale(dir, files)
		if err != nil {
			return nil, nil, err
		}
		if files = append(files, old...); len(files) == 0 {
			problems.add(src.at(src.files[0].Package), "package %s has no method marked //dsss:mutator; mark the methods that change shared state", pkg.Name)
		}
	}
	if err := src.reportTypeErrors(pkg, names, files, &problems); err != nil {
		return nil, nil, err
	}
	if err := problems.err(); err != nil {
		return nil, nil, err
	}
	return pkg, files, nil
}
