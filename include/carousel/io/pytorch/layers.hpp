// Which module of PyTorch each layer is, and their weights into and out of it.
#pragma once

#include "carousel/io/pytorch/cells.hpp"
#include "carousel/io/pytorch/match.hpp"
#include "carousel/io/recurrent_weights.hpp"
#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/prelu.hpp"
#include "carousel/model/model.hpp"

#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A tensor of two dimensions, or of one as a column.
template <class S>
Matrix<S> torch_matrix(const NamedTensor& tensor) {
    const Index rows = tensor.shape[0], columns = tensor.shape.size() > 1 ? tensor.shape[1] : 1;
    return std::visit(
        [&](const auto& numbers) -> Matrix<S> {
            using From = typename std::remove_cvref_t<decltype(numbers)>::value_type;
            using RowMajor = Eigen::Matrix<From, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
            return Eigen::Map<const RowMajor>(numbers.data(), rows, columns).template cast<S>();
        },
        tensor.numbers);
}

/// A bias as a column; zeros if there is none.
template <class S>
Matrix<S> torch_bias(const NamedTensor* tensor, Index size) {
    return tensor ? torch_matrix<S>(*tensor) : Matrix<S>(Matrix<S>::Zero(size, 1));
}

template <class S>
NamedTensor torch_vector(const std::string& name, const Matrix<S>& column) {
    return {name, Vector<S>(column.col(0))};
}

/// Specialised for the layers that have a module in PyTorch:
///
///     static std::string unlike(layer);            // how its weights differ from PyTorch's; empty: they don't
///     static std::string unsaid(layer);            // what else it does that PyTorch's module doesn't
///     static LayerNeed need(layer);                // without `what`
///     static std::string refused(layer, unit);     // why it can't have a module's weights; empty: it can
///     static void set(layer, unit);                // its weights, which fit
///     static void tensors(layer, module, level, out);   // appends them
template <class L>
struct TorchLayer;

template <class L>
concept HasTorchLayer = requires(const L& layer) {
    TorchLayer<L>::need(layer);
};

/// The weights of one direction.
template <class S>
RecurrentWeights<S> torch_weights(const TorchUnit& unit, std::size_t direction) {
    const auto& [W, U, b, b_recurrent] = unit.directions[direction];
    const Index rows = unit.gates * unit.output;
    return {torch_matrix<S>(*W), torch_matrix<S>(*U), torch_bias<S>(b, rows), torch_bias<S>(b_recurrent, rows)};
}

template <class Cell, Index I, Index H>
requires(torch_gates<Cell> > 0) struct TorchLayer<Recurrent<Cell, I, H>> {
    using Layer = Recurrent<Cell, I, H>;
    using S = typename Cell::Scalar;

    static std::string unlike(const Layer& layer) { return unlike_cell(layer.cell()); }
    static std::string unsaid(const Layer& layer) {
        if (layer.options().reverse)
            return "runs in reverse alone";
        return unsaid_of_direction(layer);
    }
    static std::string unsaid_of_direction(const Layer& layer) {
        if (layer.options().zoneout > 0 || layer.options().zoneout_cell > 0)
            return "has zoneout";
        if constexpr (requires { layer.cell().activation; })
            if (layer.cell().activation != Activation::tanh && layer.cell().activation != Activation::relu)
                return "has another activation than tanh and relu";
        return "";
    }
    static LayerNeed need(const Layer& layer) {
        return {.what = {},
                .kind = TorchKind::recurrent,
                .gates = torch_gates<Cell>,
                .input = layer.input_size(),
                .output = layer.hidden_size(),
                .bidirectional = false};
    }
    static std::string refused(const Layer&, const TorchUnit&) { return ""; }
    static void set(Layer& layer, const TorchUnit& unit, std::size_t direction = 0) {
        set_recurrent_weights(layer, torch_weights<S>(unit, direction), pytorch_layout, "load_pytorch");
    }
    static void tensors(const Layer& layer, const std::string& module, Index level, std::vector<NamedTensor>& out,
                        const char* suffix = "") {
        const auto weights = recurrent_weights(layer, pytorch_layout);
        const std::string end = "_l" + std::to_string(level) + suffix;
        out.push_back({module + "weight_ih" + end, weights.W});
        out.push_back({module + "weight_hh" + end, weights.U});
        out.push_back(torch_vector<S>(module + "bias_ih" + end, weights.b));
        out.push_back(torch_vector<S>(module + "bias_hh" + end, weights.b_recurrent));
    }
};

template <class L>
requires HasTorchLayer<L>
struct TorchLayer<Bidirectional<L>> {
    using Layer = Bidirectional<L>;

    static std::string unlike(const Layer& layer) { return TorchLayer<L>::unlike(layer.forward_layer()); }
    static std::string unsaid(const Layer& layer) {
        if (layer.merge() != Merge::concatenate)
            return layer.merge() == Merge::sum ? "adds its two directions up" : "averages its two directions";
        if (is_relu_rnn(layer.forward_layer()) != is_relu_rnn(layer.reverse_layer()))
            return "has different activations in its two directions";
        const std::string forward = TorchLayer<L>::unsaid_of_direction(layer.forward_layer());
        return forward.empty() ? TorchLayer<L>::unsaid_of_direction(layer.reverse_layer()) : forward;
    }
    static LayerNeed need(const Layer& layer) {
        LayerNeed need = TorchLayer<L>::need(layer.forward_layer());
        need.bidirectional = true;
        return need;
    }
    static std::string refused(const Layer&, const TorchUnit&) { return ""; }
    static void set(Layer& layer, const TorchUnit& unit) {
        TorchLayer<L>::set(layer.forward_layer(), unit, 0);
        TorchLayer<L>::set(layer.reverse_layer(), unit, 1);
    }
    static void tensors(const Layer& layer, const std::string& module, Index level, std::vector<NamedTensor>& out) {
        TorchLayer<L>::tensors(layer.forward_layer(), module, level, out);
        TorchLayer<L>::tensors(layer.reverse_layer(), module, level, out, "_reverse");
    }
};

