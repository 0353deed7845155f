#!/usr/bin/python3
"""Writes contrastive.txt: losses of whole batches and their gradients by PyTorch in float64.

Each is written with PyTorch's own operations and the whole matrix, and differentiated by its autograd.
A case is a line "kind rows others width parameter margin soft divisor similarity", then one line each
of labels, inputs (values of float32), the loss (mean), and the gradient of each input.
"""
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
PAIRS, HARD, ALL, NCE, CLIP, NT_XENT, SUP_CON, SIGLIP, ARCFACE = range(9)
AUTO, NONZERO = 0, 3
COSINE, DOT = 0, 1


def masks(labels):
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool)
    return same & ~itself, ~same


def distances(x):
    rows = len(x)
    apart = (x[:, None, :] - x[None, :, :]).reshape(rows * rows, -1)
    moved = apart + 1e-300 * (apart == 0)  # a distance of 0 has no slope
    return moved.pow(2).sum(1).clamp_min(1e-300).sqrt().reshape(rows, rows)


def pairs(x, labels, case):
    same, other = masks(labels)
    d, n = distances(x), len(x)
    term = torch.where(same, d * d / 2, F.relu(case["parameter"] - d) ** 2 / 2)
    return term[same | other].sum() / (n * (n - 1))


def triplets(x, labels, case):
    positive, negative = masks(labels)
    d = distances(x)
    valid = positive[:, :, None] & negative[:, None, :]
    difference = d[:, :, None] - d[:, None, :]
    term = F.softplus(difference) if case["soft"] else F.relu(difference + case["parameter"])
    if case["kind"] == ALL:
        terms = term[valid]
        return terms.sum() / ((terms > 0).sum() if case["divisor"] == NONZERO else len(terms))
    counts = valid.flatten(1).any(1)
    return term.masked_fill(~valid, -1).flatten(1).max(1).values[counts].mean()


def unit(x, case):
    return F.normalize(x, dim=1) if case["similarity"] == COSINE else x


def loss(case, labels, x, y, scale, bias):
    kind, t = case["kind"], case["parameter"]
    if kind == PAIRS:
        return pairs(x, labels, case)
    if kind in (HARD, ALL):
        return triplets(x, labels, case)
    x, y = unit(x, case), unit(y, case)
    own = torch.arange(len(x))
    if kind == NCE:
        return F.cross_entropy(x @ y.T / t, own)
    if kind == CLIP:
        logits = scale * x @ y.T
        return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    if kind == NT_XENT:
        z = torch.cat([x, y])
        logits = (z @ z.T / t).masked_fill(torch.eye(len(z), dtype=torch.bool), -torch.inf)
        return F.cross_entropy(logits, torch.arange(len(z)).roll(len(x)))
    if kind == SUP_CON:
        positive, _ = masks(labels)
        logits = (x @ x.T / t).masked_fill(torch.eye(len(x), dtype=torch.bool), -torch.inf)
        log_p = torch.log_softmax(logits, 1).masked_fill(~positive, 0)
        return -(log_p.sum(1) / positive.sum(1).clamp_min(1)).mean()
    if kind == SIGLIP:
        signs = 2 * torch.eye(len(x)) - 1
        return -F.logsigmoid(signs * (scale * x @ y.T + bias)).sum() / len(x)
    angle = torch.acos(x @ y.T)
    margin = case["margin"] * F.one_hot(labels, len(y))
    return F.cross_entropy(t * torch.cos(angle + margin), labels)


def write(file, numbers):
    file.write(" ".join("%.17g" % x for x in numbers.detach().flatten().tolist()) + "\n")


def write_case(file, case):
    rows, others, width = case["rows"], case["others"], case["width"]
    labels = torch.randint(0, 4, (rows,))
    shapes = [(rows, width), (others, width), (1,), (1,)]
    inputs = [torch.randn(shape).float().double() for shape in shapes]
    inputs[2] = torch.tensor([2.5])
    for x in inputs:
        x.requires_grad_(True)
    value = loss(case, labels, *inputs)
    grads = torch.autograd.grad(value, inputs, allow_unused=True)
    file.write("%(kind)d %(rows)d %(others)d %(width)d %(parameter).9g %(margin).9g %(soft)d "
               "%(divisor)d %(similarity)d\n" % case)
    write(file, labels)
    for x in inputs:
        write(file, x)
    write(file, value)
    for x, grad in zip(inputs, grads):
        write(file, torch.zeros_like(x) if grad is None else grad)


def cases():
    for kind in range(9):
        base = {"kind": kind, "rows": 11, "others": 11, "width": 6, "parameter": 0.5,
                "margin": 0.25, "soft": 0, "divisor": AUTO, "similarity": COSINE}
        if kind == PAIRS:
            base["parameter"] = 3.5
        if kind == NCE:
            base["others"] = 17
        if kind == ARCFACE:
            base.update(others=5, parameter=8)
        yield base
        if kind in (HARD, ALL):
            yield dict(base, soft=1)
        if kind == ALL:
            yield dict(base, divisor=NONZERO)
        if NCE <= kind <= SIGLIP:
            yield dict(base, similarity=DOT)


if __name__ == "__main__":
    with open(sys.argv[1] if len(sys.argv) > 1 else "contrastive.txt", "w") as output:
        for each in cases():
            write_case(output, each)
