#!/bin/sh
# Every block of C in the README, in CONTRIBUTING and in docs/ compiles as C and as C++, and prints what the
# block of text that follows it says.
#
# A block with a main is a program. Another one is the inside of a main in which `arena` is an arena.
#
# They run in a folder that has the source's examples/data and nothing else, and may leave files there.
# AG_CC and AG_CXX compile and link in one command; AG_FLAGS names the headers and the library.
set -u

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/source/examples"
ln -s "$(cd "$srcdir" && pwd)/examples/data" "$folder/source/examples/data"
passed=0
failed=0

# blocks PAGE: each ```c block goes to N.c, and the ```text block that directly follows it to N.expected
blocks() {
    rm -f "$folder"/*.c "$folder"/*.cc "$folder"/*.expected
    awk -v folder="$folder" '
        /^```c$/ {
            n++
            out = folder "/" n ".c"
            printf "" > (folder "/" n ".expected")
            next
        }
        /^```text$/ && n { out = folder "/" n ".expected"; next }
        /^```/ { out = ""; next }
        out != "" { print > out }
    ' "$1"
}

# Completes what is only the inside of a main.
complete() {
    ! grep -q '^int main(' "$1" || return 0
    {
        echo '#include <autograd/autograd.h>'
        echo '#include <stdio.h>'
        echo 'int main(void) { ag_arena *arena = ag_arena_create(0);'
        cat "$1"
        echo 'ag_arena_destroy(arena); return 0; }'
    } >"$folder/completed"
    mv "$folder/completed" "$1"
}

# try PAGE COMPILER SOURCE EXPECTED
try() {
    if $2 -Wall -Wextra -Werror -o "$folder/program" "$3" $AG_FLAGS &&
        (cd "$folder/source" && ../program) >"$folder/printed" && diff "$4" "$folder/printed"; then
        passed=$((passed + 1))
    else
        echo "failed: $2 on block $(basename "$3") of $1"
        failed=$((failed + 1))
    fi
}

# What the README's first program has learnt is in its file.
learnt() {
    if grep -q '"0.weight":{"dtype":"F32","shape":\[16,30\]' "$folder/source/model.safetensors"; then
        passed=$((passed + 1))
    else
        echo "failed: the first program of README.md has not left model.safetensors"
        failed=$((failed + 1))
    fi
}

for page in "$srcdir"/README.md "$srcdir"/CONTRIBUTING.md "$srcdir"/docs/*.md; do
    [ -f "$page" ] || continue
    blocks "$page"
    for source in "$folder"/*.c; do
        [ -f "$source" ] || continue
        complete "$source"
        try "$page" "$AG_CC" "$source" "${source%.c}.expected"
        cp "$source" "${source%.c}.cc"
        try "$page" "$AG_CXX" "${source%.c}.cc" "${source%.c}.expected"
    done
done
learnt
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -ge 5 ]
