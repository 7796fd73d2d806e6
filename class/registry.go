package class

import (
	"fmt"
	"sort"
	"sync"
)

var registry = struct {
	sync.RWMutex
	byName map[string]*Class
}{byName: map[string]*Class{}}

// Register makes a class known to every replica of this process. It panics when the name is taken, a programming
// error met at start: two types called alike need a name of their own.
func Register(c *Class) {
	registry.Lock()
	defer registry.Unlock()
	if _, taken := registry.byName[c.Name]; taken {
		panic(fmt.Sprintf("dsss: two classes are named %s; give one another name", c.Name))
	}
	registry.byName[c.Name] = c
}

// Lookup returns the registered class of that name, or nil.
func Lookup(name string) *Class {
	registry.RLock()
	defer registry.RUnlock()
	return registry.byName[name]
}

// All returns the registered classes by name.
func All() []*Class {
	registry.RLock()
	defer registry.RUnlock()
	all := make([]*Class, 0, len(registry.byName))
	for _, c := range registry.byName {
		all = append(all, c)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}
