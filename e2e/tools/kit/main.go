// Kit prints OPA's own evaluation cases, each with the plan that OPA makes of it, as one JSON document.
// Once as the kit has it, the plan of a query, and once as `opa build` does, the plan of an entrypoint.
// It leaves no case out; what a machine makes of them is for its tests to say.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	kit "github.com/open-policy-agent/opa/build/generate-extended-cases"
	"github.com/open-policy-agent/opa/v1/ast"
)

// exported is a case of the kit and what a reader without a Rego parser needs beside it.
type exported struct {
	*kit.ExtendedTestCase
	File string `json:"file"`
	// InputJSON stands in for InputTerm, which is Rego, where it has a JSON form.
	InputJSON any `json:"input_json,omitempty"`
	// Builds are the case as `opa build` has it, whose entrypoint's value is what the query binds to Variable.
	Builds   []build `json:"builds,omitempty"`
	Variable string  `json:"variable,omitempty"`
}

func main() {
	if err := export(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kit:", err)
		os.Exit(1)
	}
}

func export(out io.Writer) error {
	// The loader insists on a list of exceptions: an empty one.
	if err := flag.Set("exceptions", os.DevNull); err != nil {
		return err
	}
	// The loader prints to standard output when it is unhappy; the document must stay clean.
	os.Stdout = os.Stderr
	sets, err := kit.LoadIrExtendedTestCases()
	if err != nil {
		return err
	}
	// A set comes back once for each of its cases.
	var cases []exported
	seen := map[*kit.ExtendedTestCase]bool{}
	for _, set := range sets {
		for _, tc := range set.Cases {
			if seen[tc] {
				continue
			}
			seen[tc] = true
			e := exported{ExtendedTestCase: tc, File: filepath.ToSlash(tc.Filename)}
			if tc.InputTerm != nil {
				term, err := ast.ParseTerm(*tc.InputTerm)
				if err != nil {
					return fmt.Errorf("%s: %w", tc.Note, err)
				}
				if e.InputJSON, err = tagged(term.Value); err != nil {
					return fmt.Errorf("%s: %w", tc.Note, err)
				}
			}
			e.Builds, e.Variable = builds(context.Background(), tc)
			cases = append(cases, e)
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(map[string]any{"cases": cases})
}

// tagged writes a value so that sets and keys that aren't strings survive:
// {"set": [...]}, {"object": [[key, value], ...]}, {"array": [...]}, {"scalar": ...}.
func tagged(value ast.Value) (any, error) {
	list := func(items []*ast.Term) ([]any, error) {
		out := make([]any, 0, len(items))
		for _, item := range items {
			v, err := tagged(item.Value)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	}
	switch value := value.(type) {
	case ast.Set:
		items, err := list(value.Slice())
		return map[string]any{"set": items}, err
	case *ast.Array:
		var terms []*ast.Term
		value.Foreach(func(t *ast.Term) { terms = append(terms, t) })
		items, err := list(terms)
		return map[string]any{"array": items}, err
	case ast.Object:
		var pairs []any
		err := value.Iter(func(k, v *ast.Term) error {
			pair, err := list([]*ast.Term{k, v})
			pairs = append(pairs, pair)
			return err
		})
		return map[string]any{"object": pairs}, err
	case ast.Null, ast.Boolean, ast.Number, ast.String:
		scalar, err := ast.ValueToInterface(value, nil)
		return map[string]any{"scalar": scalar}, err
	}
	return nil, fmt.Errorf("input term %v is not ground data", value)
}
