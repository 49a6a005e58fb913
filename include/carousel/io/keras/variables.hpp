// LayerVariables: the variables of one Keras layer, compared with what its config says and put into a layer of ours.
#pragma once

#include "carousel/io/byte_source.hpp"
#include "carousel/io/keras/spec.hpp"
#include "carousel/io/named_tensor.hpp"
#include "carousel/io/recurrent_weights.hpp"
#include "carousel/layer/batch_norm.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/layer_norm.hpp"
#include "carousel/layer/prelu.hpp"
#include "carousel/layer/recurrent.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

class LayerVariables {
  public:
    static constexpr Index any = -1; ///< a size that nothing says yet

    /// `variables` are as many as variable_parts says; `label` begins messages. Both must outlive this.
    LayerVariables(const Input& input, const std::string& label, std::span<const NamedTensor> variables)
        : input_(&input), label_(&label), variables_(variables) {}

    /// Those of a Bidirectional layer's forward layer, and of its backward one.
    LayerVariables forward() const { return {*input_, *label_, variables_.first(variables_.size() / 2)}; }
    LayerVariables backward() const { return {*input_, *label_, variables_.last(variables_.size() / 2)}; }

    // How many features the layer is given: `features`, or what the first variable says if that is `any`. Throws
    // std::runtime_error if a variable hasn't the shape that follows from the spec.

    Index inputs(const RecurrentSpec& spec, Index features) const {
        using Cell = RecurrentSpec::Cell;
        const Index H = spec.units, gates = spec.cell == Cell::lstm ? 4 : spec.cell == Cell::simple ? 1 : 3;
        check_shape(0, {features, gates * H});
        check_shape(1, {H, gates * H});
        if (spec.bias && spec.cell == Cell::gru_after)
            check_shape(2, {2, gates * H});
        else if (spec.bias)
            check_shape(2, {gates * H});
        return variables_[0].shape[0];
    }
    Index inputs(const BidirectionalSpec& spec, Index features) const {
        return backward().inputs(spec.forward, forward().inputs(spec.forward, features));
    }
    Index inputs(const DenseSpec& spec, Index features) const {
        check_shape(0, {features, spec.units});
        if (spec.bias)
            check_shape(1, {spec.units});
        return variables_[0].shape[0];
    }
    Index inputs(const Conv1DSpec& spec, Index features) const {
        check_shape(0, {spec.kernel, features, spec.filters});
        if (spec.bias)
            check_shape(1, {spec.filters});
        return variables_[0].shape[1];
    }
    Index inputs(const EmbeddingSpec& spec, Index) const {
        check_shape(0, {spec.vocabulary, spec.size});
        return 1;
    }
    Index inputs(const BatchNormSpec&, Index features) const {
        check_shape(0, {features});
        for (std::size_t k = 1; k < variables_.size(); ++k)
            check_shape(k, variables_[0].shape);
        return variables_[0].shape[0];
    }
    Index inputs(const LayerNormSpec&, Index features) const {
        input_->check(!variables_.empty() || features != any, *label_,
                      "it has neither scale nor center, and no layer before it says how many features it is given");
        for (std::size_t k = 0; k < variables_.size(); ++k)
            check_shape(k, k == 0 ? std::vector<Index>{features} : variables_[0].shape);
        return variables_.empty() ? features : variables_[0].shape[0];
    }

    /// Keras' PReLU has a slope for each number of a sequence, but for the dimensions that its shared_axes say.
    Index inputs(const PReluSpec&, Index features) const {
        const std::vector<Index>& shape = variables_[0].shape;
        const bool steps = shape.size() == 2, shared = !shape.empty() && shape.back() == 1 && features != any;
        const Index size = shared ? 1 : features;
        if (steps)
            check_shape(0, {1, size});
        else
            check_shape(0, {size});
        return shared ? features : shape.back();
    }

    Index inputs(const NormalizationSpec&, Index features) const { return inputs(BatchNormSpec{}, features); }

    // The layer gets these variables, whose shapes inputs() has checked. A bias that isn't there is zero.

