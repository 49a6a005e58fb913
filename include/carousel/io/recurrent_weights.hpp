// Weights of recurrent layers as other libraries lay them out: gate orders, transpositions and biases as data, used to
// read and to write.
#pragma once

#include "carousel/layer/recurrent.hpp"

#include <string>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI {

/// How a library lays out the weights of its recurrent layers. A gate is one letter: i, f, g (the candidate), o of an LSTM;
/// r, z, n (the candidate) of a GRU.
struct RecurrentLayout {
    std::string_view lstm, gru; ///< the order of the gates' blocks
    bool gates_in_rows;         ///< W: (gates · H) × I, as here; false: I × (gates · H)
};

inline constexpr RecurrentLayout pytorch_layout{"ifgo", "rzn", true}; ///< GuitarML's and NAM's as well
inline constexpr RecurrentLayout keras_layout{"ifgo", "zrn", false};  ///< RTNeural's and AIDA-X' as well
inline constexpr RecurrentLayout onnx_layout{"iofg", "zrn", true};

/// The weights of one recurrent layer and direction in a RecurrentLayout. I features, H units, G gates.
template <class S>
struct RecurrentWeights {
    Matrix<S> W;           ///< (G·H) × I, or transposed
    Matrix<S> U;           ///< (G·H) × H, or transposed
    Matrix<S> b;           ///< (G·H) × 1, added to W·x, or to both products' sum; empty: zero
    Matrix<S> b_recurrent; ///< (G·H) × 1, added to U·h₋, of libraries with two biases; empty: zero
    Matrix<S> P = {};      ///< peepholes, H × 3 for the gates i, f, o, whatever the library's order; empty: none
};

namespace detail {

/// The order of a cell's own blocks, as letters. Of b, '*' is the candidate of U·h₋ alone, in a GRU that resets after
/// the product.
struct BlockLetters {
    std::string_view W, U, b;
};

template <class Cell>
struct block_letters;
template <class S>
struct block_letters<SimpleRnnCell<S>> {
    static constexpr BlockLetters value{"h", "h", "h"};
    static constexpr std::string_view foreign(const RecurrentLayout&) { return "h"; }
};
template <class S, bool coupled, class Gates>
struct block_letters<LstmCell<S, coupled, Gates>> {
    static constexpr BlockLetters value =
        coupled ? BlockLetters{"igo", "igo", "igo"} : BlockLetters{"ifgo", "ifgo", "ifgo"};
    static constexpr std::string_view foreign(const RecurrentLayout& layout) { return layout.lstm; }
};
template <class S, Reset reset, class Gates>
struct block_letters<GruCell<S, reset, Gates>> {
    static constexpr BlockLetters value =
        reset == Reset::after ? BlockLetters{"nrz", "rzn", "nrz*"} : BlockLetters{"rzn", "rzn", "rzn"};
    static constexpr std::string_view foreign(const RecurrentLayout& layout) { return layout.gru; }
};

/// The block of `order` that is `letter`, in rows.
template <class S>
auto gate_block(Matrix<S>& m, std::string_view order, char letter, Index hidden) {
    return m.middleRows(static_cast<Index>(order.find(letter)) * hidden, hidden);
}
template <class S>
auto gate_block(const Matrix<S>& m, std::string_view order, char letter, Index hidden) {
    return m.middleRows(static_cast<Index>(order.find(letter)) * hidden, hidden);
}

/// Copies the blocks of both orders; a gate that only `to` has becomes zero.
template <class S>
Matrix<S> reordered(const Matrix<S>& from, std::string_view from_order, std::string_view to_order, Index hidden) {
    Matrix<S> to = Matrix<S>::Zero(static_cast<Index>(to_order.size()) * hidden, from.cols());
    for (const char letter : to_order)
        if (from_order.find(letter) != from_order.npos)
            gate_block(to, to_order, letter, hidden) = gate_block(from, from_order, letter, hidden);
    return to;
}

template <class S>
void require_weights_shape(const std::string& where, const char* name, const Matrix<S>& m, Index rows, Index columns,
                           bool may_be_empty, std::string_view order, Index hidden) {
    require((may_be_empty && m.size() == 0) || (m.rows() == rows && m.cols() == columns), where.c_str(), name, " is ",
            m.rows(), " x ", m.cols(), ", expected ", rows, " x ", columns, " for ", order.size(), " gates of ", hidden,
            " units");
}

} // namespace detail

