#!/usr/bin/env python3
"""Converts two data sets, as Debian's packages have them, to the CSV files of this folder.

Usage: convert.py CARS_JSON BREAST_CANCER_CSV [FOLDER]

README.md says where both come from. FOLDER is where this script is, unless given. Needs only the
standard library; writes the same bytes every time.
"""

import csv
import json
import pathlib
import sys

CAR_COLUMNS = {
    "Name": "name",
    "Miles_per_Gallon": "miles_per_gallon",
    "Cylinders": "cylinders",
    "Displacement": "cubic_inches",
    "Horsepower": "horsepower",
    "Weight_in_lbs": "pounds",
    "Acceleration": "seconds_to_60_mph",
    "Year": "year",
    "Origin": "origin",
}
CELL_PROPERTIES = [
    "radius", "texture", "perimeter", "area", "smoothness",
    "compactness", "concavity", "concave points", "symmetry", "fractal dimension",
]
STATISTICS = ["mean", "standard error", "worst"]


def write(path, rows):
    with open(path, "w", encoding="ascii", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    print(f"{path}: {len(rows) - 1} rows")


def convert_cars(source, target):
    rows = [list(CAR_COLUMNS.values())]
    for car in json.loads(pathlib.Path(source).read_text(encoding="utf-8")):
        car["Year"] = car["Year"][:4]
        rows.append(["" if car[key] is None else car[key] for key in CAR_COLUMNS])
    write(target, rows)


def convert_cells(source, target):
    with open(source, encoding="ascii", newline="") as file:
        header, *cells = csv.reader(file)
    names = header[2:]  # malignant, benign
    columns = [f"{name} ({kind})" for kind in STATISTICS for name in CELL_PROPERTIES]
    rows = [row[:-1] + [names[int(row[-1])]] for row in cells]
    write(target, [columns + ["diagnosis"]] + rows)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[3]) if len(sys.argv) == 4 else pathlib.Path(__file__).parent
    convert_cars(sys.argv[1], folder / "cars.csv")
    convert_cells(sys.argv[2], folder / "breast_cancer.csv")


if __name__ == "__main__":
    main()
