#!/usr/bin/python3
"""Makes optim.txt: where PyTorch's optimisers and schedules go.

    /usr/bin/python3 generate_optim.py optim.txt

Everything is computed in float64, from settings and a start that are floats. The optim.txt beside
this program was made with Debian 12's package python3-torch, which is PyTorch 1.13.1; it writes the
same bytes every time.
"""
import math
import os
import sys
import warnings

os.environ.update(ATEN_CPU_CAPABILITY="avx2", OMP_NUM_THREADS="1")

import torch

STEPS = 100
ROWS, ROWS_OF_LBFGS = [1, *range(10, 101, 10)], [*range(1, 11), 20, 50, 100]
FIRST_SIZE, SECOND_SIZE = 6, 5  # of the two parameters; the first has the shape [2, 3]

HEADER = f"""\
# Paths of PyTorch {torch.__version__}'s optimisers and schedules in float64, made by
#     /usr/bin/python3 generate_optim.py optim.txt
#
# Words, separated by blanks and line ends; a line that begins with # is a comment.
#     start <numbers>
#         where both parameters begin: x_0 … x_5, of shape [2, 3], and x_6 … x_10. They are to
#         minimise the sum over i of (1 - x_i)² + 2 (x_(i+1) - x_i²)² + cos(3 x_i) / 4, without the
#         middle term for the last i.
#     path <optimiser> <label> <number of settings> <settings> <group>
#         settings in the order of the library's struct of options. group is 0, or 1 where the second
#         parameter is in a group of its own, with 0.25 times the learning rate and weight decay 0.125.
#     x <step> <numbers>
#         both parameters after so many steps
#     schedule <name> <label> <number of settings> <settings> <number of values> <values>
#         the value at the steps 0, 1, 2, …
"""


def as_float(value):
    return float(torch.tensor(value, dtype=torch.float32))


def write(file, *words):
    print(*(f"{w:.10g}" if isinstance(w, float) else w for w in words), file=file)


START = [as_float(0.3 * math.sin(5 * i + 1)) for i in range(FIRST_SIZE + SECOND_SIZE)]


def objective(parameters):
    x = torch.cat([p.flatten() for p in parameters])
    links = 2 * (x[1:] - x[:-1] ** 2) ** 2
    return ((1 - x) ** 2).sum() + links.sum() + (torch.cos(3 * x) / 4).sum()


# ---- optimisers: label, settings, whether the second parameter is in a group of its own ----

