#!/usr/bin/env python3
"""Golden files of the losses, in float64: losses and gradients.

Run without arguments; needs numpy and torch.
"""
import torch
from torch.nn import functional as F

import golden_format

T, B, CLASSES = 4, 3, 5
IGNORE = 2


def with_gradient(loss, y):
    gradient, = torch.autograd.grad(loss, y)
    return loss, gradient


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(11)
    y = (3 * torch.randn(T, B, CLASSES)).requires_grad_()
    weights = torch.tensor([0.5, 2.0, 1.0, 0.0, 3.0])

    target = torch.randint(0, CLASSES, (T, B, 1))
    tensors = {"y": y, "target": target, "weights": weights}
    cases = {"plain": {}, "weighted": {"weight": weights}, "ignored": {"ignore_index": IGNORE},
             "both": {"weight": weights, "ignore_index": IGNORE}}
    for name, options in cases.items():
        for reduction in ("mean", "sum"):
            loss = F.cross_entropy(y.reshape(-1, CLASSES), target.reshape(-1), reduction=reduction, **options)
            key = f"{name}_{reduction}"
            tensors[key], tensors["d_" + key] = with_gradient(loss, y)
    golden_format.write(
        "softmax_cross_entropy.txt", "make_losses.py",
        ["F.cross_entropy of y (T,B,classes), target (T,B,1) class numbers, weights one a class",
         f"<options>_<reduction>: the loss, d_: its gradient; ignored: ignore_index={IGNORE}; both: and weights"],
        tensors)

    target = torch.rand(T, B, CLASSES)
    target[:2] = target[:2].round()
    tensors = {"y": y, "target": target}
    for name, weight in {"plain": 1.0, "weighted": 2.5}.items():
        for reduction in ("mean", "sum"):
            loss = F.binary_cross_entropy_with_logits(y, target, reduction=reduction, pos_weight=torch.tensor(weight))
            key = f"{name}_{reduction}"
            tensors[key], tensors["d_" + key] = with_gradient(loss, y)
    golden_format.write(
        "binary_cross_entropy.txt", "make_losses.py",
        ["F.binary_cross_entropy_with_logits of y and target (T,B,F); weighted: pos_weight=2.5",
         "<options>_<reduction>: the loss, d_: its gradient"],
        tensors)

    y, target = (torch.randn(20, B, 1) * 0.5 + 0.1).requires_grad_(), torch.randn(20, B, 1)
    tensors = {"y": y, "target": target}
    cases = {"ratio": ([1.0], 1, 0), "offset": ([1.0], 0, 1), "emphasised": ([1.0, -0.85], 1, 0),
             "trainers": ([1.0, -0.85], 0.75, 0.25), "three": ([0.85, 0.2775, -0.7225], 1, 1)}
    for name, (taps, esr, dc) in cases.items():
        for warm_up in (0, 7):
            key = f"{name}_{warm_up}"
            tensors[key], tensors["d_" + key] = with_gradient(
                error_to_signal(y[warm_up:], target[warm_up:], taps, esr, dc), y)
    golden_format.write(
        "error_to_signal.txt", "make_losses.py",
        ["ErrorToSignal of y and target (T,B,1): <options>_<warm-up>: the loss, d_: its gradient",
         *[f"{name}: pre_emphasis {taps}, esr {esr}, dc {dc}" for name, (taps, esr, dc) in cases.items()]],
        tensors)

    y, target = (2 * torch.randn(3, 2, 6)).requires_grad_(), 2 * torch.randn(3, 2, 2)
    tensors = {"y": y, "target": target}
    two, four, six = y[..., :2], y[..., :4].reshape(3, 2, 2, 2), y.reshape(3, 2, 2, 3)
    quantiles = torch.tensor([0.1, 0.5, 0.9])

    def scale(s):
        return 1e-3 + F.softplus(s)

    for reduction in ("mean", "sum"):
        reduce = getattr(torch, reduction)
        error = target[..., None] - six
        cases = {
            "l1": F.l1_loss(two, target, reduction=reduction),
            "huber": F.huber_loss(two, target, reduction=reduction, delta=0.7),
            "quantile": reduce(torch.maximum(quantiles * error, (quantiles - 1) * error)),
            "gaussian": F.gaussian_nll_loss(four[..., 0], target, scale(four[..., 1]) ** 2, full=True, eps=1e-12,
                                            reduction=reduction),
            "student": reduce(-torch.distributions.StudentT(2 + F.softplus(six[..., 2]), six[..., 0],
                                                            scale(six[..., 1])).log_prob(target)),
            "student_fixed": reduce(-torch.distributions.StudentT(torch.tensor(4.5), four[..., 0],
                                                                  scale(four[..., 1])).log_prob(target))}
        for name, loss in cases.items():
            key = f"{name}_{reduction}"
            tensors[key], tensors["d_" + key] = with_gradient(loss, y)
    golden_format.write(
        "term_losses.txt", "make_losses.py",
        ["losses of y (T,B,6), of its first 2, 4 or all 6 features, and target (T,B,2): F.l1_loss, F.huber_loss(delta=0.7),",
         "pinball loss of 0.1, 0.5, 0.9, F.gaussian_nll_loss(full=True), -StudentT.log_prob, its degrees of freedom from y or 4.5",
         "<loss>_<reduction>: the loss, d_: its gradient"],
        tensors)

    y, target = (2 * torch.randn(7, 4, 5)).requires_grad_(), torch.randint(1, 5, (4, 4, 1))
    target[:3, 0, 0] = torch.tensor([2, 2, 3])  # repeated
    target[:2, 3, 0] = torch.tensor([1, 1])  # which need three steps
    lengths, labels = torch.tensor([7, 5, 4, 2]), torch.tensor([3, 4, 0, 2])
    tensors = {"y": y, "target": target, "lengths": lengths, "labels": labels}
    for name, (batch, blank) in {"first": (3, 0), "last": (3, 4), "zeroed": (4, 0)}.items():
        for reduction in ("mean", "sum"):
            of_blank = target - (0 if blank == 0 else 1)  # 0 … 3 where the blank is 4
            loss = F.ctc_loss(y[:, :batch].log_softmax(-1), of_blank[..., 0].T[:batch], lengths[:batch], labels[:batch],
                              blank=blank, reduction=reduction, zero_infinity=name == "zeroed")
            key = f"{name}_{reduction}"
            tensors[key], tensors["d_" + key] = with_gradient(loss, y)
    golden_format.write(
        "ctc_loss.txt", "make_losses.py",
        ["F.ctc_loss of log_softmax(y), y (T,B,classes) of these lengths, target (L,B,1) of so many labels",
         "first: of sequences 0 to 2, blank 0; last: blank 4, labels less 1; zeroed: of all, zero_infinity",
         "<case>_<reduction>: the loss, d_: its gradient"],
        tensors)


def error_to_signal(y, target, taps, esr, dc, epsilon=1e-5):
    """As trainers of amplifier models write it: a convolution, means and quotients; torch has no such loss."""
    def emphasised(x):
        x = F.pad(x.permute(1, 2, 0), (len(taps) - 1, 0))
        return F.conv1d(x, torch.tensor(taps[::-1]).reshape(1, 1, -1)).permute(2, 0, 1)

    def ratio(y, target):
        return (target - y).square().mean() / (target.square().mean() + epsilon)

    offset = (target.mean(0) - y.mean(0)).square().mean() / (target.square().mean() + epsilon)
    return esr * ratio(emphasised(y), emphasised(target)) + dc * offset


main()
