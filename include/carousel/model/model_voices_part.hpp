// How an AnyLayer and a Model run for many voices.
#pragma once

#include "carousel/model/model.hpp"

#include <memory>
#include <span>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

template <class S>
class VoicesPart<AnyLayer<S>, S> {
  public:
    using State = std::vector<Matrix<S>>;

    /// Throws std::invalid_argument if the layer can't be streamed.
    VoicesPart(const AnyLayer<S>& layer, Index features, Index capacity)
        : part_(layer.get().voices_part(features, capacity)), type_(layer.get().type()), states_(layer.states()) {}
    VoicesPart(const VoicesPart& other)
        : part_(other.part_ ? other.part_->copy() : nullptr), type_(other.type_), states_(other.states_) {}
    VoicesPart(VoicesPart&&) noexcept = default;
    VoicesPart& operator=(const VoicesPart& other) { return *this = VoicesPart(other); }
    VoicesPart& operator=(VoicesPart&&) noexcept = default;

    const S* operator()(const S* x, Index columns) noexcept { return part_->step(x, columns); }
    void reset(Index column) noexcept { part_->reset(column); }
    bool finite(Index column) const noexcept { return part_->finite(column); }
    void swap(Index a, Index b) noexcept { part_->swap(a, b); }
    void get(Index column, State& out) const {
        out.resize(static_cast<std::size_t>(states_));
        part_->get(column, out);
    }
    void check(const State& in) const {
        require(in.empty() || static_cast<Index>(in.size()) == states_, "Voices::set_state", "the state has ",
                in.size(), " matrices, expected ", states_, ", or none for zero");
        if (!in.empty())
            part_->check(in);
    }
    void set(Index column, const State& in) noexcept { in.empty() ? reset(column) : part_->set(column, in); }
    void check_weights(const AnyLayer<S>& layer) const {
        require(layer.get().type() == type_, "Voices::set_weights", "the layer ", layer.name(),
                " is of another type than the voices'; make new Voices of this model");
        part_->check_weights(layer.get().get());
    }
    void set_weights(const AnyLayer<S>& layer) { part_->set_weights(layer.get().get()); }

    /// The same for a part of the states of a row of layers: states() matrices, or none for zero.
    Index states() const { return states_; }
    detail::AnyVoicesPart<S>& part() const { return *part_; }

  private:
    std::unique_ptr<detail::AnyVoicesPart<S>> part_;
    const void* type_;
    Index states_;
};

template <class S>
class VoicesPart<Model<S>, S> {
  public:
    using State = std::vector<Matrix<S>>;

    /// Throws std::invalid_argument, naming the layer, if one can't be streamed.
    VoicesPart(const Model<S>& model, Index features, Index capacity) {
        model.each_layer([&](std::size_t k, const AnyLayer<S>& layer) {
            detail::in_layer("Voices", k, layer, [&] { parts_.emplace_back(layer, features, capacity); });
            features = layer.output_size(features);
            states_ += layer.states();
        });
    }

    const S* operator()(const S* x, Index columns) noexcept {
        for (auto& part : parts_)
            x = part(x, columns);
        return x;
    }
    void reset(Index column) noexcept {
        for (auto& part : parts_)
            part.reset(column);
    }
    bool finite(Index column) const noexcept {
        for (const auto& part : parts_)
            if (!part.finite(column))
                return false;
        return true;
    }
    void swap(Index a, Index b) noexcept {
        for (auto& part : parts_)
            part.swap(a, b);
    }

    void get(Index column, State& out) const {
        out.resize(static_cast<std::size_t>(states_));
        each(std::span<Matrix<S>>(out), [&](auto& part, std::span<Matrix<S>> own) { part.get(column, own); });
    }
    void check(const State& in) const {
        require(in.empty() || static_cast<Index>(in.size()) == states_, "Voices::set_state", "the state has ",
                in.size(), " matrices, expected ", states_, ", or none for zero");
        if (!in.empty())
            each(std::span<const Matrix<S>>(in), [](auto& part, std::span<const Matrix<S>> own) { part.check(own); });
    }
    void set(Index column, const State& in) noexcept {
        if (in.empty())
            return reset(column);
        each(std::span<const Matrix<S>>(in),
             [&](auto& part, std::span<const Matrix<S>> own) { part.set(column, own); });
    }

    void check_weights(const Model<S>& model) const {
        require(model.size() == static_cast<Index>(parts_.size()), "Voices::set_weights", "the model has ",
                model.size(), " layers, the voices' had ", parts_.size(), "; make new Voices of this model");
        model.each_layer([&](std::size_t k, const AnyLayer<S>& layer) {
            detail::in_layer("Voices::set_weights", k, layer, [&] { parts_[k].check_weights(layer); });
        });
    }
    void set_weights(const Model<S>& model) {
        model.each_layer([&](std::size_t k, const AnyLayer<S>& layer) { parts_[k].set_weights(layer); });
    }

  private:
    /// f(part, its matrices), taken from the front of `rest`.
    template <class M, class F>
    void each(std::span<M> rest, F&& f) const {
        for (const auto& part : parts_) {
            const auto count = static_cast<std::size_t>(part.states());
            f(part.part(), rest.first(count));
            rest = rest.subspan(count);
        }
    }

    std::vector<VoicesPart<AnyLayer<S>, S>> parts_;
    Index states_ = 0;
};

} // namespace carousel
