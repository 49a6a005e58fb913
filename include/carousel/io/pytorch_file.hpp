// Files of torch.save read, whatever they were made for: named tensors. Needs libzip; in CMake, link carousel::pytorch.
#pragma once

#include "carousel/io/pytorch/state_dict.hpp"

#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// The named tensors of a file of torch.save (.pt, .pth, .tar, .bin; a zip file or, before PyTorch 1.6, pickles), in the
/// dictionary's order. In a checkpoint of more than one dictionary they are those of `dictionary`, the keys that lead to
/// it ("ema/state_dict"), or by default of the one that is called model_state_dict, state_dict, model or net, or that is
/// the only one with tensors under names; what else it holds is passed over. float16, bfloat16, bools and whole numbers of
/// up to 16 bits become float; float64, int32 and int64 double.
///
/// Nothing in the file is run: besides tensors it may hold numbers, texts, lists, tuples and dictionaries, and plain objects
/// of classes that are known by name (NumPy's numbers and arrays, argparse.Namespace, pathlib.Path, datetime, …), which are
/// passed over. Memory is at most some times the file's. Throws std::runtime_error "read_pytorch: path: …" if the file can't
/// be read or holds anything else, which the message names, or a NumPy array among the tensors.
inline std::vector<NamedTensor> read_pytorch(const ByteSource& source, const std::string& dictionary = {}) {
    detail::Input input("read_pytorch", source);
    detail::Checkpoint file(input);
    return detail::read_state_dict(file, dictionary).tensors;
}

} // namespace carousel