template <class S, Index I, Index O>
struct TorchLayer<Dense<S, I, O>> {
    using Layer = Dense<S, I, O>;

    static std::string unlike(const Layer&) { return ""; }
    static std::string unsaid(const Layer&) { return ""; }
    static LayerNeed need(const Layer& layer) {
        return {.what = {}, .kind = TorchKind::matrix, .input = layer.input_size(), .output = layer.output_size()};
    }
    static std::string refused(const Layer&, const TorchUnit&) { return ""; }
    static void set(Layer& layer, const TorchUnit& unit) {
        layer.W().value = torch_matrix<S>(*unit.weight);
        layer.b().value = torch_bias<S>(unit.bias, unit.output);
    }
    static void tensors(const Layer& layer, const std::string& module, Index, std::vector<NamedTensor>& out) {
        out.push_back({module + "weight", layer.W().value});
        out.push_back(torch_vector<S>(module + "bias", layer.b().value));
    }
};

/// PyTorch's table has a row for each token, ours a column.
template <class S>
struct TorchLayer<Embedding<S>> {
    using Layer = Embedding<S>;

    static std::string unlike(const Layer&) { return ""; }
    static std::string unsaid(const Layer&) { return ""; }
    static LayerNeed need(const Layer& layer) {
        return {.what = {},
                .kind = TorchKind::matrix,
                .embedding = true,
                .input = layer.vocabulary(),
                .output = layer.output_size()};
    }
    /// The padding's vector is zero here; PyTorch's starts as zero and can be changed.
    static std::string refused(const Layer& layer, const TorchUnit& unit) {
        const auto padding = layer.options().padding;
        if (!padding || torch_matrix<S>(*unit.weight).row(*padding).isZero(0))
            return "";
        return "has padding " + std::to_string(*padding) + ", whose vector in \"" + shown(unit.weight->name) +
               "\" isn't zero";
    }
    static void set(Layer& layer, const TorchUnit& unit) {
        layer.table().value = torch_matrix<S>(*unit.weight).transpose();
    }
    static void tensors(const Layer& layer, const std::string& module, Index, std::vector<NamedTensor>& out) {
        out.push_back({module + "weight", Matrix<S>(layer.table().value.transpose())});
    }
};

/// PyTorch's weight[o][i][j] is our W(o, j·I + i).
template <class S>
struct TorchLayer<Conv1D<S>> {
    using Layer = Conv1D<S>;

    static std::string unlike(const Layer&) { return ""; }
    static std::string unsaid(const Layer&) { return ""; }
    static LayerNeed need(const Layer& layer) {
        return {.what = {},
                .kind = TorchKind::convolution,
                .input = layer.input_size(),
                .output = layer.output_size(),
                .kernel = layer.kernel()};
    }
    static std::string refused(const Layer&, const TorchUnit&) { return ""; }
    static void set(Layer& layer, const TorchUnit& unit) {
        std::visit(
            [&](const auto& numbers) {
                auto number = numbers.begin();
                each_place(layer,
                           [&](Index row, Index column) { layer.W().value(row, column) = static_cast<S>(*number++); });
            },
            unit.weight->numbers);
        layer.b().value = torch_bias<S>(unit.bias, unit.output);
    }
    static void tensors(const Layer& layer, const std::string& module, Index, std::vector<NamedTensor>& out) {
        std::vector<S> numbers;
        each_place(layer, [&](Index row, Index column) { numbers.push_back(layer.W().value(row, column)); });
        out.push_back(
            {module + "weight", {layer.output_size(), layer.input_size(), layer.kernel()}, std::move(numbers)});
        out.push_back(torch_vector<S>(module + "bias", layer.b().value));
    }

  private:
    /// f(row, column) of W in the order of PyTorch's numbers.
    template <class F>
    static void each_place(const Layer& layer, F&& f) {
        for (Index o = 0; o < layer.output_size(); ++o)
            for (Index i = 0; i < layer.input_size(); ++i)
                for (Index j = 0; j < layer.kernel(); ++j)
                    f(o, j * layer.input_size() + i);
    }
};

template <class S>
struct TorchLayer<PReLU<S>> {
    using Layer = PReLU<S>;

    static std::string unlike(const Layer&) { return ""; }
    static std::string unsaid(const Layer&) { return ""; }
    static LayerNeed need(const Layer& layer) {
        return {.what = {}, .kind = TorchKind::prelu, .input = layer.input_size(), .output = layer.input_size()};
    }
    static std::string refused(const Layer&, const TorchUnit&) { return ""; }
    static void set(Layer& layer, const TorchUnit& unit) {
        const Matrix<S> slopes = torch_matrix<S>(*unit.weight);
        for (Index k = 0; k < layer.input_size(); ++k)
            layer.slope().value(k) = slopes(slopes.size() > 1 ? k : 0);
    }
    static void tensors(const Layer& layer, const std::string& module, Index, std::vector<NamedTensor>& out) {
        out.push_back(torch_vector<S>(module + "weight", layer.slope().value));
    }
};

} // namespace carousel::detail
