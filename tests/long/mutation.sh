#!/bin/sh
# Mutants of the laws and the optimisers against the tests: MUTANTS of them (100 by default, 0 for all, 3 if
# CHECK_LONG is "short"), those of seed MUTATION_SEED (1). Ends with 77 without python3.
set -u
. "$srcdir/tests/long/instrumented.sh"

runs python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' || skip "there is no python3 (3.9 or newer)"
[ "${CHECK_LONG-}" != short ] || MUTANTS=${MUTANTS-3}
python3 -B "$srcdir/tests/mutation/mutate.py" --source "$srcdir" --build . --count "${MUTANTS:-100}" \
    --seed "${MUTATION_SEED:-1}"
