#!/bin/sh
# check_threads under ThreadSanitizer, with clang and its OpenMP runtime: gcc's is not instrumented and
# gives false alarms. THREAD_STEPS: 1,000, or 20 if CHECK_LONG is "short". Ends with 77 without clang,
# libomp or the sanitizer.
set -u
. "$srcdir/tests/long/instrumented.sh"

compiler=${CLANG:-clang}
can_link "$compiler" -fopenmp -fsanitize=thread && runs "$compiler++" --version ||
    skip "$compiler cannot build OpenMP programs with -fsanitize=thread (Debian: clang, libomp-dev)"
configure_copy --disable-shared --enable-sanitizers=thread CC="$compiler" CXX="$compiler++" \
    CFLAGS="$(optimised -O1)" CXXFLAGS="$(optimised -O1)" || exit 1
cd "$folder/build" || exit 1
"$MAKE" -s -j2 tests/check_threads >log 2>&1 || { tail -n 30 log; exit 1; }

THREAD_STEPS=${THREAD_STEPS-$([ "${CHECK_LONG-}" = short ] && echo 20 || echo 1000)}
export THREAD_STEPS
# A process with threads that forks under the sanitizer can start no more of them: libomp's would end it.
WITHOUT_FORKS=1 CK_FORK=no \
    TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1 exitcode=66" \
    ./tests/check_threads 2>"$folder/reports"
status=$?
cat "$folder/reports"
warnings=$(grep -c 'WARNING: ThreadSanitizer' "$folder/reports")
echo "ThreadSanitizer: 8 threads of $THREAD_STEPS steps each: $warnings reports"
[ "$status" -eq 0 ] && [ "$warnings" -eq 0 ]
