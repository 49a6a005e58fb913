// How an AnyLayer and a Model run sample by sample.
#pragma once

#include "carousel/model/model.hpp"

#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail::inline CAROUSEL_ISA {

template <class S, bool narrow, bool fast>
struct PartWithOptions<AnyLayer<S>, S, narrow, fast> {
    using type = StreamPart<AnyLayer<S>, S>;
};
template <class S, bool narrow, bool fast>
struct PartWithOptions<Model<S>, S, narrow, fast> {
    using type = StreamPart<Model<S>, S>;
};

} // namespace detail

template <class S>
class StreamPart<AnyLayer<S>, S> {
  public:
    using State = std::vector<Matrix<S>>;

    static constexpr bool as_ever = false; ///< with options it is of the same type

    /// Throws std::invalid_argument if the layer can't be streamed.
    StreamPart(const AnyLayer<S>& layer, Index features, const detail::StreamOptions& options = {})
        : part_(layer.get().stream_part(features, options)), type_(layer.get().type()), states_(layer.states()) {}
    StreamPart(const StreamPart& other)
        : part_(other.part_ ? other.part_->copy() : nullptr), type_(other.type_), states_(other.states_) {}
    StreamPart(StreamPart&&) noexcept = default;
    StreamPart& operator=(const StreamPart& other) { return *this = StreamPart(other); }
    StreamPart& operator=(StreamPart&&) noexcept = default;

    const S* operator()(const S* x) noexcept { return part_->step(x); }
    void reset() noexcept { part_->reset(); }
    bool finite() const noexcept { return part_->finite(); }
    void get(State& out) const {
        out.resize(static_cast<std::size_t>(states_));
        part_->get(out);
    }
    void check(const State& in) const {
        require(in.empty() || static_cast<Index>(in.size()) == states_, "Stream::set_state", "the state has ",
                in.size(), " matrices, expected ", states_, ", or none for zero");
        if (!in.empty())
            part_->check(in);
    }
    void set(const State& in) noexcept { in.empty() ? reset() : part_->set(in); }
    void check_weights(const AnyLayer<S>& layer) const {
        require(layer.get().type() == type_, "Stream::set_weights", "the layer ", layer.name(),
                " is of another type than the stream's; make a new Stream of this model");
        part_->check_weights(layer.get().get());
    }
    void set_weights(const AnyLayer<S>& layer) { part_->set_weights(layer.get().get()); }

    Index memory() const { return part_->memory(); }

    /// The same for a part of the states of a row of layers: states() matrices, or none for zero.
    Index states() const { return states_; }
    detail::AnyStreamPart<S>& part() { return *part_; }
    const detail::AnyStreamPart<S>& part() const { return *part_; }

  private:
    std::unique_ptr<detail::AnyStreamPart<S>> part_;
    const void* type_;
    Index states_;
};

template <class S>
class StreamPart<Model<S>, S> {
  public:
    using State = std::vector<Matrix<S>>;

    static constexpr bool as_ever = false; ///< with options it is of the same type

    /// Throws std::invalid_argument, naming the layer, if one can't be streamed.
    StreamPart(const Model<S>& model, Index features, const detail::StreamOptions& options = {}) {
        model.each_layer([&](std::size_t k, const AnyLayer<S>& layer) {
            detail::in_layer("Stream", k, layer, [&] { parts_.emplace_back(layer, features, options); });
            features = layer.output_size(features);
            states_ += layer.states();
        });
    }

    const S* operator()(const S* x) noexcept {
        for (auto& part : parts_)
            x = part(x);
        return x;
    }
    void reset() noexcept {
        for (auto& part : parts_)
            part.reset();
    }
    bool finite() const noexcept {
        for (const auto& part : parts_)
            if (!part.finite())
                return false;
        return true;
    }

    void get(State& out) const {
        out.resize(static_cast<std::size_t>(states_));
        each(std::span<Matrix<S>>(out), [](const auto& part, std::span<Matrix<S>> own) { part.get(own); });
    }
    void check(const State& in) const {
        require(in.empty() || static_cast<Index>(in.size()) == states_, "Stream::set_state", "the state has ",
                in.size(), " matrices, expected ", states_, ", or none for zero");
        if (!in.empty())
            each(std::span<const Matrix<S>>(in),
                 [](const auto& part, std::span<const Matrix<S>> own) { part.check(own); });
    }
    void set(const State& in) noexcept {
        if (in.empty())
            return reset();
        each(std::span<const Matrix<S>>(in), [](auto& part, std::span<const Matrix<S>> own) { part.set(own); });
    }

    void check_weights(const Model<S>& model) const {
        require(model.size() == static_cast<Index>(parts_.size()), "Stream::set_weights", "the model has ",
                model.size(), " layers, the stream's had ", parts_.size(), "; make a new Stream of this model");
        model.each_layer([&](std::size_t k, const AnyLayer<S>& layer) {
            detail::in_layer("Stream::set_weights", k, layer, [&] { parts_[k].check_weights(layer); });
        });
    }
    void set_weights(const Model<S>& model) {
        model.each_layer([&](std::size_t k, const AnyLayer<S>& layer) { parts_[k].set_weights(layer); });
    }
    Index memory() const {
        auto bytes = static_cast<Index>(parts_.capacity() * sizeof(parts_[0]));
        for (const auto& part : parts_)
            bytes += part.memory();
        return bytes;
    }

  private:
    /// f(part, its matrices), taken from the front of `rest`.
    template <class M, class F>
    void each(std::span<M> rest, F&& f) const {
        for (const auto& part : parts_) {
            const auto count = static_cast<std::size_t>(part.states());
            f(const_cast<detail::AnyStreamPart<S>&>(part.part()), rest.first(count));
            rest = rest.subspan(count);
        }
    }

    std::vector<StreamPart<AnyLayer<S>, S>> parts_;
    Index states_ = 0;
};

} // namespace carousel
