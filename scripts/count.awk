# Of what callgrind wrote down: how many instructions there were, and how often memory was asked for, for each run.
# -v runs=N -v name=PREFIX
function asks_for_memory(name) {
  return name ~ /^(malloc|calloc|realloc|posix_memalign|aligned_alloc|memalign)('[0-9]+)?$/
}
# Names are written out where they come first, and are numbers after that.
/^c?fn=\(/ {
  id = $0; sub(/^c?fn=\(/, "", id); sub(/\).*/, "", id)
  text = $0; sub(/^c?fn=\([0-9]+\) ?/, "", text)
  if (text != "") names[id] = text
  if ($0 ~ /^cfn=/) called = id
}
/^calls=/ {
  split(substr($0, 7), parts, " ")
  if (asks_for_memory(names[called])) asked += parts[1]
}
/^(summary|totals):/ { instructions = $2 }
END {
  if (!instructions) exit 1
  printf "%s_instructions %.0f\n%s_allocs %.1f\n", name, instructions / runs, name, asked / runs
}
