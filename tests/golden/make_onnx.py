#!/usr/bin/env python3
"""Small nets that PyTorch exports to ONNX, with an input and PyTorch's output of each: onnx/NAME.onnx and onnx/NAME.txt.

Each has what an exporter puts around weights in its own way: shapes of the input computed into zero states, weights that
are constant sub-graphs, dimensions in other orders. x and y are (time, batch, features) in the .txt, whatever the net takes.

Run with PyTorch 1.13 (Debian: python3-torch) in this folder: python3 make_onnx.py
"""

import os
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F

import golden_format

warnings.filterwarnings("ignore")
torch.manual_seed(11)


class Net(nn.Module):
    """f(self, inputs…) of the modules given by name."""

    def __init__(self, f, **modules):
        super().__init__()
        self.f = f
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *inputs):
        return self.f(self, *inputs)


def time_first(tensor, order):
    """`order`: what its dimensions are, of b, t, f."""
    letters = list(order)
    for missing in "tbf":
        if missing not in letters:
            tensor, letters = tensor.unsqueeze(-1), letters + [missing]
    return tensor.permute([letters.index(letter) for letter in "tbf"])


def case(name, net, inputs, x="btf", y="btf", dynamic=True, names=("x", "h", "c"), outputs=("y",), opset=14, **options):
    net.eval()
    with torch.no_grad():
        out = net(*inputs)
    out = out[0] if isinstance(out, tuple) else out
    axes = {"x": {k: letter for k, letter in enumerate(x) if letter != "f"}} if dynamic else None
    torch.onnx.export(net, tuple(inputs), f"onnx/{name}.onnx", input_names=list(names[:len(inputs)]),
                      output_names=list(outputs), opset_version=opset, dynamic_axes=axes, **options)
    tensors = {"x": time_first(inputs[0].double(), x), "y": time_first(out.double(), y)}
    golden_format.write(f"onnx/{name}.txt", "make_onnx.py", ["x and y: (time, batch, features)"], tensors)


os.makedirs("onnx", exist_ok=True)
x = torch.randn(2, 5, 2)


def rnn(kind, input=2, hidden=3, **options):
    return kind(input, hidden, batch_first=True, **options)


def head(input=3, output=2):
    return nn.Linear(input, output)


every_step = lambda s, x: s.out(s.rnn(x)[0])
case("lstm_opset9", Net(every_step, rnn=rnn(nn.LSTM), out=head()), [x], opset=9)
case("gru_fixed_shape", Net(every_step, rnn=rnn(nn.GRU, num_layers=2, bidirectional=True), out=head(6)), [x], dynamic=False)
case("rnn_relu_bidirectional", Net(lambda s, x: s.rnn(x)[0], rnn=rnn(nn.RNN, nonlinearity="relu", bidirectional=True)), [x])
for opset in (11, 14):
    case(f"unfolded_opset{opset}", Net(lambda s, x: s.out(s.rnn(x)[0][:, -1]), rnn=rnn(nn.LSTM, bidirectional=True), out=head(6)),
         [x], y="bf", opset=opset, do_constant_folding=False)
case("weights_are_inputs", Net(every_step, rnn=rnn(nn.GRU), out=head()), [x], keep_initializers_as_inputs=True)
case("double", Net(every_step, rnn=rnn(nn.GRU), out=head()).double(), [x.double()])
case("no_bias", Net(every_step, rnn=rnn(nn.LSTM, bias=False), out=nn.Linear(3, 2, bias=False)), [x])
case("unbatched", Net(every_step, rnn=nn.LSTM(2, 3), out=head()), [torch.randn(5, 2)], x="tf", y="tf")
case("audio", Net(lambda s, x: s.out(s.rnn(x.unsqueeze(-1))[0]).squeeze(-1), rnn=rnn(nn.LSTM, 1), out=head(3, 1)),
     [torch.randn(2, 6)], x="bt", y="bt")

case("state_of_last_layer", Net(lambda s, x: s.out(s.rnn(x)[1][-1]), rnn=rnn(nn.GRU, num_layers=2), out=head()), [x], y="bf")
case("states_of_both_directions", Net(lambda s, x: (lambda h: s.out(torch.cat((h[-2], h[-1]), 1)))(s.rnn(x)[1][0]),
                                      rnn=rnn(nn.LSTM, bidirectional=True, num_layers=2), out=head(6)), [x], y="bf")
case("states_reshaped", Net(lambda s, x: s.out(s.rnn(x)[1].transpose(0, 1).reshape(x.shape[0], -1)),
                            rnn=rnn(nn.GRU, bidirectional=True), out=head(6)), [x], y="bf")
case("ends_sliced", Net(lambda s, x: (lambda h: s.out(torch.cat((h[:, -1, :3], h[:, 0, 3:]), 1)))(s.rnn(x)[0]),
                        rnn=rnn(nn.LSTM, bidirectional=True), out=head(6)), [x], y="bf")
case("states_in_and_out", Net(lambda s, x, h, c: (lambda r: (s.out(r[0]), *r[1]))(s.rnn(x, (h, c))), rnn=rnn(nn.LSTM, num_layers=2),
                              out=head()), [x, torch.zeros(2, 2, 3), torch.zeros(2, 2, 3)], outputs=("y", "hn", "cn"))
