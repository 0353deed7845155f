#!/usr/bin/python3
"""Makes fused.txt: cross-entropy of a linear layer's outputs, as PyTorch computes it in float64.

    /usr/bin/python3 generate_fused.py fused.txt

The inputs are floats, and the smoothing is a sum of powers of 2. Made with Debian 12's package
python3-torch, which is PyTorch 1.13.1; it writes the same bytes every time.
"""
import itertools
import os
import sys
import textwrap

os.environ.update(ATEN_CPU_CAPABILITY="avx2", OPENBLAS_CORETYPE="Haswell", OMP_NUM_THREADS="1")

import torch
import torch.nn.functional as F

HEADER = f"""\
# The cross-entropy of a linear layer's outputs by PyTorch {torch.__version__}, made by
#     /usr/bin/python3 generate_fused.py fused.txt
#
# Words, separated by blanks and line ends, of each case:
#     case <rows> <features> <classes> <label smoothing> <ignored label, or 0 for none>
#     <ag_reduction> <whether there is a bias> <whether there are class weights>
# and the elements of x, weight, bias, class weights, labels, value, and of the gradients to x, weight
# and bias, without what there is not. Values and gradients were computed in float64 from inputs in
# float32, for an upstream gradient of ones.
"""
REDUCTIONS = {"mean": 0, "sum": 1, "none": 2}
SHAPES = ((3, 4, 6), (9, 5, 7), (6, 3, 19))
GENERATOR = torch.Generator().manual_seed(20261123)


def write(file, tensor):
    words = " ".join(float(x).hex() for x in tensor.detach().double().flatten())
    file.write("\n".join(textwrap.wrap(words, 100)) + "\n")


def case(file, shape, reduction, smoothing, ignored, with_bias, with_weights):
    rows, features, classes = shape
    inputs = [torch.randn(rows, features, generator=GENERATOR),
              torch.randn(classes, features, generator=GENERATOR)]
    if with_bias:
        inputs.append(torch.randn(classes, generator=GENERATOR))
    weights = torch.rand(classes, generator=GENERATOR) * 2 + 0.125 if with_weights else None
    labels = torch.randint(classes, (rows,), generator=GENERATOR)
    if ignored != 0:
        labels[[0, rows - 1]] = ignored
    leaves = [x.double().requires_grad_() for x in inputs]
    value = F.cross_entropy(F.linear(*leaves), labels, reduction=reduction,
                            weight=weights.double() if with_weights else None,
                            label_smoothing=smoothing, ignore_index=ignored or -100)
    value.sum().backward()
    file.write(f"case {rows} {features} {classes} {smoothing} {ignored} "
               f"{REDUCTIONS[reduction]} {int(with_bias)} {int(with_weights)}\n")
    for tensor in inputs + [weights] * with_weights + [labels, value]:
        write(file, tensor)
    for leaf in leaves:
        write(file, leaf.grad)


def main():
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write(HEADER)
        for index, options in enumerate(itertools.product(
                REDUCTIONS, (0.0, 0.125), (0, -7), (False, True), (False, True))):
            case(file, SHAPES[index % len(SHAPES)], *options)


main()
