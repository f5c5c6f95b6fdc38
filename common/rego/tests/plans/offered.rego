package offered

a := time.now_ns()

b := opa.runtime()
