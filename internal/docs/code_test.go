package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The budgets of a source file, in lines. Beyond them a reader loses the thread: what is longer has two jobs. A function
// of a test may be longer than maxFunc, because its table is data.
const (
	maxFunc     = 60
	maxFile     = 400
	maxTestFile = 600
)

// parse reads files of a package with their comments.
func parse(t *testing.T, fset *token.FileSet, dir string, names []string) []*ast.File {
	t.Helper()
	var files []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

func TestPackageComments(t *testing.T) {
	ours, _ := list(t)
	for path, p := range ours {
		if len(p.GoFiles) == 0 {
			continue // tests only
		}
		fset := token.NewFileSet()
		var commented []string
		for i, file := range parse(t, fset, p.Dir, p.GoFiles) {
			if file.Doc != nil {
				commented = append(commented, p.GoFiles[i])
			}
		}
		if want := []string{p.Name + ".go"}; !slices.Equal(commented, want) {
			t.Errorf("%s: package comment in %v: expected one, in %v", path, commented, want)
		}
	}
}

func TestBudgets(t *testing.T) {
	ours, _ := list(t)
	for _, p := range ours {
		fset := token.NewFileSet()
		for _, file := range parse(t, fset, p.Dir, slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles)) {
			tok := fset.File(file.Pos())
			isTest := strings.HasSuffix(tok.Name(), "_test.go")
			limit := maxFile
			if isTest {
				limit = maxTestFile
			}
			if n := tok.LineCount(); n > limit {
				t.Errorf("%s: %d lines: expected at most %d", tok.Name(), n, limit)
			}
			for _, decl := range file.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok || isTest {
					continue
				}
				if n := tok.Line(fn.End()) - tok.Line(fn.Pos()) + 1; n > maxFunc {
					t.Errorf("%s: func %s has %d lines: expected at most %d", fset.Position(fn.Pos()), fn.Name.Name, n, maxFunc)
				}
			}
		}
	}
}

func TestNoInit(t *testing.T) {
	ours, _ := list(t)
	for _, p := range ours {
		fset := token.NewFileSet()
		for _, file := range parse(t, fset, p.Dir, slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles)) {
			for _, decl := range file.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s: func init: work at import hides the wiring; call it from main", fset.Position(fn.Pos()))
				}
			}
		}
	}
}

// TestNoMutableGlobals reads the syntax, not the types. What it cannot see (a method that changes its receiver) review
// must; what it takes for a write to a global may be a local of the same name, which is reason enough to rename it.
func TestNoMutableGlobals(t *testing.T) {
	ours, _ := list(t)
	for _, p := range ours {
		fset := token.NewFileSet()
		files := parse(t, fset, p.Dir, p.GoFiles)
		globals := map[string]bool{}
		for _, file := range files {
			for _, decl := range file.Decls {
				gen, ok := decl.(*ast.GenDecl)
				if !ok || gen.Tok != token.VAR {
					continue
				}
				for _, spec := range gen.Specs {
					v := spec.(*ast.ValueSpec)
					if why := mutable(gen, v); why != "" {
						t.Errorf("%s: var %s: %s", fset.Position(v.Pos()), v.Names[0].Name, why)
					}
					for _, name := range v.Names {
						globals[name.Name] = name.Name != "_"
					}
				}
			}
		}
		for _, file := range files {
			ast.Inspect(file, func(n ast.Node) bool {
				for _, target := range writes(n) {
					if name := rootIdent(target); globals[name] {
						t.Errorf("%s: writes to the package-level variable %s", fset.Position(n.Pos()), name)
					}
				}
				return true
			})
		}
	}
}

// mutable says what is wrong with the declaration of a package-level variable; "" when it is a constant in all but name:
// an embedded file, what the linker sets, an interface guard, the result of a call, an unexported table.
func mutable(gen *ast.GenDecl, v *ast.ValueSpec) string {
	if len(v.Values) == 0 {
		if doc := comments(gen.Doc, v.Doc); strings.Contains(doc, "//go:embed ") || strings.Contains(doc, "-ldflags") {
			return ""
		}
		return "declared without a value, so something must set it later"
	}
	for _, value := range v.Values {
		switch x := value.(type) {
		case *ast.CallExpr:
			if fun, ok := x.Fun.(*ast.Ident); ok && (fun.Name == "make" || fun.Name == "new") {
				return "made empty, so something must fill it later"
			}
		case *ast.UnaryExpr:
			if x.Op == token.AND {
				return "a pointer to a value that anybody may change"
			}
		case *ast.CompositeLit:
			if sel, ok := x.Type.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && (pkg.Name == "sync" || pkg.Name == "atomic") {
					return "exists to be changed"
				}
			}
			if table(x.Type) && v.Names[0].IsExported() {
				return "a table that any package may change; a function returns a fresh one"
			}
		}
	}
	return ""
}

// table reports whether t is a map or a slice, whose elements anybody who sees it can change.
func table(t ast.Expr) bool {
	switch x := t.(type) {
	case *ast.MapType:
		return true
	case *ast.ArrayType:
		return x.Len == nil
	}
	return false
}

func comments(groups ...*ast.CommentGroup) string {
	var b strings.Builder
	for _, g := range groups {
		if g == nil {
			continue
		}
		for _, c := range g.List {
			b.WriteString(c.Text + "\n")
		}
	}
	return b.String()
}

// writes returns the expressions that n writes to, and the variable that it takes the address of.
func writes(n ast.Node) []ast.Expr {
	switch x := n.(type) {
	case *ast.AssignStmt:
		if x.Tok != token.DEFINE {
			return x.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{x.X}
	case *ast.RangeStmt:
		if x.Tok == token.ASSIGN {
			return []ast.Expr{x.Key, x.Value}
		}
	case *ast.UnaryExpr:
		if _, whole := x.X.(*ast.Ident); whole && x.Op == token.AND { // &table[i] only spares a copy
			return []ast.Expr{x.X}
		}
	case *ast.CallExpr:
		if fun, ok := x.Fun.(*ast.Ident); ok && len(x.Args) > 0 && (fun.Name == "delete" || fun.Name == "clear" || fun.Name == "copy") {
			return x.Args[:1]
		}
	}
	return nil
}

// rootIdent is the variable that an expression reaches into: "x" of x.f[i]; "" when there is none.
func rootIdent(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x.Name
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return ""
		}
	}
}

// TestMutableSeesThrough keeps the rules above honest: each must find what it is there for.
func TestMutableSeesThrough(t *testing.T) {
	for _, tt := range []struct {
		name, decl string
		found      bool
	}{
		{"sentinel", `var ErrX = errors.New("x")`, false},
		{"guard", `var _ I = (*T)(nil)`, false},
		{"expression", `var re = regexp.MustCompile("x")`, false},
		{"table", `var known = map[string]int{}`, false},
		{"linked in", "// version is set by -ldflags.\nvar version string", false},
		{"embedded", "//go:embed sheet.html\nvar sheet string", false},
		{"exported table", `var Known = map[string]int{}`, true},
		{"zero value", `var count int`, true},
		{"made", `var seen = make(map[string]bool)`, true},
		{"pointer", `var current = &T{}`, true},
		{"lock", "// mu guards all.\nvar mu = sync.Mutex{}", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+tt.decl, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			gen := file.Decls[0].(*ast.GenDecl)
			if why := mutable(gen, gen.Specs[0].(*ast.ValueSpec)); (why != "") != tt.found {
				t.Errorf("got %q, want a finding: %v", why, tt.found)
			}
		})
	}
}
