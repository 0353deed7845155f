#!/usr/bin/python3
"""Makes line_search.txt: where PyTorch's strong Wolfe line search makes its trials.

    /usr/bin/python3 generate_line_search.py line_search.txt

Made with Debian 12's package python3-torch, which is PyTorch 1.13.1; it writes the same bytes every time.
Each line is a search along one coordinate, from 0 with loss 0: the slope there, which the direction cancels, and
the number of trials; place, loss and slope of each; and where the search ends. Slopes are numbers that a float holds;
what a trial finds depends on its turn or on its place. The ends of no bracket have equal losses: of
such, PyTorch takes for the better one what stands first in its list.
"""
import math
import os
import random
import sys

os.environ.update(ATEN_CPU_CAPABILITY="avx2", OPENBLAS_CORETYPE="Haswell", OMP_NUM_THREADS="1")

import torch
from torch.optim.lbfgs import _strong_wolfe

RANDOM = random.Random(20261123)


def as_float(x):
    return torch.tensor(float(x), dtype=torch.float32).item()


def at_the_limits(_):
    """Falls by just more than is asked, and is just too steep."""
    return -1.0002e-4, -0.9002


def any_numbers(spread):
    """Losses and slopes that have nothing to do with each other."""
    def at(_):
        return RANDOM.uniform(-2, 1) * spread, RANDOM.uniform(-2, 2)
    return at


def falling(rate, noise):
    """Ever further ahead, with losses that fall almost enough, or more."""
    def at(t):
        return -rate * t * (1 + noise * RANDOM.random()), -RANDOM.uniform(0.91, 1.5)
    return at


def polynomial(square, cube, fourth):
    def at(t):
        return (-t + square * t ** 2 + cube * t ** 3 + fourth * t ** 4,
                -1 + 2 * square * t + 3 * cube * t ** 2 + 4 * fourth * t ** 3)
    return at


def wave(height, length):
    """A slope with waves, of which most places are no minimum."""
    def at(t):
        return (-0.3 * t + height * (math.cos(t / length) - 1) - 0.7 * length * math.sin(t / length),
                -0.3 - height / length * math.sin(t / length) - 0.7 * math.cos(t / length))
    return at


def wall(place, steepness):
    """Falls up to a wall."""
    def at(t):
        beyond = max(0.0, t - place)
        return -t + steepness * beyond ** 2, -1 + 2 * steepness * beyond
    return at


def steps(width, rise):
    """Slopes that promise more than the losses keep, so that brackets narrow to one end."""
    def at(t):
        return -0.5 * t + rise * (t > width), -1.0 if t <= width else RANDOM.choice((-3.0, 3.0))
    return at


FUNCTIONS = (
    [any_numbers(10.0 ** k) for k in (-6, -4, -2, 0, 0, 0, 0, 1, 2)] +
    [any_numbers(1) for _ in range(20)] +
    [falling(rate, noise) for rate in (5e-5, 9.9e-5, 1.01e-4, 1e-3, 0.5) for noise in (0, 0.5)] +
    [polynomial(*c) for c in ((0.5, 0, 0), (0.02, 0, 0), (30, 0, 0), (-1, 0.4, 0.2), (3, -4, 1.2),
                              (-0.2, 0, 1e-4), (200, -1, 3), (-0.5, 0.01, 0), (0.9, -0.3, 0.03))] +
    [wave(*c) for c in ((1, 0.3), (0.2, 0.05), (3, 2), (0.5, 10), (0.05, 0.01), (2, 0.7))] +
    [wall(*c) for c in ((0.3, 1e3), (0.9, 1e5), (5, 1e2), (0.02, 1e7), (70, 0.5), (1e-6, 1e9))] +
    [steps(*c) for c in ((0.4, 1), (0.05, 0.1), (2, 30), (1e-3, 1e-2), (0.99, 5), (11, 0.5))] +
    [at_the_limits]
)
STARTS = (-1.0, -0.25, -1 / 64)  # slopes


def search(function, start):
    """The function's t is the step's length; along the coordinate, and in losses, it is scaled."""
    trials = []

    def at(_, t, direction):
        loss, slope = function(float(t))
        loss, slope = loss * start ** 2, as_float(slope * abs(start))
        trials.append((float(t) * abs(start), loss, slope))
        return loss, torch.tensor([slope], dtype=torch.float64)

    zero, first = (torch.tensor([x], dtype=torch.float64) for x in (0, start))
    _, _, end, _ = _strong_wolfe(at, zero, 1.0, -first, 0.0, first, -start ** 2)
    return trials, float(end) * abs(start)


def main():
    with open(sys.argv[1], "w", encoding="ascii") as file:
        for i, function in enumerate(FUNCTIONS):
            start = STARTS[i % len(STARTS)]
            trials, end = search(function, start)
            numbers = [x for trial in trials for x in trial]
            file.write(f"{start!r} {len(trials)} {' '.join(map(repr, numbers))} {end!r}\n")


if __name__ == "__main__":
    main()
