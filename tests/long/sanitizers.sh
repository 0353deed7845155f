#!/bin/sh
# All tests, or SANITIZED_TESTS, with AddressSanitizer and UndefinedBehaviorSanitizer; those of bad inputs,
# hostile files and the engine if CHECK_LONG is "short". Ends with 77 without the sanitizers.
set -u
. "$srcdir/tests/long/instrumented.sh"

[ "${CHECK_LONG-}" != short ] ||
    SANITIZED_TESTS=${SANITIZED_TESTS-"tests/check_bad_inputs tests/check_engine tests/check_hostile_files"}
can_link "${CC:-cc}" -fsanitize=address,undefined ||
    skip "${CC:-cc} cannot link with -fsanitize=address,undefined (Debian: libasan, libubsan of gcc)"
echo "with address and undefined-behaviour sanitizers: ${SANITIZED_TESTS:-all tests}"
set -- CFLAGS="$(optimised -O1)" CXXFLAGS="$(optimised -O1)"
[ "${CHECK_LONG-}" != short ] || set -- "$@" --disable-shared
configure_copy --enable-sanitizers=address,undefined "$@" || exit 1
cd "$folder/build" || exit 1
CK_TIMEOUT_MULTIPLIER=20
export CK_TIMEOUT_MULTIPLIER
"$MAKE" -s -k -j2 check ${SANITIZED_TESTS:+"TESTS=$SANITIZED_TESTS" "check_PROGRAMS=$SANITIZED_TESTS"} >log 2>&1
status=$?
grep -E '^(FAIL|ERROR)' log
[ "$status" -eq 0 ] || tail -n 60 log test-suite.log
awk '/^# (TOTAL|PASS|SKIP|FAIL|ERROR):/ { count[$2] = $3 } END {
    printf "address and undefined-behaviour sanitizers: %d of %d programs and scripts passed, %d skipped, %d failed\n",
        count["PASS:"], count["TOTAL:"], count["SKIP:"], count["FAIL:"] + count["ERROR:"] }' log
exit "$status"
