#!/bin/sh
# The demo on the digits that come with it reaches 95 % on images that it was not trained on, and
# draws its curve.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
./examples/train_classifier --digits --require 95 --output "$folder/training.svg"
grep -q '<svg' "$folder/training.svg"
echo "1 passed, 0 failed"
