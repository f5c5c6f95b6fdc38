package main

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/print"
)

// patience is how long an evaluation may take; one that takes longer fails with `eval_cancel_error`.
const patience = 5 * time.Second

// printed collects what a policy prints.
type printed []string

func (p *printed) Print(_ print.Context, line string) error {
	*p = append(*p, line)
	return nil
}

// evaluated asks OPA's own evaluator about the modules that were built (rewritten, where they were optimized).
func evaluated(
	ctx context.Context, built *bundle.Bundle, data map[string]any, entrypoints []string, inputs []*ast.Term,
) ([]answer, error) {
	modules := map[string]*ast.Module{}
	for _, file := range built.Modules {
		modules[file.URL] = file.Parsed
	}
	compiler := ast.NewCompiler().WithEnablePrintStatements(true)
	if compiler.Compile(modules); compiler.Failed() {
		return nil, compiler.Errors
	}
	out, err := asked(ctx, compiler, inmem.NewFromObject(data), entrypoints, inputs)
	if err != nil {
		return nil, err
	}
	terms := inmem.NewFromObjectWithOpts(data, inmem.OptReturnASTValuesOnRead(true))
	written := reread(modules)
	plain := ast.NewCompiler().WithEnablePrintStatements(true).WithSkipStages(ast.StageBuildComprehensionIndices)
	if plain.Compile(modules); plain.Failed() {
		return nil, plain.Errors
	}
	for _, way := range []struct {
		compiler *ast.Compiler
		store    storage.Store
	}{{compiler, terms}, {plain, inmem.NewFromObject(data)}, {plain, terms}, {written, inmem.NewFromObject(data)}} {
		if way.compiler == nil {
			continue
		}
		others, err := asked(ctx, way.compiler, way.store, entrypoints, inputs)
		if err != nil {
			return nil, err
		}
		for i := range out {
			if !reflect.DeepEqual(out[i].Value, others[i].Value) || out[i].Code != others[i].Code ||
				!reflect.DeepEqual(out[i].Prints, others[i].Prints) {
				out[i].Otherwise = append(out[i].Otherwise, others[i])
			}
		}
	}
	return out, nil
}

// reread compiles the modules as they are when they were written down and read again, which is how a bundle has those that were
// optimized; nil where they can't be.
func reread(modules map[string]*ast.Module) *ast.Compiler {
	again := map[string]*ast.Module{}
	optimized := false
	for name, module := range modules {
		optimized = optimized || strings.HasPrefix(name, "optimized/")
		parsed, err := ast.ParseModuleWithOpts(name, module.String(), ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			return nil
		}
		again[name] = parsed
	}
	if !optimized {
		return nil
	}
	compiler := ast.NewCompiler().WithEnablePrintStatements(true)
	if compiler.Compile(again); compiler.Failed() {
		return nil
	}
	return compiler
}

// asked asks what was compiled in one way, with the data in one store.
func asked(
	ctx context.Context, compiler *ast.Compiler, store storage.Store, entrypoints []string, inputs []*ast.Term,
) ([]answer, error) {
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Abort(ctx, txn)
	if err := ast.CheckPathConflicts(compiler, storage.NonEmpty(ctx, store, txn)); err != nil {
		return nil, err
	}
	var out []answer
	for _, entrypoint := range entrypoints {
		query, result, err := question(compiler, entrypoint)
		if err != nil {
			return nil, err
		}
		for _, strict := range []bool{false, true} {
			for _, input := range inputs {
				var lines printed
				found := answer{}
				cancel := topdown.NewCancel()
				timer := time.AfterFunc(patience, cancel.Cancel)
				err := topdown.NewQuery(query).
					WithCompiler(compiler).
					WithStore(store).
					WithTransaction(txn).
					WithInput(input).
					WithCancel(cancel).
					WithTime(time.Unix(1_700_000_000, 0)).
					WithStrictBuiltinErrors(strict).
					WithPrintHook(&lines).
					Iter(ctx, func(bindings topdown.QueryResult) error {
						text := bindings[result].String()
						found.Value = &text
						return nil
					})
				timer.Stop()
				if err != nil {
					found = failed(err)
				}
				found.Prints = lines
				out = append(out, found)
			}
		}
	}
	return out, nil
}

// question is the compiled query of an entrypoint and the variable that gets its value.
func question(compiler *ast.Compiler, entrypoint string) (ast.Body, ast.Var, error) {
	const result = ast.Var("result")
	ref, err := ast.PtrRef(ast.DefaultRootDocument, entrypoint)
	if err != nil {
		return nil, "", err
	}
	queries := compiler.QueryCompiler()
	body, err := queries.Compile(ast.NewBody(ast.Equality.Expr(ast.VarTerm(string(result)), ast.NewTerm(ref))))
	if err != nil {
		return nil, "", err
	}
	for rewritten, original := range queries.RewrittenVars() {
		if original == result {
			return body, rewritten, nil
		}
	}
	return body, result, nil
}

func failed(err error) answer {
	var known *topdown.Error
	if errors.As(err, &known) {
		return answer{Code: known.Code, Message: strings.TrimSpace(known.Message)}
	}
	return answer{Code: "unknown", Message: err.Error()}
}
