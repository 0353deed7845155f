#!/bin/sh
# Mutants of the laws and the optimisers against the tests: MUTANTS of them (100 by default, 0 for all, 3 if
# CHECK_LONG is "short"), those of seed MUTATION_SEED (1). What survives is tried again with sanitizers, in the
# build folder MUTATION_SANITIZED or one that is built for it (not if "short"). Ends with 77 without python3.
set -u
. "$srcdir/tests/long/instrumented.sh"

runs python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' || skip "there is no python3 (3.9 or newer)"
[ "${CHECK_LONG-}" != short ] || MUTANTS=${MUTANTS-3}
set -- --source "$srcdir" --build . --count "${MUTANTS:-100}" --seed "${MUTATION_SEED:-1}"
sanitized=${MUTATION_SANITIZED-}
if [ -z "$sanitized" ] && [ "${CHECK_LONG-}" != short ] && can_link "${CC:-cc}" -fsanitize=address,undefined; then
    echo "building with sanitizers"
    configure_copy --enable-sanitizers=address,undefined --disable-shared CFLAGS=-O1 CXXFLAGS=-O1 || exit 1
    sanitized=$folder/build
    "$MAKE" -s -C "$sanitized" -j2 check-programs >"$folder/log" 2>&1 || { tail -n 30 "$folder/log"; exit 1; }
fi
[ -z "$sanitized" ] || set -- "$@" --sanitized "$sanitized"
python3 -B "$srcdir/tests/mutation/mutate.py" "$@"
