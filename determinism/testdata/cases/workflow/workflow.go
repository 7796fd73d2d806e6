// Package workflow has the cases of Temporal's checker that apply to mutators and are not among the others.
package workflow

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"text/template"
	"time"
)

type T struct{ s string }

type Some struct{}

func (Some) Value()    { time.Now() }
func (*Some) Pointer() { time.Now() }

//dsss:mutator
func (t *T) All() error {
	os.Stdout.Write([]byte(t.s)) // want `uses os\.Stdout` `calls \(\*os\.File\)\.Write`
	Some{}.Value()               // want `calls time\.Now at .* through Some\.Value`
	var s Some
	s.Pointer()                              // want `calls time\.Now at .* through \(\*Some\)\.Pointer`
	_ = fmt.Sprintf("%d", time.Now().Unix()) // want `calls time\.Now`
	mutualA()                                // want `calls time\.Now at .* through mutualA`
	fineA()
	return nil
}

//dsss:mutator
func (t *T) Fine() error {
	if _, err := url.Parse("http://localhost"); err != nil {
		return err
	}
	if _, err := json.Marshal(t.s); err != nil {
		return err
	}
	m := map[string]string{}
	for k, v := range m {
		_ = fmt.Sprint(k, v)
	}
	return template.Must(template.New("t").Parse("")).Execute(nil, nil)
}

func mutualA() { mutualB(); time.Now() }
func mutualB() { mutualA() }
func fineA()   { fineB() }
func fineB()   { fineA() }
