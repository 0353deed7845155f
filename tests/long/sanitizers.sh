#!/bin/sh
# All tests with AddressSanitizer and UndefinedBehaviorSanitizer.
set -u
. "$srcdir/tests/long/instrumented.sh"

configure_copy --enable-sanitizers=address,undefined CFLAGS=-O1 CXXFLAGS=-O1 || exit 1
cd "$folder/build" && "$MAKE" -s -k -j2 check >log 2>&1 && grep -E '^# (TOTAL|PASS|FAIL)' log ||
    { grep -E '^(FAIL|ERROR)' log; tail -n 40 tests/*.log; exit 1; }
