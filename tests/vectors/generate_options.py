#!/usr/bin/python3
"""Makes options.txt: losses with options, as PyTorch computes them in float64.

    /usr/bin/python3 generate_options.py options.txt

The inputs are floats, and so are the options: smoothing and epsilons are sums of powers of 2. Made with
Debian 12's package python3-torch, which is PyTorch 1.13.1; it writes the same bytes every time.
"""
import os
import sys
import textwrap

os.environ.update(ATEN_CPU_CAPABILITY="avx2", OPENBLAS_CORETYPE="Haswell", OMP_NUM_THREADS="1")

import torch
import torch.nn.functional as F

HEADER = f"""\
# Losses with options of PyTorch {torch.__version__}, made by
#     /usr/bin/python3 generate_options.py options.txt
#
# Words, separated by blanks and line ends; a line that begins with # is a comment.
#     case <loss> <label> <parameter> <reduction>
#     number <option> <value>
#     tensor <input<k>, labels, weights, class_weights, pos_weight, value or gradient<k>> <tensor>
#     end
# A tensor is its number of dimensions, the dimensions, and its elements, exact in hexadecimal. Values
# and gradients were computed in float64 from inputs in float32, for an upstream gradient of ones.
"""
REDUCTIONS = ("mean", "none")
GENERATOR = torch.Generator().manual_seed(20261123)


def normal(*shape):
    return torch.randn(*shape, generator=GENERATOR)


def positive(*shape):
    return torch.rand(*shape, generator=GENERATOR) * 2 + 0.125


def labels_for(rows, classes, ignored=()):
    labels = torch.randint(classes, (rows,), generator=GENERATOR)
    labels[list(ignored)] = -100
    return labels


def words(tensor):
    shape = list(tensor.shape) or [1]
    elements = [float(x).hex() for x in tensor.detach().double().flatten()]
    return " ".join(map(str, [len(shape), *shape, *elements]))


def write(file, line):
    file.write("\n".join(textwrap.wrap(line, 100)) + "\n")


def case(file, loss, label, compute, inputs, differentiable, tensors=None, numbers=None,
         parameter=0.0, reductions=REDUCTIONS):
    """compute is given the inputs in float64, the tensors in float64 and a reduction."""
    wide = {k: v if k == "labels" else v.double() for k, v in (tensors or {}).items()}
    for reduction in reductions:
        leaves = [x.double().requires_grad_(i < differentiable) for i, x in enumerate(inputs)]
        value = compute(leaves, wide, reduction)
        value.sum().backward()
        file.write(f"case {loss} {label} {float(parameter).hex()} {reduction}\n")
        for name, number in (numbers or {}).items():
            file.write(f"number {name} {float(number).hex()}\n")
        for i, x in enumerate(inputs):
            write(file, f"tensor input{i} {words(x)}")
        for name, tensor in (tensors or {}).items():
            write(file, f"tensor {name} {words(tensor)}")
        write(file, f"tensor value {words(value)}")
        for i, leaf in enumerate(leaves[:differentiable]):
            write(file, f"tensor gradient{i} {words(leaf.grad)}")
        file.write("end\n")


def labelled(file, classes):
    rows = 5
    for smoothing in (0.0, 0.25):
        for weighted in (False, True):
            for ignored in ((), (1, 4)):
                label = f"classes_{classes}_s{smoothing}_w{int(weighted)}_i{len(ignored)}"
                tensors = {"labels": labels_for(rows, classes, ignored)}
                numbers = {"label_smoothing": smoothing} if smoothing else {}
                if weighted:
                    tensors["class_weights"] = positive(classes)
                if ignored:
                    numbers["ignore_index"] = -100
                case(file, "cross_entropy_labels_loss", label,
                     lambda x, t, r: F.cross_entropy(x[0], t["labels"], t.get("class_weights"),
                                                     label_smoothing=smoothing, reduction=r),
                     [2 * normal(rows, classes)], 1, tensors, numbers)
                if smoothing == 0:
                    case(file, "nll_labels_loss", label,
                         lambda x, t, r: F.nll_loss(x[0], t["labels"], t.get("class_weights"),
                                                    reduction=r),
                         [F.log_softmax(normal(rows, classes), 1)], 1, tensors, numbers)


def dense(file, classes):
    target = torch.softmax(normal(4, classes), 1)
    for smoothing in (0.0, 0.25):
        for weighted in (False, True):
            tensors = {"class_weights": positive(classes)} if weighted else {}
            case(file, "cross_entropy_loss", f"classes_{classes}_s{smoothing}_w{int(weighted)}",
                 lambda x, t, r: F.cross_entropy(x[0], x[1], t.get("class_weights"),
                                                 label_smoothing=smoothing, reduction=r),
                 [2 * normal(4, classes), target], 1, tensors, {"label_smoothing": smoothing})


def binary(file):
    shape = (3, 5)
    x, target = 3 * normal(*shape), torch.rand(*shape, generator=GENERATOR)
    for name, pos in (("one", positive(1)), ("classes", positive(5)), ("all", positive(*shape))):
        for tensors in ({"pos_weight": pos}, {"pos_weight": pos, "weights": positive(*shape)}):
            case(file, "bce_with_logits_loss", f"pos_weight_{name}_{len(tensors)}",
                 lambda x, t, r: F.binary_cross_entropy_with_logits(
                     x[0], x[1], t.get("weights"), pos_weight=t["pos_weight"], reduction=r),
                 [x, target], 1, tensors)
    for name, weights in (("elements", positive(*shape)), ("rows", positive(3, 1))):
        case(file, "bce_loss", f"weights_of_{name}",
             lambda x, t, r: F.binary_cross_entropy(x[0], x[1], t["weights"].expand(shape),
                                                    reduction=r),
             [torch.sigmoid(x), target], 1, {"weights": weights})


def divergence(file):
    case(file, "kl_div_loss", "log_target",
         lambda x, t, r: F.kl_div(x[0], x[1], log_target=True, reduction=r),
         [F.log_softmax(normal(4, 6), 1), F.log_softmax(2 * normal(4, 6), 1)], 1, None,
         {"log_target": 1}, reductions=(*REDUCTIONS, "batchmean"))


def triplets(file):
    for norm in (1, 2, 3, 1.5):
        for swap in (0, 1):
            for epsilon in (0, 2.0**-20):
                case(file, "triplet_loss", f"norm_{norm}_swap_{swap}_epsilon_{int(epsilon > 0)}",
                     lambda x, t, r: F.triplet_margin_loss(*x, margin=0.5, p=norm, swap=bool(swap),
                                                           eps=epsilon, reduction=r),
                     [normal(6, 7) for _ in range(3)], 3, None,
                     {"norm": norm, "swap": swap, "epsilon": epsilon}, parameter=0.5)


def main():
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write(HEADER)
        for classes in (7, 33):
            labelled(file, classes)
            dense(file, classes)
        binary(file)
        divergence(file)
        triplets(file)


main()
