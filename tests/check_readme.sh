#!/bin/sh
# The complete programs of the README compile as C and as C++ and print what it says they do.
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

# Each ```c block goes to N.c, and the ```text block that follows it to N.expected.
awk -v folder="$folder" '
    /^```c$/    { n++; out = folder "/" n ".c"; next }
    /^```text$/ { out = folder "/" n ".expected"; next }
    /^```/      { out = ""; next }
    out != ""   { print > out }
' "$srcdir/README.md"

# try COMPILER SOURCE EXPECTED
try() {
    if $1 -Wall -Wextra -Werror -o "$folder/program" "$2" $AG_FLAGS &&
        (cd "$folder/source" && ../program) >"$folder/printed" && diff "$3" "$folder/printed"; then
        passed=$((passed + 1))
    else
        echo "failed: $1 on program $(basename "$2") of README.md"
        failed=$((failed + 1))
    fi
}

# What the first program has learnt is in its file.
learnt() {
    if grep -q '"0.weight":{"dtype":"F32","shape":\[16,30\]' "$folder/source/model.safetensors"; then
        passed=$((passed + 1))
    else
        echo "failed: the first program of README.md has not left model.safetensors"
        failed=$((failed + 1))
    fi
}

for source in "$folder"/*.c; do
    expected=${source%.c}.expected
    try "$AG_CC" "$source" "$expected"
    cp "$source" "${source%.c}.cc"
    try "$AG_CXX" "${source%.c}.cc" "$expected"
done
learnt
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -ge 5 ]
