// WeightType: in which form a Stream keeps the weights of its recurrent layers. docs/streaming.md says what each costs and gains.
#pragma once

#include "carousel/core/build.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// bfloat16: the upper half of a float, 8 bits of significand. int16 and int8: whole numbers with a scale for each row, that is for each
/// gate of each unit: weight = scale · q, |q| ≤ 32767 or 127, scale = the row's largest |weight| / that, rounded up to a bfloat16.
/// Biases, and W of fewer than 8 input features, stay floats, of 24 bits: exact to 2⁻¹⁷.
enum class WeightType { bfloat16, int16, int8 };

/// The name of the enumerator; "?" if the type is none.
constexpr const char* name(WeightType type) {
    switch (type) {
    case WeightType::bfloat16:
        return "bfloat16";
    case WeightType::int16:
        return "int16";
    case WeightType::int8:
        return "int8";
    }
    return "?";
}

} // namespace carousel