    template <Cell C>
    void fill(Recurrent<C>& layer) const {
        using S = typename C::Scalar;
        RecurrentWeights<S> weights{transposed<S>(0), transposed<S>(1), {}, {}};
        if (variables_.size() > 2) {
            const Matrix<S> b = transposed<S>(2); // a column for each of a GRU's two biases
            weights.b = b.col(0);
            if (b.cols() == 2)
                weights.b_recurrent = b.col(1);
        }
        constexpr RecurrentLayout layout{keras_layout.lstm, keras_layout.gru, true}; // as they are transposed
        set_recurrent_weights(layer, weights, layout, "set_recurrent_weights");
    }
    template <class S>
    void fill(Dense<S>& layer) const {
        layer.W().value = transposed<S>(0);
        fill_bias(layer.b().value);
    }
    template <class S>
    void fill(Conv1D<S>& layer) const { // filters × (kernel · inputs), the oldest tap first, is the kernel transposed
        layer.W().value = transposed<S>(0);
        fill_bias(layer.b().value);
    }
    template <class S>
    void fill(Embedding<S>& layer) const {
        layer.table().value = transposed<S>(0);
    }
    template <class S>
    void fill(BatchNorm<S>& layer, const BatchNormSpec& spec) const {
        std::size_t next = 0;
        const auto fill_next = [&](Parameter<S>& parameter, bool there, S otherwise) {
            if (there)
                parameter.value = transposed<S>(next++);
            else
                parameter.value.setConstant(otherwise);
        };
        fill_next(layer.gamma(), spec.scale, 1);
        fill_next(layer.beta(), spec.center, 0);
        fill_next(layer.mean(), true, 0);
        fill_next(layer.variance(), true, 1);
    }
    template <class S>
    void fill(LayerNorm<S>& layer, const LayerNormSpec& spec) const {
        if (spec.scale)
            layer.gamma().value = transposed<S>(0);
        if (spec.center)
            layer.beta().value = transposed<S>(spec.scale ? 1 : 0);
    }

    /// Keras' Normalization divides by a deviation of at least 1e-7.
    template <class S>
    void fill_normalization(BatchNorm<S>& layer) const {
        layer.mean().value = transposed<S>(0);
        layer.variance().value = transposed<S>(1).cwiseMax(S(1e-14));
    }
    template <class S>
    void fill(PReLU<S>& layer) const {
        const Matrix<S> slopes = transposed<S>(0);
        for (Index k = 0; k < layer.input_size(); ++k)
            layer.slope().value(k) = slopes(slopes.size() > 1 ? k : 0);
    }

  private:
    void check_shape(std::size_t k, const std::vector<Index>& expected) const {
        const std::vector<Index>& shape = variables_[k].shape;
        bool fits = shape.size() == expected.size();
        for (std::size_t d = 0; fits && d < shape.size(); ++d)
            fits = expected[d] == any ? shape[d] >= 1 : shape[d] == expected[d];
        input_->check(fits, *label_, "\"", variables_[k].name, "\" is ", text(shape), ", expected ", text(expected));
    }
    static std::string text(const std::vector<Index>& shape) {
        std::string text;
        for (const Index n : shape)
            text += (text.empty() ? "" : " x ") + (n == any ? std::string("any") : decimal(n));
        return shape.empty() ? "a single number" : shape.size() == 1 ? text + " numbers" : text;
    }

    /// Variable k as a matrix whose rows are its last index; the others together are the columns.
    template <class S>
    Matrix<S> transposed(std::size_t k) const {
        const Index rows = variables_[k].shape.back();
        return std::visit(
            [&](const auto& numbers) -> Matrix<S> {
                using Number = typename std::decay_t<decltype(numbers)>::value_type;
                const Index columns = static_cast<Index>(numbers.size()) / rows;
                return Eigen::Map<const Matrix<Number>>(numbers.data(), rows, columns).template cast<S>();
            },
            variables_[k].numbers);
    }
    template <class S>
    void fill_bias(Matrix<S>& b) const {
        if (variables_.size() > 1)
            b = transposed<S>(1);
        else
            b.setZero();
    }

    const Input* input_;
    const std::string* label_;
    std::span<const NamedTensor> variables_;
};

} // namespace carousel::detail::keras
