#!/usr/bin/env python3
"""Nets of PyTorch as files, and the same nets after ten more steps of training in PyTorch: tests/golden/pytorch/finetune*.

Run without arguments; needs torch. The files of the start are float32, as most are. Training goes on in float64 from the same
numbers, so that its rounding can be told from that of a reader in float32.

PyTorch has two biases where their sum is all that counts: all of an LSTM's, r and z of a GRU's. It trains both, so that their
sum moves by two steps at once. `sum_as_one` trains the first alone, as a library with one bias does.
"""
import torch
from torch import nn

import golden_format

STEPS = 10


class Net(nn.Module):
    def __init__(self, rnn, outputs):
        super().__init__()
        self.rnn = rnn
        self.linear = nn.Linear(rnn.hidden_size, outputs)

    def forward(self, x):
        return self.linear(self.rnn(x)[0][-1:])  # as (1, batch, features)


def save(name, net):
    torch.save(net.state_dict(), golden_format.FOLDER / "pytorch" / name)


def sum_as_one(rnn):
    """bias_hh keeps its numbers, but those that are added to nothing of bias_ih: n of a GRU."""
    for name, bias in rnn.named_parameters():
        if name.startswith("bias_hh"):
            own = torch.zeros_like(bias)
            if isinstance(rnn, nn.GRU):  # r, z, n
                own[2 * rnn.hidden_size :] = 1
            bias.register_hook(lambda gradient, own=own: gradient * own)


def train(net, x, target, optimizer, max_norm=None):
    losses, norms = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), target)
        loss.backward()
        if max_norm:
            norms.append(nn.utils.clip_grad_norm_(net.parameters(), max_norm).item())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert not norms or min(norms) < max_norm < max(norms), "some steps must be clipped and some not"
    return losses, norms


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64).mul(1e4).round().div(1e4)


torch.manual_seed(3)
tensors = {}

lstm = Net(nn.LSTM(2, 3, num_layers=2), 1)
save("finetune_lstm.pt", lstm)
start = {name: tensor.clone() for name, tensor in lstm.state_dict().items()}
tensors["lstm.x"], tensors["lstm.target"] = draw(5, 4, 2), draw(1, 4, 1)
for name in ("both_biases", "one_bias"):
    lstm = Net(nn.LSTM(2, 3, num_layers=2), 1)
    lstm.load_state_dict(start)
    lstm.double()
    if name == "one_bias":
        sum_as_one(lstm.rnn)
    adam = torch.optim.Adam(lstm.parameters(), lr=0.02)
    tensors[f"lstm.{name}.losses"], _ = train(lstm, tensors["lstm.x"], tensors["lstm.target"], adam)
    save(f"finetune_lstm.{name}.pt", lstm)

gru = Net(nn.GRU(1, 4), 2)
save("finetune_gru.pt", gru)
gru.double()
sum_as_one(gru.rnn)
tensors["gru.x"], tensors["gru.target"] = draw(6, 3, 1), draw(1, 3, 2)
sgd = torch.optim.SGD(gru.parameters(), lr=0.1, momentum=0.9)
tensors["gru.losses"], tensors["gru.norms"] = train(gru, tensors["gru.x"], tensors["gru.target"], sgd, max_norm=0.3)
save("finetune_gru.trained.pt", gru)

golden_format.write(
    "pytorch/finetune.txt", "make_finetune.py",
    [f"PyTorch {torch.__version__}, float64: {STEPS} steps on one batch, mean squared error; x (T,B,F), target (1,B,F)",
     "losses[k] is the loss before step k; what the weights are after the last is in finetune_*.pt",
     "lstm: LSTM(2, 3, num_layers=2), Linear(3, 1) of the last step; Adam, lr 0.02",
     "lstm.both_biases: as PyTorch trains; lstm.one_bias: bias_hh isn't trained",
     "gru: GRU(1, 4), Linear(4, 2) of the last step; SGD, lr 0.1, momentum 0.9; clip_grad_norm_ 0.3 of these norms; r and z of",
     "bias_hh aren't trained"],
    tensors)
