// Where the words of a NarrowMatrix stand, and how they are made of floats.
#pragma once

#include "carousel/stream/narrow/words.hpp"

#include <cmath>
#include <limits>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// Registers of the rows of a tile of `width` units.
inline Index registers_of(Index blocks, Index width) {
    return (blocks * width + word_lanes - 1) / word_lanes;
}
/// Registers of all tiles, those of each rounded up to a multiple of `step`; or of the tiles before the one that begins with unit u.
inline Index registers_before(const NarrowLayout& layout, Index blocks, Index u, Index step) {
    return u / layout.tile * ((registers_of(blocks, layout.tile) + step - 1) / step * step);
}
inline Index all_registers(const NarrowLayout& layout, Index blocks, Index step) {
    const Index last = (layout.tiles() - 1) * layout.tile, of_last = registers_of(blocks, layout.width(last));
    return registers_before(layout, blocks, last, step) + (of_last + step - 1) / step * step;
}

inline Index matrix_words(const NarrowLayout& layout, const NarrowMatrix& matrix) {
    return all_registers(layout, matrix.blocks, 1) * word_lanes * words_of_columns(layout.type, matrix.columns);
}
inline Index scale_words(const NarrowLayout& layout, const NarrowMatrix& matrix) {
    return layout.type == WeightType::bfloat16 ? 0 : all_registers(layout, matrix.blocks, 2) / 2 * word_lanes;
}
inline Index short_words(const NarrowLayout& layout, const ShortFloats& floats) {
    return all_registers(layout, floats.blocks, 4) / 4 * 3 * word_lanes * floats.columns;
}

