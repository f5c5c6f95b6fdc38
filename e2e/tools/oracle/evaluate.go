package main

import (
	"context"
	"errors"
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
	store := inmem.NewFromObject(data)
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
