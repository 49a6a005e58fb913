// Constants of a graph: what is known of a value without running the net. Numbers of a shape may depend on the input's.
#pragma once

#include "carousel/core/bit_cast.hpp"
#include "carousel/io/half.hpp"
#include "carousel/io/onnx/array.hpp"
#include "carousel/io/onnx/graph.hpp"

#include <cmath>
#include <cstring>
#include <variant>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// A whole number in a graph. The sizes of the input's batch and time are unknown, or known for the one shape that was
/// exported; a number that is such a size says of which dimension.
struct Number {
    std::int64_t value = 0;
    bool known = true;
    int dimension = -1; ///< of the graph's input, whose size it is; -1: none

    bool operator==(const Number&) const = default;
};

using Reals = std::shared_ptr<const Array<double>>;
using Integers = std::shared_ptr<const Array<Number>>;

/// A tensor of one number, everywhere, whatever its shape; some of its dimensions may be unknown.
struct Filled {
    std::vector<Number> dims;
    bool real = true;
    double value = 0; ///< if it is real
    Number number;    ///< else
};

/// One sequence's numbers, the same for any batch: what Expand makes of a learned initial state.
struct Repeated {
    Reals row;
};

/// Nothing is known (std::monostate), or a constant.
using Constant = std::variant<std::monostate, Reals, Integers, Filled, Repeated>;

inline bool is_known(const Constant& c) {
    return !std::holds_alternative<std::monostate>(c);
}

/// Whether a known constant has floats, not whole numbers or booleans.
inline bool is_of_floats(const Constant& c) {
    const Filled* const filled = std::get_if<Filled>(&c);
    return filled ? filled->real : !std::holds_alternative<Integers>(c);
}

/// What constants may take together: a small multiple of the file, whatever it says. Throws std::runtime_error beyond.
class Budget {
  public:
    Budget(const Source& source, std::size_t file_bytes)
        : source_(source), left_(16 * std::uint64_t(file_bytes) + (1 << 20)) {}

    /// Takes memory for an array of this shape, and returns how many numbers it has.
    std::size_t take(const Dims& dims, std::size_t number_bytes) {
        const auto count = count_of(dims);
        source_.check(
            count && static_cast<std::uint64_t>(*count) <= left_ / number_bytes,
            "its constants take more than 16 times the memory of the file; simplify the graph before (onnxsim)");
        left_ -= static_cast<std::uint64_t>(*count) * number_bytes;
        return static_cast<std::size_t>(*count);
    }

  private:
    const Source& source_;
    std::uint64_t left_;
};

inline bool is_real(DataType type) {
    return type == DataType::float32 || type == DataType::float64 || type == DataType::float16 ||
           type == DataType::bfloat16;
}

/// Bytes of a number in raw_data; 0: a type that isn't read.
inline int raw_width(DataType type) {
    switch (type) {
    case DataType::boolean:
    case DataType::int8:
    case DataType::uint8:
        return 1;
    case DataType::int16:
    case DataType::uint16:
    case DataType::float16:
    case DataType::bfloat16:
        return 2;
    case DataType::int32:
    case DataType::uint32:
    case DataType::float32:
        return 4;
    case DataType::int64:
    case DataType::uint64:
    case DataType::float64:
        return 8;
    default:
        return 0;
    }
}

/// The real number that is these bits.
inline double real_of(DataType type, std::uint64_t bits) {
    switch (type) {
    case DataType::float64:
        return bit_cast<double>(bits);
    case DataType::float16:
        return static_cast<double>(from_half(static_cast<std::uint16_t>(bits)));
    case DataType::bfloat16:
        return static_cast<double>(from_bfloat16(static_cast<std::uint16_t>(bits)));
    default:
        return static_cast<double>(bit_cast<float>(static_cast<std::uint32_t>(bits)));
    }
}

/// The whole number that is these bits.
inline std::int64_t integer_of(DataType type, std::uint64_t bits) {
    switch (type) {
    case DataType::int8:
        return static_cast<std::int8_t>(bits);
    case DataType::uint8:
        return static_cast<std::uint8_t>(bits);
    case DataType::int16:
        return static_cast<std::int16_t>(bits);
    case DataType::uint16:
        return static_cast<std::uint16_t>(bits);
    case DataType::int32:
        return static_cast<std::int32_t>(bits);
    case DataType::uint32:
        return static_cast<std::uint32_t>(bits);
    case DataType::boolean:
        return (bits & 0xFF) != 0;
    default:
        return static_cast<std::int64_t>(bits);
    }
}

/// f(bits) for each number of a tensor, from raw_data (little-endian) or from the field of its type.
template <class F>
void each_bits(const Source& source, const Tensor& tensor, F&& f) {
    const int width = raw_width(tensor.type);
    WireReader reader(source, tensor.message, "a tensor");
    while (reader.next())
        switch (reader.field()) {
        case field::raw_data: {
            const Bytes raw = reader.bytes();
            source.check(raw.size() % static_cast<std::size_t>(width) == 0, "tensor ", in_quotes(tensor.name), " has ",
                         raw.size(), " bytes, expected a multiple of ", width);
            for (std::size_t at = 0; at < raw.size(); at += static_cast<std::size_t>(width)) {
                std::uint64_t bits = 0;
                for (int k = 0; k < width; ++k)
                    bits |= std::to_integer<std::uint64_t>(raw[at + static_cast<std::size_t>(k)]) << 8 * k;
                f(bits);
            }
            break;
        }
        case field::float_data:
            reader.each_number(4, f);
            break;
        case field::double_data:
            reader.each_number(8, f);
            break;
        case field::int32_data:
        case field::int64_data:
        case field::uint64_data:
            reader.each_number(0, f);
            break;
        }
}

/// The numbers of a tensor. Throws std::runtime_error if they aren't in the file, of a type that isn't read, or not as
/// many as its shape says.
inline Constant read_numbers(const Source& source, const Tensor& tensor, Budget& budget) {
    source.check(!tensor.external, "tensor ", in_quotes(tensor.name),
                 " lies in another file; save the model with its weights inside (onnx.save_model(model, path, "
                 "save_as_external_data=False))");
    source.check(raw_width(tensor.type) > 0, "tensor ", in_quotes(tensor.name), " is of ONNX' type ",
                 static_cast<int>(tensor.type), ", which isn't read; expected floats or integers");
    const auto fill = [&](auto array, auto&& convert) {
        const std::size_t count = budget.take(tensor.dims, sizeof array.data[0]);
        source.check(count <= tensor.message.size(), "tensor ", in_quotes(tensor.name),
                     " has fewer numbers than its shape, ", count);
        array.dims = tensor.dims;
        array.data.reserve(count);
        each_bits(source, tensor, [&](std::uint64_t bits) {
            source.check(array.data.size() < count, "tensor ", in_quotes(tensor.name),
                         " has more numbers than its shape, ", count);
            array.data.push_back(convert(bits));
        });
        source.check(array.data.size() == count, "tensor ", in_quotes(tensor.name), " has ", array.data.size(),
                     " numbers, expected ", count, " for its shape");
        return std::make_shared<const decltype(array)>(std::move(array));
    };
    if (is_real(tensor.type))
        return fill(Array<double>{}, [&](std::uint64_t bits) { return real_of(tensor.type, bits); });
    return fill(Array<Number>{}, [&](std::uint64_t bits) { return Number{integer_of(tensor.type, bits)}; });
}

} // namespace carousel::detail::onnx
