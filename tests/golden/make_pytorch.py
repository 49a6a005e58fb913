# Writes tests/golden/pytorch with PyTorch: small files of torch.save of every kind, and what the models in them compute
# (models.txt). The tests know the numbers of the other files.
import argparse
import collections
import datetime
import io
import json
import os
import pathlib
import struct
import types
import zipfile

import numpy as np
import torch
from torch import nn

import golden_format

FOLDER = golden_format.FOLDER / "pytorch"


def save(name, value, **options):
    torch.save(value, FOLDER / name, **options)


def both(name, value):
    save(name + ".pt", value)
    save(name + ".legacy.pt", value, _use_new_zipfile_serialization=False)


def repacked(name, value, change, **options):
    """The zip file of torch.save with other entries: change(name, bytes) -> (name, bytes)."""
    content = io.BytesIO()
    torch.save(value, content)
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(FOLDER / name, "w", **options) as new:
        for entry in old.namelist():
            new.writestr(*change(entry, old.read(entry)))


def big_endian(name, data):
    folder, _, rest = name.partition("/")
    if rest == "version":
        return folder + "/byteorder", b"big"
    if rest.startswith("data/"):
        data = b"".join(data[k : k + 4][::-1] for k in range(0, len(data), 4))
    return name, data


def numbers(*shape, dtype=torch.float32, first=1):
    count = 1
    for size in shape:
        count *= size
    return torch.arange(first, first + count, dtype=torch.float32).reshape(shape).to(dtype)


def save_types():
    six = numbers(2, 3)
    both("types", {
        "float": numbers(2) / 4,
        "double": torch.tensor([0.1, 1e300], dtype=torch.float64),
        "half": torch.tensor([1.5, -65504, 2.0**-24, float("inf")], dtype=torch.float16),
        "bfloat16": torch.tensor([1.5, -(2.0**100)], dtype=torch.bfloat16),
        "int8": torch.tensor([-128, 127], dtype=torch.int8),
        "uint8": torch.tensor([0, 255], dtype=torch.uint8),
        "int16": torch.tensor([-32768, 32767], dtype=torch.int16),
        "int32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
        "int64": torch.tensor([-(2**53), 3], dtype=torch.int64),
        "bool": torch.tensor([True, False]),
        "scalar": torch.tensor(7.0),
        "empty": torch.zeros(0, 3),
        "parameter": nn.Parameter(numbers(1)),
    })
    both("views", {
        "whole": six,
        "transposed": six.t(),
        "column": six[:, 1],
        "row": six[1],
        "every other": six.reshape(-1)[::2],
        "expanded": six[0, 2].expand(2, 2),
    })


def save_containers():
    model = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.5, -0.25]]))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    weight = model.weight.detach().clone()
    optimizer.step()
    model.weight.data.copy_(weight)
    both("checkpoint", {
        "epoch": 3,
        "optimizer_state_dict": optimizer.state_dict(),
        "model_state_dict": model.state_dict(),
        "loss": 0.5,
        "best": None,
        "done": False,
        "history": [1.0, (2, -3), "four", 2**80, -(2**40)],
        "size": torch.Size([2, 1]),
        "device": torch.device("cpu"),
        "dtype": torch.float32,
    })
    save("two.pt", {"generator": model.state_dict(), "ema": {"discriminator": {"weight": numbers(1)}}})
    save("protocol4.pt", model.state_dict(), pickle_protocol=4)
    save("protocol4.legacy.pt", model.state_dict(), pickle_protocol=4, _use_new_zipfile_serialization=False)
    repacked("deflated.pt", {"zeros": torch.zeros(100), "weight": weight},
             lambda name, data: ("another name/" + name.partition("/")[2], data), compression=zipfile.ZIP_DEFLATED)
    repacked("big_endian.pt", {"weight": weight}, big_endian)


def save_training():
    """What training programs put beside the weights: NumPy's numbers and arrays, and classes of Python's own."""
    both("training", {
        "epoch": np.int64(7),
        "best_loss": np.float64(0.25),
        "losses": np.array([1, 0.5, 0.25], dtype=np.float32),
        "names": np.array(["a", "b"], dtype=object),
        "random": np.random.RandomState(1).get_state()[2:],
        "dtype": np.dtype("float32"),
        "args": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("data/train"), sizes=[1, 2]),
        "seen": {1, 2},
        "frozen": frozenset([1]),
        "counts": collections.Counter("aab"),
        "recent": collections.deque([1.0, 2.0], maxlen=3),
        "by_name": collections.defaultdict(list, {"a": [np.float32(1)]}),
        "started": datetime.datetime(2024, 1, 2, 3, 4, 5),
        "took": datetime.timedelta(seconds=3),
        "extra": types.SimpleNamespace(note="x"),
        "complex": 1 + 2j,
        "bytes": b"\xff",
        "model_state_dict": collections.defaultdict(list, {"weight": numbers(1, 2)}),
    })


