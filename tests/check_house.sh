#!/bin/sh
# What belongs to an operation stands in several places, and so does what the library exports. This
# names what was forgotten: for each line of src/tensor/op_table.h its descriptor, prototypes, bare
# names and reference; for each source its line in Makefile.am; for each symbol its prototype and
# its line in tests/exported_symbols.txt.
#
# srcdir: the source tree. AG_SHARED_LIBRARY: the built library; empty if no shared one is built.
set -u
LC_ALL=C
export LC_ALL

srcdir=${srcdir:-.}
headers=$srcdir/include/autograd
golden=$srcdir/tests/exported_symbols.txt
. "$srcdir/tests/expect.sh"

# Whether a text contains a line.
has_line() {
    printf '%s\n' "$1" | grep -Fqx -e "$2"
}

# ---- what there is ----

# Lines "loss mse_loss" and "function matmul" of the table.
list_operations() {
    awk '/^#define AG__LOSS_TABLE/ { kind = "loss" }
         /^#define AG__FUNCTION_TABLE/ { kind = "function" }
         /^#define AG__OP_TABLE/ { kind = "" }
         kind != "" && /^ *X\([a-z0-9_]+, *[a-z_]+\)/ {
             sub(/^ *X\(/, "")
             sub(/,.*/, "")
             print kind, $0
         }' "$srcdir/src/tensor/op_table.h"
}

# The files of src and include that Makefile.am names.
list_named_files() {
    awk '!/^#/ {
             for (i = 1; i <= NF; i++)
                 if ($i ~ /^(src|include)\/.*\.[ch]$/) print $i
         }' "$srcdir/Makefile.am"
}

list_files() {
    for file in "$srcdir"/src/*.[ch] "$srcdir"/src/*/*.[ch] "$srcdir"/src/*/*/*.[ch] \
        "$srcdir"/src/*/*/*/*.[ch] "$headers"/*.h; do
        [ ! -f "$file" ] || printf '%s\n' "${file#"$srcdir"/}"
    done
}

# The functions that the headers declare; "documented" before the name of one that directly follows
# a comment of the form /** ... */.
list_prototypes() {
    awk 'FNR == 1 { comment = 0; documented = 0; prototype = "" }
         prototype == "" && /^\/\*/ { comment = 1; documented = /^\/\*\*/ }
         comment { if (/\*\//) comment = 0; next }
         prototype == "" && !/^AG_API / { documented = 0; next }
         {
             prototype = prototype " " $0
             if (!/;/) next
             match(prototype, /ag_[a-z0-9_]+\(/)
             print (documented ? "documented " : "") substr(prototype, RSTART, RLENGTH - 1)
             prototype = ""
             documented = 0
         }' "$headers"/*.h
}

# The names under which the tables of tests/reference*.c list operations, quoted or not.
list_references() {
    awk '/^(static )?const reference_op .*\[\] = \{/ { table = 1; next }
         /^};/ { table = 0 }
         table {
             sub(/^ *[A-Z_]*[({] *"?/, "")
             sub(/[^a-z0-9_].*/, "")
             print
         }' "$srcdir"/tests/reference*.c
}

# What nm calls functions (T), data (D, B, R) and weak symbols (V, W), but the linker's own.
list_exported() {
    nm -D --defined-only "$AG_SHARED_LIBRARY" |
        awk '$2 ~ /^[TDBRGSVWiu]$/ && $3 !~ /^(_init|_fini|_edata|_end|__bss_start)$/ {
                 sub(/@.*/, "", $3)
                 print $3
             }'
}

operations=$(list_operations)
named_files=$(list_named_files)
prototypes=$(list_prototypes)
declared=$(printf '%s\n' "$prototypes" | awk '{ print $NF }')
references=$(list_references)
golden_symbols=$(cat "$golden")

# ---- what each operation needs ----

# check_descriptor NAME
check_descriptor() {
    sources=$(grep -l "^const ag__op ag__op_$1 = {" "$srcdir"/src/tensor/*.c \
        "$srcdir"/src/tensor/*/*.c)
    expect "op $1: no descriptor ag__op_$1 in src/tensor" test -n "$sources"
    for source in $sources; do
        expect "op $1: ${source#"$srcdir"/} is not in Makefile.am" \
            has_line "$named_files" "${source#"$srcdir"/}"
    done
}

# check_prototype NAME FUNCTION
check_prototype() {
    expect "op $1: no prototype of $2 in include/autograd" has_line "$declared" "$2"
}

# check_bare_name NAME BARE
check_bare_name() {
    expect "op $1: include/autograd/using.h does not define $2" \
        grep -q "^#define $2 ag_$2\$" "$headers/using.h"
}

check_operation() {
    check_descriptor "$1"
    check_prototype "$1" "ag_$1"
    expect "op $1: no comment /** ... */ directly before the prototype of ag_$1" \
        has_line "$prototypes" "documented ag_$1"
    expect "op $1: in no table of tests/reference*.c" has_line "$references" "$1"
}

check_loss() {
    check_prototype "$1" "ag_tensor_$1"
    check_prototype "$1" "ag_tensor_$1_grad"
    check_bare_name "$1" "$1"
    check_bare_name "$1" "tensor_$1"
    check_bare_name "$1" "tensor_$1_grad"
}

expect "src/tensor/op_table.h: no operations found" test -n "$operations"
for operation in $(printf '%s\n' "$operations" | awk '{ print $2 }'); do
    check_operation "$operation"
done
for loss in $(printf '%s\n' "$operations" | awk '$1 == "loss" { print $2 }'); do
    check_loss "$loss"
done

# ---- files ----

for file in $(list_files); do
    expect "file $file: not in Makefile.am" has_line "$named_files" "$file"
done

# ---- symbols ----

expect "tests/exported_symbols.txt: not sorted, or a line occurs twice" \
    awk '$0 <= previous { exit 1 } { previous = $0 }' "$golden"
for symbol in $golden_symbols; do
    expect "symbol $symbol: in tests/exported_symbols.txt, but without a prototype" \
        has_line "$declared" "$symbol"
done
for symbol in $declared; do
    expect "symbol $symbol: has a prototype, but is not in tests/exported_symbols.txt" \
        has_line "$golden_symbols" "$symbol"
done

check_exported() {
    exported=$(list_exported)
    expect "$AG_SHARED_LIBRARY: exports nothing" test -n "$exported"
    for symbol in $exported; do
        expect "symbol $symbol: exported, but no public name of the form ag_<name>" \
            awk -v symbol="$symbol" 'BEGIN { exit symbol !~ /^ag_[a-z0-9]/ }'
        expect "symbol $symbol: exported, but not in tests/exported_symbols.txt" \
            has_line "$golden_symbols" "$symbol"
    done
    for symbol in $golden_symbols; do
        expect "symbol $symbol: in tests/exported_symbols.txt, but not exported" \
            has_line "$exported" "$symbol"
    done
}

check_library check_exported

report
