package io

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"
)

type T struct{ text string }

//dsss:mutator
func (t *T) All() {
	fmt.Println(t.text)                   // want `calls fmt\.Println: do it outside of the mutator`
	fmt.Fprintln(os.Stderr, t.text)       // want `uses os\.Stderr` `calls \(\*os\.File\)\.Write`
	log.Print(t.text)                     // want `calls log\.Print`
	b, _ := os.ReadFile(t.text)           // want `calls os\.ReadFile`
	f, _ := os.Create(string(b))          // want `calls os\.Create`
	defer f.Close()                       // want `calls \(\*os\.File\)\.Close`
	_, _ = net.Dial("tcp", "localhost:1") // want `calls net\.Dial`
	_, _ = http.Get("http://localhost")   // want `calls http\.Get`
	_ = syscall.Getpid()                  // want `calls syscall\.Getpid`
	_, _ = filepath.Glob("*")             // want `calls filepath\.Glob`
	println(t.text)                       // want `prints to standard error`
}

//dsss:mutator
func (t *T) Memory() error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s", t.text)
	io.Copy(&b, strings.NewReader(t.text))
	if err := json.NewEncoder(&b).Encode(t); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	text, err := json.Marshal(map[string]int{"a": 1})
	if err != nil {
		return err
	}
	t.text = b.String() + string(text) + filepath.Join("a", "b") + net.ParseIP("::1").String()
	return template.Must(template.New("t").Parse("{{.}}")).Execute(&b, t.text)
}