/// How many of `registers` rows are multiplied together, of those that are left of a tile. The sums and a register for the weights
/// and two for the column are 16 registers at most.
inline constexpr int most_registers = 8;
inline constexpr int registers_at_once(Index left) {
    return left >= 8 ? 8 : left >= 6 ? 6 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

/// Where the words of a tile's row stand, from the first of the tile: the first one and how far the others are apart. `registers` are
/// those of the tile, `groups` the words of a row.
struct RowPlace {
    Index first, stride;
};
inline RowPlace place_of(Index registers, Index groups, Index row) {
    for (Index before = 0;;) {
        const Index rows = registers_at_once(registers) * word_lanes;
        if (row < rows)
            return {before * groups + row, rows};
        registers -= rows / word_lanes, before += rows, row -= rows;
    }
}

/// The scale of a row of whole numbers up to `most`: the least bfloat16 with scale · most ≥ `largest`, and NaN if that isn't finite.
/// Weights below 10⁻³² are zeros, as their scale might be denormal.
inline std::uint16_t row_scale(float largest, float most) {
    if (!(largest <= std::numeric_limits<float>::max()))
        return 0x7fc0U;
    if (largest < 1e-32F)
        return 0;
    const auto bits = bit_cast<std::uint32_t>(largest / most);
    return static_cast<std::uint16_t>((bits + 0xffffU) >> 16);
}

/// The bits of a weight within its word.
inline std::uint32_t weight_bits(WeightType type, float weight, float scale, Index column) {
    if (type == WeightType::bfloat16)
        return std::uint32_t(to_bfloat16(weight)) << (16 * column);
    // A scale that is zero or NaN has zeros for its whole numbers.
    const float q = scale > 0 ? __builtin_rintf(weight / scale) : 0;
    const auto whole = static_cast<std::int32_t>(q);
    if (type == WeightType::int16)
        return (static_cast<std::uint32_t>(whole) & 0xffffU) << (16 * column);
    constexpr int places[] = {0, 16, 8, 24};
    return static_cast<std::uint32_t>(whole + 128) << places[column];
}

/// The greatest magnitude of a row's weights, or one that isn't finite.
inline float largest_weight(const float* weights, Index stride, Index columns) {
    float largest = 0;
    for (Index k = 0; k < columns; ++k) {
        const float magnitude = __builtin_fabsf(weights[k * stride]);
        if (!(magnitude <= largest))
            largest = magnitude;
        if (magnitude != magnitude)
            break;
    }
    return largest;
}

inline void set_half(std::uint32_t& word, std::uint32_t bits, Index half) {
    word = (word & (half ? 0xffffU : 0xffff0000U)) | bits << (16 * half);
}

inline void pack(const NarrowLayout& layout, NarrowMatrix& matrix, const float* weights, Index stride) {
    const Index groups = words_of_columns(layout.type, matrix.columns), many = columns_a_word(layout.type);
    const float most = layout.type == WeightType::int8 ? 127 : 32767;
    for (Index u = 0; u < layout.hidden; u += layout.tile) {
        const Index width = layout.width(u), registers = registers_of(matrix.blocks, width);
        std::uint32_t* const words =
            matrix.words.data() + registers_before(layout, matrix.blocks, u, 1) * word_lanes * groups;
        // Rows after the last are zeros.
        for (Index row = 0; row < registers * word_lanes; ++row) {
            const bool there = row < matrix.blocks * width;
            const float* const from = weights + (there ? row / width * layout.hidden + u + row % width : 0);
            const Index columns = there ? matrix.columns : 0;
            float scale = 0;
            if (layout.type != WeightType::bfloat16) {
                const std::uint16_t bits = row_scale(largest_weight(from, stride, columns), most);
                scale = from_bfloat16(bits);
                const Index place =
                    (registers_before(layout, matrix.blocks, u, 2) + row / word_lanes) / 2 * word_lanes +
                    row % word_lanes;
                set_half(matrix.scales.data()[place], bits, row / word_lanes % 2);
            }
            const RowPlace place = place_of(registers, groups, row);
            for (Index group = 0; group < groups; ++group) {
                std::uint32_t word = 0;
                for (Index c = 0; c < many; ++c) {
                    const Index k = group * many + c;
                    word |= weight_bits(layout.type, k < columns ? from[k * stride] : 0, scale, c);
                }
                words[place.first + group * place.stride] = word;
            }
        }
    }
}

/// Rounds to 24 bits. Finite numbers stay finite, and NaN stays NaN.
inline std::uint32_t to_short_float(float x) {
    const auto bits = bit_cast<std::uint32_t>(x);
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    if (magnitude > 0x7f800000U)
        return bits >> 8 | 0x4000U;
    if (magnitude >= 0x7f7fff80U)
        return bits >> 8;
    return (bits + 0x7fU + (bits >> 8 & 1U)) >> 8;
}

inline void pack_exact(const NarrowLayout& layout, ShortFloats& exact, const float* bias, const float* W, int first,
                       int count) {
    const Index H = layout.hidden;
    std::uint32_t* words = exact.words.data();
    for (Index u = 0; u < H; u += layout.tile) {
        const Index width = layout.width(u), rows = exact.blocks * width;
        const Index fours = (registers_of(exact.blocks, width) + 3) / 4;
        for (Index k = 0; k < exact.columns; ++k, words += fours * 3 * word_lanes)
            for (Index r = 0; r < fours * 4 * word_lanes; ++r) {
                const Index block = r / width, unit = u + r % width;
                float value = 0;
                if (r < rows && k == 0)
                    value = bias[block * H + unit];
                else if (r < rows && block >= first && block < first + count)
                    value = W[(k - 1) * count * H + (block - first) * H + unit];
                const std::uint32_t bits = to_short_float(value);
                const Index within = r / word_lanes % 4;
                std::uint32_t* const place = words + r / (4 * word_lanes) * 3 * word_lanes + r % word_lanes;
                set_half(place[within / 2 * word_lanes], bits >> 8, within % 2);
                std::uint32_t& third = place[2 * word_lanes];
                third = (third & ~(0xffU << (8 * within))) | (bits & 0xffU) << (8 * within);
            }
    }
}

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
