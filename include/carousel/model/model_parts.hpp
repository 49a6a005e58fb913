// What the parts of an AnyLayer and of a Model have in common in a Stream (model_part.hpp) and in Voices (model_voices_part.hpp).
#pragma once

#include "carousel/layer/layer_row.hpp"
#include "carousel/model/any_layer.hpp"

#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// The words of messages about a Stream, or about Voices.
struct RunnerWords {
    const char *name, *set_state, *set_weights, *whose, *make_anew;
};
inline constexpr RunnerWords stream_words = {"Stream", "Stream::set_state", "Stream::set_weights", "the stream's",
                                             "make a new Stream of this model"};
inline constexpr RunnerWords voices_words = {"Voices", "Voices::set_state", "Voices::set_weights", "the voices'",
                                             "make new Voices of this model"};

/// Throws std::invalid_argument unless `in` has as many matrices as there are states, or none, which stand for zero.
template <class S>
void check_count(const RunnerWords& words, const std::vector<Matrix<S>>& in, Index states) {
    require(in.empty() || static_cast<Index>(in.size()) == states, words.set_state, "the state has ", in.size(),
            " matrices, expected ", states, ", or none for zero");
}

/// A layer's part behind virtual functions: `Any` is AnyStreamPart<S> or AnyVoicesPart<S>.
template <class S, class Any, const RunnerWords& words>
class AnyLayerPart {
  public:
    using State = std::vector<Matrix<S>>;

    AnyLayerPart(const AnyLayer<S>& layer, std::unique_ptr<Any> part)
        : part_(std::move(part)), type_(layer.get().type()), states_(layer.states()) {}
    AnyLayerPart(const AnyLayerPart& other)
        : part_(other.part_ ? other.part_->copy() : nullptr), type_(other.type_), states_(other.states_) {}
    AnyLayerPart(AnyLayerPart&&) noexcept = default;
    AnyLayerPart& operator=(const AnyLayerPart& other) { return *this = AnyLayerPart(other); }
    AnyLayerPart& operator=(AnyLayerPart&&) noexcept = default;

    void check(const State& in) const {
        check_count(words, in, states_);
        if (!in.empty())
            part_->check(in);
    }
    void check_weights(const AnyLayer<S>& layer) const {
        require(layer.get().type() == type_, words.set_weights, "the layer ", layer.name(), " is of another type than ",
                words.whose, "; ", words.make_anew);
        part_->check_weights(layer.get().get());
    }
    void set_weights(const AnyLayer<S>& layer) { part_->set_weights(layer.get().get()); }

    /// How many matrices of a row's state are this layer's.
    Index states() const { return states_; }
    Any& part() const { return *part_; }

  private:
    std::unique_ptr<Any> part_;
    const void* type_;
    Index states_;
};

/// The parts of the layers of a `Row`, a Model or an AnyParallel, each a `Part`, made from a layer and sizes.
template <class S, class Part, const RunnerWords& words, class Row>
class ModelParts {
  public:
    using State = std::vector<Matrix<S>>;

    void check(const State& in) const {
        check_count(words, in, states_);
        if (!in.empty())
            each(std::span<const Matrix<S>>(in),
                 [](const auto& part, std::span<const Matrix<S>> own) { part.check(own); });
    }
    void check_weights(const Row& model) const {
        require(model.size() == static_cast<Index>(parts_.size()), words.set_weights, "the model has ", model.size(),
                " layers, ", words.whose, " had ", parts_.size(), "; ", words.make_anew);
        model.each_layer([&](std::size_t k, const AnyLayer<S>& layer) {
            in_layer(words.set_weights, k, layer, [&] { parts_[k].check_weights(layer); });
        });
    }
    void set_weights(const Row& model) {
        model.each_layer([&](std::size_t k, const AnyLayer<S>& layer) { parts_[k].set_weights(layer); });
    }

  protected:
    /// Throws std::invalid_argument, naming the layer, if one can't be streamed.
    template <class... More>
    ModelParts(const Row& model, Index features, const More&... more) {
        model.each_layer([&](std::size_t k, const AnyLayer<S>& layer) {
            in_layer(words.name, k, layer, [&] { parts_.emplace_back(layer, features, more...); });
            if constexpr (!Row::same_input) // which are all given the same
                features = layer.output_size(features);
            states_ += layer.states();
        });
    }

    /// f(what is behind the virtual functions, its matrices), taken from the front of `rest`.
    template <class M, class F>
    void each(std::span<M> rest, F&& f) const {
        for (const auto& part : parts_) {
            const auto count = static_cast<std::size_t>(part.states());
            f(part.part(), rest.first(count));
            rest = rest.subspan(count);
        }
    }

    std::vector<Part> parts_;
    Index states_ = 0;
};

} // namespace carousel::detail