PATHS = {
    # learning_rate, momentum, weight_decay, nesterov
    "sgd": [
        ("plain", (0.01, 0, 0, 0), 0),
        ("momentum", (0.005, 0.9, 0.01, 0), 0),
        ("nesterov", (0.005, 0.9, 0.01, 1), 0),
        ("groups", (0.005, 0.8, 0.05, 0), 1),
    ],
    # learning_rate, beta1, beta2, epsilon, weight_decay
    "adam": [
        ("defaults", (1e-3, 0.9, 0.999, 1e-8, 0), 0),
        ("large_steps", (0.02, 0.9, 0.999, 1e-8, 0), 0),
        ("weight_decay", (0.02, 0.8, 0.95, 1e-3, 0.1), 0),
        ("groups", (0.02, 0.9, 0.99, 1e-8, 0.05), 1),
    ],
    "adamw": [
        ("defaults", (1e-3, 0.9, 0.999, 1e-8, 0.01), 0),
        ("large_steps", (0.02, 0.9, 0.999, 1e-8, 0), 0),
        ("weight_decay", (0.02, 0.8, 0.95, 1e-3, 0.5), 0),
        ("groups", (0.02, 0.9, 0.99, 1e-8, 0.05), 1),
    ],
    # learning_rate, alpha, epsilon, weight_decay, momentum, centered
    "rmsprop": [
        ("defaults", (1e-2, 0.99, 1e-8, 0, 0, 0), 0),
        ("weight_decay", (5e-3, 0.9, 1e-3, 0.1, 0, 0), 0),
        ("momentum", (1e-3, 0.95, 1e-6, 0.01, 0.9, 0), 0),
        ("centered", (1e-3, 0.95, 1e-2, 0, 0, 1), 0),
        ("centered_momentum", (5e-4, 0.95, 1e-2, 0.02, 0.8, 1), 0),
        ("groups", (1e-3, 0.95, 1e-4, 0.05, 0.5, 0), 1),
    ],
    # learning_rate, learning_rate_decay, weight_decay, initial_accumulator_value, epsilon
    "adagrad": [
        ("defaults", (0.01, 0, 0, 0, 1e-10), 0),
        ("large_steps", (0.1, 0, 0, 0, 1e-10), 0),
        ("decays", (0.1, 0.05, 0.1, 0, 1e-4), 0),
        ("accumulator", (0.1, 0, 0, 0.5, 1e-10), 0),
        ("groups", (0.1, 0.01, 0.05, 0.1, 1e-10), 1),
    ],
    # Settings at which PyTorch's own path hardly changes if the start does by a float's rounding.
    # learning_rate, max_iterations, max_evaluations, tolerance_grad, tolerance_change, history_size,
    # strong_wolfe
    "lbfgs": [
        ("fixed_step", (0.2, 1, 4, 1e-7, 1e-9, 5, 0), 0),
        ("fixed_steps", (0.1, 3, 20, 1e-7, 1e-9, 10, 0), 0),
        ("short_history", (0.3, 3, 20, 1e-7, 1e-9, 3, 0), 0),
        ("wolfe", (1, 1, 25, 1e-5, 1e-9, 10, 1), 0),
        ("wolfe_short_history", (0.5, 3, 25, 1e-5, 1e-9, 2, 1), 0),
        ("wolfe_defaults", (1, 20, 25, 1e-5, 1e-9, 100, 1), 0),
        # goes ahead of its first trial
        ("wolfe_small_steps", (0.1, 1, 60, 1e-5, 1e-9, 5, 1), 0),
    ],
}


def create(name, groups, s):
    if name == "sgd":
        return torch.optim.SGD(groups, lr=s[0], momentum=s[1], weight_decay=s[2],
                               nesterov=bool(s[3]))
    if name in ("adam", "adamw"):
        kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
        return kind(groups, lr=s[0], betas=(s[1], s[2]), eps=s[3], weight_decay=s[4])
    if name == "rmsprop":
        return torch.optim.RMSprop(groups, lr=s[0], alpha=s[1], eps=s[2], weight_decay=s[3],
                                   momentum=s[4], centered=bool(s[5]))
    if name == "adagrad":
        return torch.optim.Adagrad(groups, lr=s[0], lr_decay=s[1], weight_decay=s[2],
                                   initial_accumulator_value=s[3], eps=s[4])
    parameters = [p for group in groups for p in group["params"]]
    return torch.optim.LBFGS(parameters, lr=s[0], max_iter=int(s[1]), max_eval=int(s[2]),
                             tolerance_grad=s[3], tolerance_change=s[4], history_size=int(s[5]),
                             line_search_fn="strong_wolfe" if s[6] else None)


def path(name, settings, second_group):
    x = torch.tensor(START, dtype=torch.float64)
    first = x[:FIRST_SIZE].reshape(2, 3).clone().requires_grad_()
    second = x[FIRST_SIZE:].clone().requires_grad_()
    groups = [{"params": [first]}, {"params": [second]}]
    if second_group:
        groups[1].update(lr=0.25 * settings[0], weight_decay=0.125)
    optimizer = create(name, groups, settings)

    def closure():
        optimizer.zero_grad()
        loss = objective([first, second])
        loss.backward()
        return loss

    for step in range(1, STEPS + 1):
        optimizer.step(closure)
        if step in (ROWS_OF_LBFGS if name == "lbfgs" else ROWS):
            yield step, *torch.cat([first.detach().flatten(), second.detach()]).tolist()


