#!/bin/sh
# The examples run, reach what they say, and draw. Those that take minutes run for seconds (--quick), in
# which they improve a little; they are skipped, and the whole with them (77), where Fashion-MNIST or the
# dictionary is not installed.
set -u

programs=$(pwd)/examples
fashion=/usr/share/datasets/fashion-mnist
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
passed=0
failed=0

# try PICTURE PROGRAM ARGUMENT...: the program succeeds and leaves the picture, or none if that is "."
try() {
    picture=$1
    shift
    if "$programs/$@" && test -s "$picture"; then
        passed=$((passed + 1))
    else
        echo "failed: $*"
        failed=$((failed + 1))
    fi
}

try regression.svg regression
try diagnosis.svg diagnosis
try embeddings.svg embeddings
try autoencoder.png autoencoder
try . characters
try . newton
if [ -d "$fashion" ]; then
    try conv_net.svg conv_net --quick
    try distillation.svg distillation --quick
fi
if zcat 2>/dev/null </usr/share/dictd/foldoc.dict.dz | tr -d '{}' >foldoc.txt && [ -s foldoc.txt ]; then
    try . language_model --quick foldoc.txt
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] || exit 1
[ -d "$fashion" ] || echo "skipped: conv_net, distillation: Debian's package dataset-fashion-mnist"
[ -s foldoc.txt ] || echo "skipped: language_model: Debian's package dict-foldoc"
[ -d "$fashion" ] && [ -s foldoc.txt ] || exit 77