/// Gives a layer the weights of another library's. The layer's cell must be of the same equations, as a GRU that resets
/// after the product for PyTorch's. Throws std::invalid_argument "where: W is 12 x 3, expected …", before anything is
/// changed, if a shape doesn't fit the layer's sizes.
template <Cell C, Index Input, Index Hidden>
void set_recurrent_weights(Recurrent<C, Input, Hidden>& layer, const RecurrentWeights<typename C::Scalar>& weights,
                           const RecurrentLayout& layout, const std::string& where) {
    using S = typename C::Scalar;
    using Letters = detail::block_letters<C>;
    const Index I = layer.input_size(), H = layer.hidden_size();
    const std::string_view order = Letters::foreign(layout);
    const Index rows = static_cast<Index>(order.size()) * H;
    const auto shaped = [&](const char* name, const Matrix<S>& m, Index columns) {
        detail::require_weights_shape(where, name, m, layout.gates_in_rows ? rows : columns,
                                      layout.gates_in_rows ? columns : rows, false, order, H);
    };
    shaped("W", weights.W, I);
    shaped("U", weights.U, H);
    detail::require_weights_shape(where, "the bias", weights.b, rows, 1, true, order, H);
    detail::require_weights_shape(where, "the recurrent bias", weights.b_recurrent, rows, 1, true, order, H);
    const bool peepholes = layer.P().size() > 0;
    require(peepholes == (weights.P.size() > 0), where.c_str(), "the weights have ",
            peepholes ? "no peepholes" : "peepholes", peepholes ? ", but the layer has" : ", but the layer has none");
    detail::require_weights_shape(where, "P", weights.P, H, 3, !peepholes, order, H);

    const auto in_rows = [&](const Matrix<S>& m) { return layout.gates_in_rows ? m : Matrix<S>(m.transpose()); };
    const Matrix<S> none = Matrix<S>::Zero(rows, 1);
    const Matrix<S>&b = weights.b.size() > 0 ? weights.b : none,
          &b_recurrent = weights.b_recurrent.size() > 0 ? weights.b_recurrent : none;
    layer.W().value = detail::reordered<S>(in_rows(weights.W), order, Letters::value.W, H);
    layer.U().value = detail::reordered<S>(in_rows(weights.U), order, Letters::value.U, H);
    // Two biases are one, except where U·h₋'s share is multiplied by the reset gate: there the candidate has both.
    const bool split = Letters::value.b.ends_with('*');
    layer.b().value = detail::reordered<S>(b + b_recurrent, order, Letters::value.b, H);
    if (split) {
        detail::gate_block(layer.b().value, Letters::value.b, 'n', H) = detail::gate_block(b, order, 'n', H);
        detail::gate_block(layer.b().value, Letters::value.b, '*', H) = detail::gate_block(b_recurrent, order, 'n', H);
    }
    if (peepholes) {
        if (layer.P().value.cols() == 3)
            layer.P().value = weights.P;
        else
            layer.P().value << weights.P.col(0), weights.P.col(2); // i and o of coupled gates
    }
}

/// The reverse. Of two biases b has what both products share and b_recurrent the candidate of a GRU that resets after
/// the product, else zeros. Gates that the cell hasn't, as f of a CoupledLSTM, are zero, and so are their peepholes.
template <Cell C, Index Input, Index Hidden>
RecurrentWeights<typename C::Scalar> recurrent_weights(const Recurrent<C, Input, Hidden>& layer,
                                                       const RecurrentLayout& layout) {
    using S = typename C::Scalar;
    using Letters = detail::block_letters<C>;
    const Index H = layer.hidden_size();
    const std::string_view order = Letters::foreign(layout);
    const auto laid_out = [&](Matrix<S> m) { return layout.gates_in_rows ? m : Matrix<S>(m.transpose()); };
    RecurrentWeights<S> out;
    out.W = laid_out(detail::reordered<S>(layer.W().value, Letters::value.W, order, H));
    out.U = laid_out(detail::reordered<S>(layer.U().value, Letters::value.U, order, H));
    out.b = detail::reordered<S>(layer.b().value, Letters::value.b, order, H);
    out.b_recurrent = Matrix<S>::Zero(out.b.rows(), 1);
    if (Letters::value.b.ends_with('*'))
        detail::gate_block(out.b_recurrent, order, 'n', H) =
            detail::gate_block(layer.b().value, Letters::value.b, '*', H);
    if (layer.P().value.cols() == 3)
        out.P = layer.P().value;
    else if (layer.P().size() > 0) {
        out.P = Matrix<S>::Zero(H, 3);
        out.P.col(0) = layer.P().value.col(0);
        out.P.col(2) = layer.P().value.col(1);
    }
    return out;
}

} // namespace carousel
