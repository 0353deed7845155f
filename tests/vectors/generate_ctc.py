#!/usr/bin/python3
"""Makes ctc.txt: connectionist temporal classification as PyTorch computes it in float64.

    /usr/bin/python3 generate_ctc.py ctc.txt

Made with Debian 12's package python3-torch, which is PyTorch 1.13.1; it writes the same bytes every time.
"""
import os
import sys
import textwrap

os.environ.update(ATEN_CPU_CAPABILITY="avx2", OPENBLAS_CORETYPE="Haswell", OMP_NUM_THREADS="1")

import torch
import torch.nn.functional as F

GENERATOR = torch.Generator().manual_seed(20261123)

# time, batch, classes, longest target, blank, input lengths, target lengths
CASES = (
    (1, 1, 2, 1, 0, [1], [1]),
    (6, 3, 4, 3, 0, [6, 6, 6], [3, 3, 3]),
    (9, 4, 5, 4, 4, [9, 7, 5, 1], [4, 2, 0, 1]),
    (7, 2, 3, 3, 1, [7, 2], [3, 3]),
    (20, 9, 12, 7, 0, [20 - i for i in range(9)], [7 - i % 8 for i in range(9)]),
    (3, 1, 700, 2, 0, [3], [2]),
)


def targets_for(batch, longest, classes, blank):
    """Every label but the blank; of a few classes, so that some repeat."""
    labels = torch.randint(min(classes, 6) - 1, (batch, longest), generator=GENERATOR)
    return labels + (labels >= blank)


def write(file, words):
    file.write("\n".join(textwrap.wrap(" ".join(map(str, words)), 100)) + "\n")


def hexadecimal(tensor):
    return [float(x).hex() for x in tensor.flatten()]


def main():
    with open(sys.argv[1], "w", encoding="ascii") as file:
        for time, batch, classes, longest, blank, frames, labels in CASES:
            logits = 2 * torch.randn(time, batch, classes, generator=GENERATOR)
            log_probs = F.log_softmax(logits, -1)
            targets = targets_for(batch, longest, classes, blank)
            for reduction in ("none", "mean"):
                leaf = log_probs.double().requires_grad_()
                value = F.ctc_loss(leaf, targets, frames, labels, blank, reduction, True)
                value.sum().backward()
                scale = [1 / max(n, 1) / batch if reduction == "mean" else 1 for n in labels]
                gradient = leaf.grad.clone()
                alone = F.ctc_loss(leaf.detach(), targets, frames, labels, blank, "none")
                for b in range(batch):  # without e^log_probs, which PyTorch adds
                    if alone[b].isfinite():
                        gradient[:frames[b], b] -= scale[b] * leaf.detach()[:frames[b], b].exp()
                write(file, [time, batch, classes, longest, blank, reduction, *frames, *labels,
                             *targets.flatten().tolist()])
                for tensor in (log_probs, value.detach(), gradient):
                    write(file, hexadecimal(tensor))


main()
