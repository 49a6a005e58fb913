// AnyLayers: what a Model and an AnyParallel have in common, a list of layers decided at run time.
#pragma once

#include "carousel/model/any_layer.hpp"

#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A value: copies are copies of all layers. Assigned layers of the same types, copied or moved, it keeps the addresses of its
/// parameters, so an Optimizer of them goes on.
template <std::floating_point S>
class AnyLayers {
  public:
    /// How many layers it has.
    Index size() const { return static_cast<Index>(layers_.size()); }

    /// f(k, layer) for every layer, an AnyLayer<S>, in turn.
    template <class F>
    void each_layer(F&& f) {
        for (std::size_t k = 0; k < layers_.size(); ++k)
            f(k, layers_[k]);
    }
    template <class F>
    void each_layer(F&& f) const {
        for (std::size_t k = 0; k < layers_.size(); ++k)
            f(k, layers_[k]);
    }

    /// How many matrices the State has: those of all layers' States in turn.
    Index states() const {
        Index count = 0;
        for (const auto& layer : layers_)
            count += layer.states();
        return count;
    }
    /// So many empty matrices, which mean zero.
    std::vector<Matrix<S>> empty_state() const { return std::vector<Matrix<S>>(static_cast<std::size_t>(states())); }

  protected:
    AnyLayers() = default;
    explicit AnyLayers(std::vector<AnyLayer<S>> layers) : layers_(std::move(layers)) {}
    AnyLayers(const AnyLayers&) = default;
    AnyLayers(AnyLayers&&) noexcept = default;
    AnyLayers& operator=(const AnyLayers& other) {
        if (!same_types(other))
            layers_ = other.layers_;
        else
            for (std::size_t k = 0; k < layers_.size(); ++k)
                layers_[k] = other.layers_[k];
        return *this;
    }
    AnyLayers& operator=(AnyLayers&& other) {
        if (this == &other)
            return *this;
        if (!same_types(other))
            layers_ = std::move(other.layers_);
        else
            for (std::size_t k = 0; k < layers_.size(); ++k)
                layers_[k] = std::move(other.layers_[k]);
        return *this;
    }
    ~AnyLayers() = default;

    /// Throws std::invalid_argument unless 0 <= k < size().
    std::size_t place(const char* where, Index k) const {
        require(k >= 0 && k < size(), where, "k is ", k, ", expected 0 <= k < ", size());
        return static_cast<std::size_t>(k);
    }
    /// Throws std::invalid_argument unless the state has as many matrices as states() says, or none.
    void require_state(const char* where, const std::vector<Matrix<S>>& state) const {
        require(state.empty() || static_cast<Index>(state.size()) == states(), where, "the state has ", state.size(),
                " matrices, expected ", states(), ", or none for zero");
    }

    std::vector<AnyLayer<S>> layers_;

  private:
    bool same_types(const AnyLayers& other) const {
        bool same = layers_.size() == other.layers_.size();
        for (std::size_t k = 0; same && k < layers_.size(); ++k)
            same = layers_[k].same_type(other.layers_[k]);
        return same;
    }
};

} // namespace carousel::detail
