package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/compile"
	"github.com/open-policy-agent/opa/v1/util"
)

// answers compiles the policy at each level and evaluates all that is asked.
func answers(ctx context.Context, asked *request) reply {
	var data map[string]any
	if err := util.UnmarshalJSON([]byte(asked.Data), &data); err != nil {
		return reply{Error: fmt.Sprintf("data: %v", err)}
	}
	inputs := make([]*ast.Term, len(asked.Inputs))
	for i, text := range asked.Inputs {
		var input any
		if err := util.UnmarshalJSON([]byte(text), &input); err != nil {
			return reply{Error: fmt.Sprintf("input %d: %v", i, err)}
		}
		value, err := ast.InterfaceToValue(input)
		if err != nil {
			return reply{Error: fmt.Sprintf("input %d: %v", i, err)}
		}
		inputs[i] = ast.NewTerm(value)
	}
	var out reply
	for _, level := range asked.Levels {
		one, err := at(ctx, asked, data, inputs, level)
		if err != nil && level == 0 {
			return reply{Error: err.Error(), Places: places(err)}
		}
		if err != nil {
			one = build{Level: level, Error: err.Error()}
		}
		out.Builds = append(out.Builds, one)
	}
	return out
}

// at builds the policy at one level and evaluates all that is asked. OPA panics now and then (its optimizer, where a key of a
// rule is a number): that is an error like others.
func at(
	ctx context.Context, asked *request, data map[string]any, inputs []*ast.Term, level int,
) (one build, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	built, entrypoints, err := compiled(ctx, asked, data, level)
	if err != nil {
		return build{}, err
	}
	found, err := evaluated(ctx, built, data, entrypoints, inputs)
	return build{Level: level, Entrypoints: entrypoints, Plan: string(built.PlanModules[0].Raw), Answers: found}, err
}

// compiled does what `opa build -t plan` does with these files, flags and level. The optimizer takes no package and no
// rule that is never defined for an entrypoint: those are left out, and the others returned.
func compiled(ctx context.Context, asked *request, data map[string]any, level int) (*bundle.Bundle, []string, error) {
	entrypoints := asked.Entrypoints
	if level > 0 {
		entrypoints = without(entrypoints, func(name string) bool { return !strings.Contains(name, "/") })
	}
	for len(entrypoints) > 0 {
		source, err := parsed(asked, data)
		if err != nil {
			return nil, nil, err
		}
		compiler := compile.New().
			WithCapabilities(ast.CapabilitiesForThisVersion()).
			WithTarget(compile.TargetPlan).
			WithRegoVersion(ast.RegoV1).
			WithRegoAnnotationEntrypoints(true).
			WithEnablePrintStatements(true).
			WithEntrypoints(entrypoints...).
			WithOptimizationLevel(level).
			WithBundle(source)
		err = compiler.Build(ctx)
		if err == nil {
			return compiler.Bundle(), entrypoints, nil
		}
		reference, undefined := strings.CutPrefix(err.Error(), "undefined entrypoint data.")
		if !undefined {
			return nil, nil, err
		}
		entrypoints = without(entrypoints, func(name string) bool {
			return strings.ReplaceAll(name, "/", ".") == reference
		})
	}
	return nil, nil, errors.New("no entrypoint is left")
}

func without(names []string, gone func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(names), gone)
}

// parsed is the bundle that `opa build` makes of the files, each time anew: the optimizer works on it in place.
func parsed(asked *request, data map[string]any) (*bundle.Bundle, error) {
	source := &bundle.Bundle{Data: data}
	source.SetRegoVersion(ast.RegoV1)
	source.Manifest.Init()
	for _, name := range util.KeysSorted(asked.Modules) {
		text := asked.Modules[name]
		module, err := ast.ParseModuleWithOpts(name, text, ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true})
		if err != nil {
			return nil, err
		}
		source.Modules = append(source.Modules,
			bundle.ModuleFile{URL: name, Path: name, Parsed: module, Raw: []byte(text)})
	}
	return source, nil
}

// places are where in the modules an error of OPA's compiler was found.
func places(err error) []place {
	var several ast.Errors
	if !errors.As(err, &several) {
		return nil
	}
	var out []place
	for _, one := range several {
		if one.Location != nil {
			out = append(out, place{File: one.Location.File, Row: one.Location.Row})
		}
	}
	return out
}
