#!/bin/sh
# The same bits for any number of threads: of 200 training steps in deterministic mode, and of all
# losses and gradients without it.
set -eu

expected=
failed=0
for threads in 1 2 3 8; do
    hashes=$(OMP_NUM_THREADS=$threads ./tests/train_hash | tr '\n' ' ')
    echo "OMP_NUM_THREADS=$threads: $hashes"
    [ -n "$expected" ] || expected=$hashes
    [ "$hashes" = "$expected" ] || failed=$((failed + 1))
done
echo "$((4 - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