def write_paths(file):
    for name, cases in PATHS.items():
        for label, settings, second_group in cases:
            settings = [as_float(s) for s in settings]
            write(file, "path", name, label, len(settings), *settings, second_group)
            for row in path(name, settings, second_group):
                write(file, "x", *row)


# ---- schedules ----


def rates(create_schedule, rate, count, momenta=None):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate, momentum=0.5)
    schedule = create_schedule(optimizer)
    for step in range(count):
        group = optimizer.param_groups[0]
        if momenta is not None:
            momenta.append(float(group["momentum"]))
        yield float(group["lr"])
        optimizer.step()
        if step + 1 < count:
            schedule.step()


def write_schedule(file, name, label, settings, values):
    values = list(values)
    write(file, "schedule", name, label, len(settings), *map(as_float, settings), len(values))
    for begin in range(0, len(values), 8):
        write(file, *values[begin:begin + 8])


def warm_cosine(rate, lowest, start_factor, warmup_steps, num_steps):
    """Linear warm-up, then half a cosine; as torch.optim.lr_scheduler composes them."""
    schedules = torch.optim.lr_scheduler

    def warm(optimizer):
        return schedules.LinearLR(optimizer, start_factor=start_factor, total_iters=warmup_steps)

    def cosine(optimizer):
        return schedules.CosineAnnealingLR(optimizer, T_max=num_steps - warmup_steps,
                                           eta_min=lowest)

    if warmup_steps > 0:
        yield from list(rates(warm, rate, warmup_steps + 1))[:-1]
    yield from rates(cosine, rate, num_steps - warmup_steps + 1)


def write_schedules(file):
    schedules = torch.optim.lr_scheduler
    rate, gamma, factor = as_float(0.1), as_float(0.3), as_float(0.99)
    for size in (1, 7):
        write_schedule(file, "step", f"every_{size}", (rate, size, gamma),
                       rates(lambda o: schedules.StepLR(o, size, gamma), rate, 40))
    write_schedule(file, "multi_step", "three", (rate, gamma, 3, 10, 11),
                   rates(lambda o: schedules.MultiStepLR(o, [3, 10, 11], gamma), rate, 20))
    write_schedule(file, "exponential", "slow", (rate, factor),
                   rates(lambda o: schedules.ExponentialLR(o, factor), rate, 101))
    for label, settings in (("plain", (0.1, 0, 0, 0, 100)), ("warm", (0.1, 0.01, 0.25, 10, 100)),
                            ("short", (0.5, 0.05, 0.125, 1, 4))):
        lowest, start, (warmup, total) = as_float(settings[1]), settings[2], settings[3:]
        write_schedule(file, "cosine", label, settings,
                       warm_cosine(as_float(settings[0]), lowest, start, warmup, total))
    write_one_cycles(file)


def write_one_cycles(file):
    # max_learning_rate, num_steps, warmup_fraction, division, final_division, base_momentum,
    # max_momentum, linear
    for label, settings in (("defaults", (0.1, 100, 0.3, 25, 1e4, 0.85, 0.95, 0)),
                            ("linear", (0.5, 40, 0.25, 10, 100, 0.5, 0.9, 1)),
                            ("short", (0.1, 7, 0.3, 25, 1e4, 0.85, 0.95, 0)),
                            ("shorter", (0.1, 7, 0.25, 25, 1e4, 0.85, 0.95, 0))):
        s = [as_float(value) for value in settings]
        momenta = []
        values = list(rates(
            lambda o: torch.optim.lr_scheduler.OneCycleLR(
                o, max_lr=s[0], total_steps=int(s[1]), pct_start=s[2], div_factor=s[3],
                final_div_factor=s[4], base_momentum=s[5], max_momentum=s[6],
                anneal_strategy="linear" if s[7] else "cos"),
            s[0], int(s[1]), momenta))
        write_schedule(file, "one_cycle", label, s, values)
        write_schedule(file, "one_cycle_momentum", label, s, momenta)


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(HEADER)
        write(file, "start", *START)
        write_paths(file)
        write_schedules(file)


if __name__ == "__main__":
    main()
