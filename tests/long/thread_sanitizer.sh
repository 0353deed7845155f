#!/bin/sh
# check_threads under ThreadSanitizer, with clang and its OpenMP runtime: gcc's is not instrumented and
# gives false alarms. Ends with 77 without clang, libomp or the sanitizer.
set -u

compiler=${CLANG:-clang}
make=${MAKE:-make}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

cat >"$folder/try.c" <<'PROGRAM'
#include <omp.h>
int main(void)
{
    int sum = 0;
#pragma omp parallel num_threads(2) reduction(+ : sum)
    sum += omp_get_thread_num();
    return sum != 1;
}
PROGRAM
if ! "$compiler" -fopenmp -fsanitize=thread "$folder/try.c" -o "$folder/try" 2>"$folder/log"; then
    echo "skipped: $compiler cannot build OpenMP programs with -fsanitize=thread (Debian: clang, libomp-dev)"
    exit 77
fi

"$make" -s distdir distdir="$folder/source" >"$folder/log" 2>&1 && chmod -R u+w "$folder/source" &&
    mkdir "$folder/build" && cd "$folder/build" &&
    ../source/configure --quiet --disable-shared CC="$compiler" CXX="$compiler++" \
        CFLAGS='-O1 -g -fsanitize=thread -fno-omit-frame-pointer' >>../log 2>&1 &&
    "$make" -s tests/check_threads >>../log 2>&1 || { tail -n 30 "$folder/log"; exit 1; }

THREAD_STEPS=${THREAD_STEPS-$([ "${CHECK_LONG-}" = short ] && echo 20 || echo 1000)}
export THREAD_STEPS
# A process with threads that forks under the sanitizer can start no more of them: libomp's would end it.
WITHOUT_FORKS=1 CK_FORK=no \
    TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1 exitcode=66" \
    ./tests/check_threads 2>"$folder/reports"
status=$?
cat "$folder/reports"
[ "$status" -eq 0 ] && ! grep -q 'WARNING: ThreadSanitizer' "$folder/reports"
