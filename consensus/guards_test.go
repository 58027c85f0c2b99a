package consensus

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"sync"
	"unsafe"

	"polso/consensus/lease"
)

// guards are the names of the ledger's guards, in order of their bits, as its source has them.
var guards = sync.OnceValue(func() (names []string) {
	f, err := parser.ParseFile(token.NewFileSet(), "lease/guard.go", nil, 0)
	if err != nil {
		panic(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "off") {
			names = append(names, v.Names[0].Name)
		}
		return true
	})
	return names
})

// switchOff switches guards of a ledger off. Product code has no way to do it, so this one goes past the compiler.
func switchOff(l *lease.Ledger, names []string) {
	var bits uint64
	for _, name := range names {
		at := -1
		for i, g := range guards() {
			if g == name {
				at = i
			}
		}
		if at < 0 {
			panic("the ledger has no guard " + name)
		}
		bits |= 1 << at
	}
	v := reflect.ValueOf(l).Elem()
	mu := (*sync.Mutex)(unsafe.Pointer(v.FieldByName("mu").UnsafeAddr()))
	off := v.FieldByName("off")
	mu.Lock()
	defer mu.Unlock()
	reflect.NewAt(off.Type(), unsafe.Pointer(off.UnsafeAddr())).Elem().SetUint(bits)
}