case("states_before_y", Net(lambda s, x, h: (lambda r: (s.out(r[0]), r[1]))(s.rnn(x, h)), rnn=rnn(nn.GRU), out=head()),
     [x, torch.zeros(1, 2, 3)], outputs=("y", "hn"), names=("x", "h"))


class LearnedState(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = rnn(nn.LSTM)
        self.h, self.c = nn.Parameter(torch.randn(1, 1, 3)), nn.Parameter(torch.randn(1, 1, 3))

    def forward(self, x):
        return self.rnn(x, tuple(s.expand(-1, x.shape[0], -1).contiguous() for s in (self.h, self.c)))[0]


case("learned_state", LearnedState(), [x])


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.out = rnn(nn.LSTM), head()

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        return self.out(self.rnn(packed)[1][0][-1])


case("lengths", Packed(), [x, torch.tensor([5, 3])], y="bf", names=("x", "lengths"))

steps_last = torch.randn(2, 2, 9)
case("conv_valid_strided", Net(lambda s, x: s.rnn(torch.relu(s.conv(x)).transpose(1, 2))[0], conv=nn.Conv1d(2, 2, 3, stride=2),
                               rnn=rnn(nn.GRU)), [steps_last], x="bft")
case("conv_padded", Net(lambda s, x: s.rnn(s.conv(F.pad(x.transpose(1, 2), (4, 0))).transpose(1, 2))[0],
                        conv=nn.Conv1d(2, 2, 3, dilation=2), rnn=rnn(nn.GRU)), [x])


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv1d(2, 2, 3, padding=2), nn.Conv1d(2, 2, 2, padding=2, dilation=2)
        self.out = head(2, 1)

    def forward(self, x):
        y = x.transpose(1, 2)
        y = torch.relu(self.a(y)[:, :, :-2] + y)
        y = torch.relu(self.b(y)[:, :, :-2] + y)
        return self.out(y.transpose(1, 2))


case("conv_residuals", Convolutions(), [x])
norm = nn.BatchNorm1d(2)
norm.running_mean.normal_(), norm.running_var.uniform_(0.5, 2), norm.weight.data.normal_(), norm.bias.data.normal_()
case("batch_norm", Net(lambda s, x: s.rnn(s.norm(x.transpose(1, 2)).transpose(1, 2))[0], norm=norm, rnn=rnn(nn.GRU)), [x],
     do_constant_folding=False)
case("scaled_in_and_out", Net(lambda s, x: s.out(s.rnn((x - torch.tensor([0.1, 0.2])) / torch.tensor([1.5, 0.5]))[0]) * 2.5 + 0.75,
                              rnn=rnn(nn.GRU), out=head()), [x])

tokens = torch.randint(0, 6, (2, 5))
case("tokens", Net(lambda s, x: torch.softmax(s.out(s.rnn(s.table(x))[0]), -1), table=nn.Embedding(6, 2), rnn=rnn(nn.LSTM),
                   out=head(3, 6)), [tokens], x="bt")
case("residual_first_feature", Net(lambda s, x: s.out(s.rnn(x)[0]) + x[:, :, 0:1], rnn=rnn(nn.GRU), out=head(3, 1)), [x])
case("residual_inside", Net(lambda s, x: (lambda y: s.out(y + s.rnn(y)[0]))(torch.tanh(s.front(x))), front=head(2, 3),
                            rnn=rnn(nn.GRU, 3), out=head()), [x])
case("flat_linear", Net(lambda s, x: s.out(s.rnn(x)[0].reshape(-1, 3)).reshape(x.shape[0], x.shape[1], 2), rnn=rnn(nn.GRU),
                        out=head()), [x])
for name, function in {"leaky_relu": nn.LeakyReLU(0.2), "elu": nn.ELU(), "relu6": nn.ReLU6(), "hard_sigmoid": nn.Hardsigmoid(),
                       "softplus": nn.Softplus(), "prelu": nn.PReLU(), "selu": nn.SELU()}.items():
    case(f"function_{name}", Net(lambda s, x: s.function(s.out(s.rnn(x)[0])), rnn=rnn(nn.GRU), out=head(), function=function), [x])

# What a chain of layers can't be
case("refused_mean", Net(lambda s, x: s.rnn(x)[0].mean(1), rnn=rnn(nn.GRU)), [x], y="bf")
case("refused_two_results", Net(lambda s, x: (s.out(s.rnn(x)[0]), s.aux(s.rnn(x)[0])), rnn=rnn(nn.GRU), out=head(), aux=head(3, 1)),
     [x], outputs=("y", "aux"))
case("refused_two_inputs", Net(lambda s, x, h: s.rnn(torch.cat((x, h), 2))[0], rnn=rnn(nn.GRU, 3)), [x, torch.randn(2, 5, 1)],
     names=("x", "knob"))

# From here on after all others, whose numbers are drawn before
norm = nn.LayerNorm(3, eps=0.125)
norm.weight.data.normal_(), norm.bias.data.normal_()
case("layer_norm", Net(lambda s, x: s.out(s.norm(s.rnn(x)[0])), rnn=rnn(nn.GRU), norm=norm, out=head()), [x], opset=17)
