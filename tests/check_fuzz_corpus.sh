#!/bin/sh
# Every fuzz target replays its corpus, and every one has a corpus.
set -u

passed=0
failed=0
for source in "$srcdir"/tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    if ./tests/fuzz/"$name" "$srcdir/tests/fuzz/corpus/${name#fuzz_}"; then
        passed=$((passed + 1))
    else
        echo "failed: $name"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
