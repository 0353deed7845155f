#!/bin/sh
# Mutants of the laws and the optimisers against the tests: MUTANTS of them (100 by default, 0 for all, 5 if
# CHECK_LONG is "short"), those of seed MUTATION_SEED (1). Ends with 77 without python3.
set -u
. "$srcdir/tests/long/instrumented.sh"

command -v python3 >/dev/null || skip "there is no python3"
[ "${CHECK_LONG-}" != short ] || MUTANTS=${MUTANTS-5}
"$srcdir/tests/mutation/mutate.py" --source "$srcdir" --build . --count "${MUTANTS:-100}" \
    --seed "${MUTATION_SEED:-1}"
