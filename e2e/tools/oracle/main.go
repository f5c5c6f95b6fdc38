// Oracle says what OPA makes of a policy: its plan, as `opa build` writes it, and what OPA's own evaluator answers.
//
// It reads requests from standard input, one JSON document a line, and writes one line for each. A request is a policy
// and all that is asked of it, so that it is compiled once. Nothing of a request outlives its answer.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
)

// request is a policy and what is asked of it. Documents come as text, so that numbers keep how they are written.
type request struct {
	// Modules are Rego files by name.
	Modules map[string]string `json:"modules"`
	Data    string            `json:"data"`
	Inputs  []string          `json:"inputs"`
	// Entrypoints are paths such as `t/allow`.
	Entrypoints []string `json:"entrypoints"`
	// Levels are those of `opa build -O`.
	Levels []int `json:"levels"`
}

// reply is what OPA makes of it.
type reply struct {
	// Error is why OPA refuses the policy itself.
	Error string `json:"error,omitempty"`
	// Places are where in the modules, if OPA says so.
	Places []place `json:"places,omitempty"`
	Builds []build `json:"builds,omitempty"`
}

// place is a row of a file.
type place struct {
	File string `json:"file"`
	Row  int    `json:"row"`
}

// build is the policy at one level of optimization.
type build struct {
	Level int `json:"level"`
	// Entrypoints are those that this build has.
	Entrypoints []string `json:"entrypoints,omitempty"`
	// Plan is a plan.json.
	Plan string `json:"plan,omitempty"`
	// Error is why there is no plan.
	Error string `json:"error,omitempty"`
	// Answers are those to each input of each entrypoint, first lenient, then strict: entrypoint by entrypoint, input by
	// input.
	Answers []answer `json:"answers,omitempty"`
}

// answer is one decision.
type answer struct {
	// Value is written as Rego writes it; absent where the decision is undefined or an error.
	Value *string `json:"value,omitempty"`
	// Code is an error's, such as `eval_conflict_error`.
	Code    string   `json:"code,omitempty"`
	Message string   `json:"message,omitempty"`
	Prints  []string `json:"prints,omitempty"`
	// Otherwise is what OPA answers, if that is something else, where its store keeps data as terms
	// (`--optimize-store-for-read-speed`), where comprehensions have no index, and where modules that were optimized are written
	// down and read again, as in a bundle. None should show: but what a `with` puts
	// into an object of the store may stay there in the other form, and a comprehension with an index is evaluated for all
	// values of the variables around it.
	Otherwise []answer `json:"otherwise,omitempty"`
}

// stack is what OPA's compiler may take: it has no end for some recursive types.
const stack = 128 << 20

func main() {
	debug.SetMaxStack(stack)
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	decoder := json.NewDecoder(in)
	for decoder.More() {
		var asked request
		if err := decoder.Decode(&asked); err != nil {
			fail(err)
		}
		if err := encoder.Encode(answers(context.Background(), &asked)); err != nil {
			fail(err)
		}
		if err := out.Flush(); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "oracle:", err)
	os.Exit(1)
}
