#!/usr/bin/env python3
"""Converts the digits data set of scikit-learn to the four IDX files of this folder.

Usage: convert.py DIGITS_CSV_GZ [FOLDER]

DIGITS_CSV_GZ has one image a line: 64 pixels from 0 to 16, row by row, then the digit. The first of
every five images goes to the test files (t10k-*), the others to the training files. FOLDER is where
this script is, unless given. Needs only the standard library; writes the same bytes every time.
"""

import csv
import gzip
import pathlib
import struct
import sys

SIDE = 8
LARGEST_PIXEL = 16
TEST_EVERY = 5
IDX_UNSIGNED_BYTE = 0x08


def read_digits(path):
    """Returns a list of (pixels, digit)."""
    digits = []
    with gzip.open(path, "rt", encoding="ascii", newline="") as file:
        for number, row in enumerate(csv.reader(file), start=1):
            values = [int(float(value)) for value in row]
            *pixels, digit = values
            if len(pixels) != SIDE * SIDE or not 0 <= digit <= 9:
                sys.exit(f"{path}, line {number}: not {SIDE}x{SIDE} pixels and a digit")
            if min(pixels) < 0 or max(pixels) > LARGEST_PIXEL:
                sys.exit(f"{path}, line {number}: a pixel is not from 0 to {LARGEST_PIXEL}")
            digits.append((bytes(pixels), digit))
    return digits


def write_idx(path, shape, content):
    """Writes an IDX file of unsigned bytes, compressed, without name and time of day in it."""
    header = struct.pack(">HBB", 0, IDX_UNSIGNED_BYTE, len(shape))
    header += struct.pack(f">{len(shape)}I", *shape)
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        file.write(header + content)


def write_set(folder, prefix, digits):
    images = b"".join(pixels for pixels, _ in digits)
    labels = bytes(digit for _, digit in digits)
    write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", (len(digits), SIDE, SIDE), images)
    write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", (len(digits),), labels)
    print(f"{prefix}: {len(digits)} images")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else pathlib.Path(__file__).parent
    digits = read_digits(sys.argv[1])
    write_set(folder, "train", [digit for i, digit in enumerate(digits) if i % TEST_EVERY != 0])
    write_set(folder, "t10k", digits[::TEST_EVERY])


if __name__ == "__main__":
    main()
