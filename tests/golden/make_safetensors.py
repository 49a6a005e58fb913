# Writes tests/golden/example.safetensors as https://github.com/huggingface/safetensors describes the format, with
# nothing of this library; the test knows the numbers. With a path as argument it reads that file and says what is in it.
import json
import pathlib
import struct
import sys

import numpy as np

DTYPES = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}


def write(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, array in tensors.items():
        dtype = next(name for name, dtype in DTYPES.items() if dtype == array.dtype)
        begin = len(data)
        data += array.tobytes(order="C")
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read(path):
    content = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    data, end, tensors = content[8 + length :], 0, {}
    assert (8 + length) % 8 == 0
    for name, info in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        assert info["data_offsets"][0] == end, f"{name}: a hole or an overlap"
        begin, end = info["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], DTYPES[info["dtype"]]).reshape(info["shape"])
    assert end == len(data)
    return tensors, metadata


if len(sys.argv) > 1:
    tensors, metadata = read(sys.argv[1])
    print(metadata)
    for name, array in tensors.items():
        print(name, array.dtype, array.shape, array.ravel()[:3])
else:
    write(
        pathlib.Path(__file__).with_name("example.safetensors"),
        {
            "0.Dense.W": np.array([[1, 2, 3], [4, 5, 6]], "<f4"),
            "0.Dense.b": np.array([-0.0, np.inf], "<f4"),
            "double": np.array([[[0.1], [0.2]], [[0.3], [-1e300]]], "<f8"),
            "none": np.zeros((0, 5), "<f4"),
            "scalar": np.array(7.5, "<f8"),
        },
        {"format": "pt", "näme": "tab\t, quote \", 中"},
    )
