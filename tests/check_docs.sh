#!/bin/sh
# The documentation is complete: every guide is installed, and every exported function and every header
# has a manual page that is sound. Losses that docs/choosing-a-loss.md does not speak of are named.
#
# srcdir: the source tree. AWK: awk.
set -u
LC_ALL=C
export LC_ALL

srcdir=${srcdir:-.}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$srcdir/tests/expect.sh"

for guide in "$srcdir"/docs/*.md; do
    name=docs/$(basename "$guide")
    expect "$name: not in docs/docs.mk" grep -Fq "$name" "$srcdir/docs/docs.mk"
done

${AWK:-awk} -v folder="$folder" -v version=0 -f "$srcdir/docs/man.awk" "$srcdir"/include/autograd/*.h
for symbol in $(cat "$srcdir/tests/exported_symbols.txt"); do
    expect "$symbol: no manual page" grep -q '^\.so man3/autograd_[a-z]*\.3$' "$folder/$symbol.3"
done
for header in "$srcdir"/include/autograd/*.h; do
    page=autograd_$(basename "$header" .h).3
    [ "$page" != autograd_autograd.3 ] || page=autograd.3
    expect "$(basename "$header"): no manual page" test -s "$folder/$page"
    ! command -v mandoc >/dev/null ||
        expect "$page: unsound" mandoc -T lint -W error "$folder/$page"
done

sed -n '/AG__LOSS_TABLE/,/AG__FUNCTION_TABLE/s/^ *X(\([a-z0-9_]*\),.*/\1/p' "$srcdir/src/tensor/op_table.h" |
    while read -r loss; do
        grep -q "\`$loss\`" "$srcdir/docs/choosing-a-loss.md" ||
            echo "note: docs/choosing-a-loss.md does not say what $loss is for"
    done

report
