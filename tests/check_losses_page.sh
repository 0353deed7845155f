#!/bin/sh
# docs/losses.md is complete: every loss and every option of the tables has a line, and the tests it names exist.
# So is the README's list of losses, with their number.
#
# srcdir: the source tree.
set -u
LC_ALL=C
export LC_ALL

srcdir=${srcdir:-.}
page=$srcdir/docs/losses.md
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$srcdir/tests/expect.sh"

losses=$(sed -n '/AG__LOSS_TABLE/,/AG__FUNCTION_TABLE/s/^ *X(\([a-z0-9_]*\),.*/\1/p' \
    "$srcdir/src/tensor/op_table.h")
options=$(sed -n 's/^ *X([a-z_]*, "\([a-z_]*\)",.*/\1/p' "$srcdir/src/tensor/options.h")
expect "op_table.h: no losses found" test -n "$losses"
expect "options.h: no options found" test -n "$options"
for name in $losses $options; do
    expect "docs/losses.md: no line for $name, or no test in it" \
        grep -q "^| \`$name\` |.*| \`[a-z_/]*\.c: [a-z0-9_]*\`" "$page"
done

row=$(grep '^| \[`loss\.h`\]' "$srcdir/README.md")
number=$(printf '%s\n' "$losses" | wc -l | tr -d ' ')
expect "README.md: the number of losses in the row of loss.h is not $number" \
    test "${row#*"| $number losses: "}" != "$row"
for loss in $losses; do
    name=${loss%_loss}
    name=${name%_labels}
    expect "README.md: no $name in the row of loss.h" test "${row#*[ ]"$name"[,;]}" != "$row"
done

grep -o '`[a-z_/]*\.c: [a-z0-9_]*`' "$page" | tr -d '`:' | sort -u >"$folder/named"
while read -r file test; do
    expect "docs/losses.md: $file has no test $test" \
        grep -q "^START_TEST($test)" "$srcdir/tests/$file"
done <"$folder/named"

report
