package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	kit "github.com/open-policy-agent/opa/build/generate-extended-cases"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/compile"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// build is what `opa build -t plan -e <entrypoint>` makes of a case.
type build struct {
	Level      int             `json:"level"`
	Entrypoint string          `json:"entrypoint"`
	Plan       json.RawMessage `json:"plan,omitempty"`
	// Says is what OPA's own evaluator answers from the Rego of the same build: the optimizer changes what some cases are about.
	Says *says `json:"says,omitempty"`
	// Error is why OPA builds none: the query names no rule, or its planner or optimizer refuses.
	Error string `json:"error,omitempty"`
}

// says is an answer: a value, an error, or neither.
type says struct {
	Defined bool   `json:"defined"`
	Value   any    `json:"value,omitempty"`
	Code    string `json:"code,omitempty"`
}

// question matches a query that asks a rule for its value.
var question = regexp.MustCompile(`^data((?:\.\w+)+) = ([a-z]\w*)$`)

// notVariables look like one.
var notVariables = []string{"input", "data", "true", "false", "null"}

// builds makes the plans of a case at -O=0 and -O=1, and names the variable that the query binds. A query that asks anything
// else than a rule's value is no entrypoint: it has none.
func builds(ctx context.Context, tc *kit.ExtendedTestCase) ([]build, string) {
	asked := question.FindStringSubmatch(tc.Query)
	if asked == nil || slices.Contains(notVariables, asked[2]) {
		return nil, ""
	}
	entrypoint := strings.ReplaceAll(asked[1][1:], ".", "/")
	var out []build
	for level := range 2 {
		one := build{Level: level, Entrypoint: entrypoint}
		if built, err := built(ctx, tc, entrypoint, level); err != nil {
			one.Error = err.Error()
		} else {
			one.Plan = built.PlanModules[0].Raw
			if level > 0 {
				one.Says = evaluated(ctx, tc, built, "data"+asked[1])
			}
		}
		out = append(out, one)
	}
	return out, asked[2]
}

func built(ctx context.Context, tc *kit.ExtendedTestCase, entrypoint string, level int) (_ *bundle.Bundle, err error) {
	// OPA's optimizer does panic now and then.
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	capabilities := ast.CapabilitiesForThisVersion()
	if tc.ExperimentalKeywords {
		capabilities = ast.CapabilitiesForThisVersion(ast.CapabilitiesExperimentalKeywords(true))
	}
	source := &bundle.Bundle{Data: map[string]any{}}
	if tc.Data != nil {
		maps.Copy(source.Data, *tc.Data)
	}
	source.SetRegoVersion(ast.RegoV1)
	source.Manifest.Init()
	for i, text := range tc.Modules {
		name := fmt.Sprintf("module-%d.rego", i)
		module, err := ast.ParseModuleWithOpts(name, text, ast.ParserOptions{
			RegoVersion: ast.RegoV1, ProcessAnnotation: true, Capabilities: capabilities,
		})
		if err != nil {
			return nil, err
		}
		source.Modules = append(source.Modules,
			bundle.ModuleFile{URL: name, Path: name, Parsed: module, Raw: []byte(text)})
	}
	compiler := compile.New().
		WithCapabilities(capabilities).
		WithTarget(compile.TargetPlan).
		WithRegoVersion(ast.RegoV1).
		WithEnablePrintStatements(true).
		WithEntrypoints(entrypoint).
		WithOptimizationLevel(level).
		WithBundle(source)
	if err := compiler.Build(ctx); err != nil {
		return nil, err
	}
	return compiler.Bundle(), nil
}

func evaluated(ctx context.Context, tc *kit.ExtendedTestCase, built *bundle.Bundle, query string) *says {
	options := []func(*rego.Rego){
		rego.Query(query),
		rego.Store(inmem.NewFromObject(built.Data)),
		rego.StrictBuiltinErrors(tc.StrictError),
		rego.Time(time.Unix(1_700_000_000, 0)),
	}
	for _, file := range built.Modules {
		options = append(options, rego.ParsedModule(file.Parsed))
	}
	switch {
	case tc.InputTerm != nil:
		options = append(options, rego.ParsedInput(ast.MustParseTerm(*tc.InputTerm).Value))
	case tc.Input != nil:
		options = append(options, rego.Input(*tc.Input))
	}
	results, err := rego.New(options...).Eval(ctx)
	var failure *topdown.Error
	switch {
	case errors.As(err, &failure):
		return &says{Code: failure.Code}
	case err != nil:
		return &says{Code: err.Error()}
	case len(results) == 0:
		return &says{}
	}
	return &says{Defined: true, Value: results[0].Expressions[0].Value}
}
