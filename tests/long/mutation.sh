#!/bin/sh
# Mutants of the laws and the optimisers against the tests: MUTANTS of them (100 by default, 0 for
# all), those of seed MUTATION_SEED (1).
set -u

exec "$srcdir/tests/mutation/mutate.py" --source "$srcdir" --build . --count "${MUTANTS:-100}" \
    --seed "${MUTATION_SEED:-1}"
