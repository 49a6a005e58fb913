// KnownNames: what a pickle of PyTorch may name. A name that isn't here makes a file refused.
#pragma once

#include "carousel/core/build.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI::detail {

/// What is made of a name.
enum class PickleName : std::uint8_t {
    ordered_dictionary,
    dictionary, // of its items alone, whatever it is made with
    list,
    size,
    device,
    rebuild_tensor,
    rebuild_parameter,
    rebuild_of_type,
    tensor_type,
    passed_over, // nothing: see PickleObject
    // types of numbers, as storages and dtypes name them
    float_storage,
    double_storage,
    half_storage,
    bfloat16_storage,
    char_storage,
    byte_storage,
    short_storage,
    int_storage,
    long_storage,
    bool_storage,
    untyped_storage // of bytes; its tensors say the type
};

struct KnownName {
    std::string_view module, name;
    PickleName what;
};

inline std::string name_text(const KnownName& name) {
    return std::string(name.module) + "." + std::string(name.name);
}

/// Those that are passed over are plain data that training programs save beside the weights.
inline constexpr auto known_names = [] {
    using enum PickleName;
    return std::to_array<KnownName>({
        {"collections", "OrderedDict", ordered_dictionary},
        {"torch", "Size", size},
        {"torch", "device", device},
        {"torch._utils", "_rebuild_tensor", rebuild_tensor}, // these have the same first four arguments
        {"torch._utils", "_rebuild_tensor_v2", rebuild_tensor},
        {"torch._utils", "_rebuild_tensor_v3", rebuild_tensor},
        {"torch._utils", "_rebuild_parameter", rebuild_parameter},
        {"torch._utils", "_rebuild_parameter_with_state", rebuild_parameter},
        {"torch._tensor", "_rebuild_from_type", rebuild_of_type},
        {"torch._tensor", "_rebuild_from_type_v2", rebuild_of_type},
        {"torch", "Tensor", tensor_type},
        {"torch.nn.parameter", "Parameter", tensor_type},
        {"torch.nn.parameter", "Buffer", tensor_type},

        {"torch", "FloatStorage", float_storage},
        {"torch", "DoubleStorage", double_storage},
        {"torch", "HalfStorage", half_storage},
        {"torch", "BFloat16Storage", bfloat16_storage},
        {"torch", "CharStorage", char_storage},
        {"torch", "ByteStorage", byte_storage},
        {"torch", "ShortStorage", short_storage},
        {"torch", "IntStorage", int_storage},
        {"torch", "LongStorage", long_storage},
        {"torch", "BoolStorage", bool_storage},
        {"torch", "UntypedStorage", untyped_storage},
        {"torch.storage", "UntypedStorage", untyped_storage},
        {"torch", "float32", float_storage},
        {"torch", "float64", double_storage},
        {"torch", "float16", half_storage},
        {"torch", "bfloat16", bfloat16_storage},
        {"torch", "int8", char_storage},
        {"torch", "uint8", byte_storage},
        {"torch", "int16", short_storage},
        {"torch", "int32", int_storage},
        {"torch", "int64", long_storage},
        {"torch", "bool", bool_storage},
        {"torch", "uint16", passed_over},
        {"torch", "uint32", passed_over},
        {"torch", "uint64", passed_over},
        {"torch", "complex64", passed_over},
        {"torch", "complex128", passed_over},
        {"torch", "float8_e4m3fn", passed_over},
        {"torch", "float8_e4m3fnuz", passed_over},
        {"torch", "float8_e5m2", passed_over},
        {"torch", "float8_e5m2fnuz", passed_over},

        {"collections", "defaultdict", dictionary},
        {"pytorch_lightning.utilities.parsing", "AttributeDict", dictionary},
        {"lightning.pytorch.utilities.parsing", "AttributeDict", dictionary},
        {"lightning_fabric.utilities.data", "AttributeDict", dictionary},
        {"lightning.fabric.utilities.data", "AttributeDict", dictionary},
        {"collections", "deque", list},

        // NumPy's numbers and arrays; numpy._core is numpy.core since NumPy 2, numpy._core.numeric of protocol 5
        {"numpy.core.multiarray", "scalar", passed_over},
        {"numpy._core.multiarray", "scalar", passed_over},
        {"numpy.core.multiarray", "_reconstruct", passed_over},
        {"numpy._core.multiarray", "_reconstruct", passed_over},
        {"numpy.core.numeric", "_frombuffer", passed_over},
        {"numpy._core.numeric", "_frombuffer", passed_over},
        {"numpy", "ndarray", passed_over},
        {"numpy", "dtype", passed_over},
        {"numpy", "bool_", passed_over},
        {"numpy", "bool", passed_over},
        {"numpy", "int8", passed_over},
        {"numpy", "int16", passed_over},
        {"numpy", "int32", passed_over},
        {"numpy", "int64", passed_over},
        {"numpy", "uint8", passed_over},
        {"numpy", "uint16", passed_over},
        {"numpy", "uint32", passed_over},
        {"numpy", "uint64", passed_over},
        {"numpy", "float16", passed_over},
        {"numpy", "float32", passed_over},
        {"numpy", "float64", passed_over},
        {"_codecs", "encode", passed_over}, // bytes in protocol 2

        {"__builtin__", "bool", passed_over},
        {"__builtin__", "bytearray", passed_over},
        {"__builtin__", "complex", passed_over},
        {"__builtin__", "dict", passed_over},
        {"__builtin__", "float", passed_over},
        {"__builtin__", "frozenset", passed_over},
        {"__builtin__", "int", passed_over},
        {"__builtin__", "list", passed_over},
        {"__builtin__", "long", passed_over},
        {"__builtin__", "set", passed_over},
        {"__builtin__", "slice", passed_over},
        {"__builtin__", "str", passed_over},
        {"__builtin__", "tuple", passed_over},
        {"__builtin__", "unicode", passed_over},
        {"__builtin__", "xrange", passed_over},
        {"builtins", "bool", passed_over},
        {"builtins", "bytearray", passed_over},
        {"builtins", "bytes", passed_over},
        {"builtins", "complex", passed_over},
        {"builtins", "dict", passed_over},
        {"builtins", "float", passed_over},
        {"builtins", "frozenset", passed_over},
        {"builtins", "int", passed_over},
        {"builtins", "list", passed_over},
        {"builtins", "range", passed_over},
        {"builtins", "set", passed_over},
        {"builtins", "slice", passed_over},
        {"builtins", "str", passed_over},
        {"builtins", "tuple", passed_over},
        {"argparse", "Namespace", passed_over},
        {"types", "SimpleNamespace", passed_over},
        {"collections", "Counter", passed_over},
        {"datetime", "date", passed_over},
        {"datetime", "datetime", passed_over},
        {"datetime", "time", passed_over},
        {"datetime", "timedelta", passed_over},
        {"datetime", "timezone", passed_over},
        {"decimal", "Decimal", passed_over},
        {"fractions", "Fraction", passed_over},
        {"uuid", "UUID", passed_over},
        {"pathlib", "Path", passed_over},
        {"pathlib", "PosixPath", passed_over},
        {"pathlib", "PurePosixPath", passed_over},
        {"pathlib", "PureWindowsPath", passed_over},
        {"pathlib", "WindowsPath", passed_over},
        {"pathlib._local", "PosixPath", passed_over}, // Python 3.13
        {"pathlib._local", "WindowsPath", passed_over},

        // hyper-parameters of Lightning and Hydra
        {"pytorch_lightning.callbacks.early_stopping", "EarlyStopping", passed_over},
        {"pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint", passed_over},
        {"omegaconf.base", "ContainerMetadata", passed_over},
        {"omegaconf.base", "Metadata", passed_over},
        {"omegaconf.dictconfig", "DictConfig", passed_over},
        {"omegaconf.listconfig", "ListConfig", passed_over},
        {"omegaconf.nodes", "AnyNode", passed_over},
        {"omegaconf.nodes", "BooleanNode", passed_over},
        {"omegaconf.nodes", "FloatNode", passed_over},
        {"omegaconf.nodes", "IntegerNode", passed_over},
        {"omegaconf.nodes", "StringNode", passed_over},
        {"typing", "Any", passed_over},
    });
}();

/// Its place among known_names.
inline std::optional<std::size_t> known_name(std::string_view module, std::string_view name) {
    for (std::size_t k = 0; k < known_names.size(); ++k) {
        const KnownName& one = known_names[k];
        if (name == one.name && (module == one.module || (module == "torch.cuda" && name.ends_with("Storage"))))
            return k;
    }
    return std::nullopt;
}

} // namespace carousel::detail