def save_wrapped():
    """The list of modules has the wrapper, too."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(1, 1)
            self.linear = nn.Identity()

    save("wrapped.pt", nn.DataParallel(Net()).state_dict())


def save_refused():
    class Command:
        def __reduce__(self):
            return os.system, ("true",)

    both("command", {"weight": numbers(1), "x": Command()})
    save("module.pt", nn.Linear(1, 1))
    save("complex.pt", {"weight": numbers(1).to(torch.complex64)})
    save("sparse.pt", {"weight": numbers(1, 1).to_sparse()})
    save("list.pt", [numbers(1)])
    save("numpy.pt", {"weight": numbers(1), "bias": np.zeros(1)})
    save("projected.pt", nn.LSTM(1, 2, proj_size=1).state_dict())
    scripted = io.BytesIO()
    torch.jit.save(torch.jit.trace(nn.Linear(1, 1), torch.zeros(1)), scripted)
    with zipfile.ZipFile(scripted) as old, zipfile.ZipFile(FOLDER / "scripted.pt", "w", compression=zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            if "debug_pkl" not in entry:
                new.writestr(entry, old.read(entry))


def write_safetensors(path, tensors):
    """As Python's safetensors: sorted by name."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name in sorted(tensors):
        bytes_ = tensors[name].detach().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": [len(data), len(data) + len(bytes_)]}
        data += bytes_
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Tagger(nn.Module):
    """All that a line can name, in one net."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 3, padding_idx=0)
        self.encoder = nn.GRU(3, 2, num_layers=2, batch_first=True, bidirectional=True, dropout=0.1)
        self.head = nn.Sequential(nn.Linear(4, 3), nn.LeakyReLU(0.1), nn.Linear(3, 2, bias=False), nn.Softmax(dim=-1))

    def forward(self, x):
        return self.head(self.encoder(self.table(x))[0])


class Amplifier(nn.Module):
    """As guitar amplifiers' nets are: the input is added to the output."""

    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(3, 1)  # made before what is before it
        self.rec = nn.LSTM(2, 3)

    def forward(self, x):
        return self.lin(self.rec(x)[0]) + x[:, :, :1]


class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(2, 3)
        self.rnn = nn.RNN(3, 4, nonlinearity="relu", bias=False)

    def forward(self, x):
        h, steps = torch.zeros(x.shape[1], 3), []
        for step in x:
            h = self.cell(step, h)
            steps.append(h)
        return self.rnn(torch.stack(steps))[0][-1]


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.causal = nn.Conv1d(2, 3, 3, dilation=2)
        self.valid = nn.Conv1d(3, 2, 2, stride=2, bias=False)

    def forward(self, x):  # (steps, batch, features); a convolution has steps last
        x = torch.tanh(self.causal(nn.functional.pad(x.permute(1, 2, 0), (4, 0))))
        return self.valid(x).permute(2, 0, 1)


class Normalized(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv1d(2, 3, 2)
        self.norm = nn.BatchNorm1d(3, eps=0.01)
        self.rnn = nn.GRU(3, 2)
        self.norm.running_mean.copy_(torch.tensor([0.5, -1, 0.25]))
        self.norm.running_var.copy_(torch.tensor([0.5, 2, 0.125]))
        self.norm.weight.copy_(torch.tensor([1.5, -0.5, 2]))
        self.norm.bias.copy_(torch.tensor([0.5, 0.25, -1]))

    def forward(self, x):
        return self.rnn(self.norm(self.convolution(x.permute(1, 2, 0))).permute(2, 0, 1))[0]


def save_models():
    tensors = {}

    def add(name, model, x, batch_first=False, **options):
        """Inputs and outputs are written as (steps, batch, features)."""
        model.eval()
        save(name + ".pt", model.state_dict(), **options)
        y = model(x)
        y = y[0] if isinstance(y, tuple) else y
        x = x[:, :, None] if x.dim() == 2 else x
        y = y[None] if y.dim() == 2 else y
        tensors[name + ".x"] = x.transpose(0, 1) if batch_first else x
        tensors[name + ".y"] = y.transpose(0, 1) if batch_first else y
        return model

    tagger = add("tagger", Tagger(), torch.tensor([[1, 2, 0, 4], [3, 3, 1, 2]]), batch_first=True)
    write_safetensors(FOLDER / "tagger.safetensors", tagger.state_dict())
    amplifier = add("amplifier", Amplifier(), torch.randn(6, 1, 2))
    write_safetensors(FOLDER / "amplifier.safetensors", amplifier.state_dict())
    add("cells", Cells(), torch.randn(5, 2, 2), _use_new_zipfile_serialization=False)
    add("alone", nn.LSTM(2, 3, num_layers=2), torch.randn(4, 2, 2))
    add("convolutions", Convolutions(), torch.randn(6, 2, 2))
    add("normalized", Normalized(), torch.randn(4, 2, 2))
    golden_format.write("pytorch/models.txt", "make_pytorch.py", [f"PyTorch {torch.__version__}, float32"], tensors)


torch.manual_seed(1)
FOLDER.mkdir(exist_ok=True)
with torch.no_grad():
    save_types()
save_containers()
save_training()
save_wrapped()
save_refused()
with torch.no_grad():
    save_models()
