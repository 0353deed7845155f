#!/bin/sh
# Files of this library are read by Python, and Python's by this library.
set -eu

if ! command -v python3 >/dev/null 2>&1; then
    echo "skipped: without python3 there is nobody to exchange files with"
    echo "0 passed, 0 failed"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 "$srcdir/tests/interchange.py" ./tests/interchange "$folder"
