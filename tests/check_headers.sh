#!/bin/sh
# Every public header compiles alone, as C11 and as C++17, without a warning; and none of them names what
# users do not have: config.h, OpenMP, BLAS, headers of src.
#
# srcdir: the source tree. CC and CXX: compilers.
set -u

srcdir=${srcdir:-.}
. "$srcdir/tests/expect.sh"
warnings='-Wall -Wextra -Wpedantic -Werror -Wshadow -Wundef -Wconversion'
c_warnings="$warnings -Wstrict-prototypes -Wold-style-definition"
cxx_warnings="$warnings -Wold-style-cast -Wno-c++20-extensions"

# alone LANGUAGE HEADER COMPILER...: a program of nothing but this header, included twice
alone() {
    language=$1
    header=$2
    shift 2
    printf '#include <autograd/%s>\n#include <autograd/%s>\nint main(void) { return 0; }\n' \
        "$header" "$header" |
        "$@" -x "$language" -fsyntax-only -I"$srcdir/include" -
}

keeps_to_itself() {
    ! grep -nE '#.*include *(["<](config|omp|cblas|zlib|core/|tensor/)|")' "$1"
}

for path in "$srcdir"/include/autograd/*.h; do
    header=$(basename "$path")
    expect "$header as C11" alone c "$header" ${CC:-cc} -std=c11 $c_warnings
    expect "$header as C++17" alone c++ "$header" ${CXX:-c++} -std=c++17 $cxx_warnings
    expect "$header includes what is not installed" keeps_to_itself "$path"
done
report
