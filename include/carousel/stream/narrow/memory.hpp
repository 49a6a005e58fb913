// What a recurrent layer of a Stream remembers whose weights are narrower than a float, laid out alike for every instruction set, and
// the functions that are compiled for one.
//
// Terms. A word is 32 bits with the weights of one row for two (bfloat16, int16) or four (int8) consecutive columns. A tile is some
// lanes of units with all their rows; a step multiplies for one tile and then runs the cell's equations for it, so that the processor
// fetches the next tile's weights meanwhile. The operand is the column that is multiplied, in the form that the weights' type needs.
#pragma once

#include "carousel/core/buffer.hpp"
#include "carousel/stream/weight_type.hpp"

#include <cstdint>

namespace carousel::inline CAROUSEL_ABI::stream {

struct NarrowFunctions;

/// Of a NarrowMatrix or NarrowMemory: what decides where its numbers stand.
struct NarrowLayout {
    WeightType type;
    const NarrowFunctions* functions; ///< of the instruction set that the numbers stand for
    bool dot;                         ///< multiplied by the processor's instructions for this type (AVX-512 BF16, VNNI)
    Index hidden, tile;               ///< units, and how many of them a tile has

    [[gnu::always_inline]] Index tiles() const { return (hidden + tile - 1) / tile; }
    /// Units of the tile that begins with unit u.
    [[gnu::always_inline]] Index width(Index u) const { return hidden - u < tile ? hidden - u : tile; }
};

/// Weights of blocks · H rows.
struct NarrowMatrix {
    Index blocks = 0, columns = 0;
    Buffer<std::uint32_t> words = {};  // tile after tile
    Buffer<std::uint32_t> scales = {}; // bfloat16s, two a word: of each row of each tile; none for bfloat16 weights
};

/// A column that a NarrowMatrix is multiplied with: `scale` · words.
struct NarrowOperand {
    Buffer<std::uint32_t> words = {};
    float scale = 1;
};

/// Some columns of the rows of all blocks, and a bias before them, as floats of 24 bits: exact to 2⁻¹⁷ of each. Three words hold one
/// place of four registers: the upper halves of two, those of the other two, and the third bytes of the four.
struct ShortFloats {
    Index blocks = 0, columns = 0; // columns: with the bias
    Buffer<std::uint32_t> words = {};
};

/// Of a recurrent layer. A row of `vectors`, `gates` and `state` has a number for each unit and is padded to whole registers.
struct NarrowMemory {
    NarrowLayout layout;
    Index input, row = 0;
    ShortFloats exact = {}; // the bias; and W, if the input is narrow
    NarrowMatrix W = {}, U = {}, second = {};
    NarrowOperand x = {}, h = {};
    Buffer<float> vectors = {}, gates = {}, state = {};
    unsigned steps = 0; // since construction; may wrap around

    /// On the heap.
    Index bytes() const {
        Index bytes = exact.words.bytes() + x.words.bytes() + h.words.bytes();
        for (const NarrowMatrix* const matrix : {&W, &U, &second})
            bytes += matrix->words.bytes() + matrix->scales.bytes();
        return bytes + vectors.bytes() + gates.bytes() + state.bytes();
    }
};

/// Of one instruction set.
struct NarrowFunctions {
    Index lanes; ///< floats in a register
    /// Whether this processor has instructions that multiply weights of this type.
    bool (*has_dot)(WeightType);
    /// How many words these take: a matrix, its scales, short floats, an operand of so many columns.
    Index (*matrix_words)(const NarrowLayout&, const NarrowMatrix&);
    Index (*scale_words)(const NarrowLayout&, const NarrowMatrix&);
    Index (*short_words)(const NarrowLayout&, const ShortFloats&);
    Index (*operand_words)(const NarrowLayout&, Index columns);
    /// Packs weights of which column k begins at weights + k · stride. A row of whole numbers with a NaN or an infinity
    /// becomes NaN; bfloat16s stay what they are.
    void (*pack)(const NarrowLayout&, NarrowMatrix&, const float* weights, Index stride);
    /// The bias, of exact.blocks · H numbers, and W of `count` blocks from `first`, if exact has columns for it.
    void (*pack_exact)(const NarrowLayout&, ShortFloats&, const float* bias, const float* W, int first, int count);
    /// The operand of `columns` numbers from x.
    void (*convert)(const NarrowLayout&, NarrowOperand&, const float* x, Index columns) noexcept;
    /// y = bias + W·x of the tile that begins with unit u: block after block, padded to four whole registers.
    void (*multiply_exact)(const NarrowLayout&, const ShortFloats&, Index u, const float* x, float* y) noexcept;
    /// y += the product for that tile. The numbers after the last row, up to a whole register, are left as they are or become NaN.
    void (*multiply)(const NarrowLayout&, const NarrowMatrix&, Index u, const NarrowOperand&, float* y) noexcept;
};

} // namespace carousel::stream
