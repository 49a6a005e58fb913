// MapDataset: samples that a function makes, each when it is needed. Data larger than memory, or made up as they are trained on.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/train/sample_shape.hpp"

#include <concepts>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// The length of every sample, for samples that have not all the same.
struct MapLengths {
    std::vector<Index> x = {}; ///< empty: all have as many steps as sample 0
    std::vector<Index> y = {};
};

/// How a MapDataset may be used.
struct MapOptions {
    bool thread_safe = false; ///< the function may be called by several threads at a time, as cross_validate then does
};

/// `count` samples, of which get(k, x, y) makes number k, in any order and as often as it is asked: x becomes features × steps,
/// y its target, features × steps or one column. What is called a map-style dataset in PyTorch.
///
///     const MapDataset<float> data(files.size(), [&](Index k, Matrix<float>& x, Matrix<float>& y) { … });
///     fit(model, data, …)
///
/// Nothing is kept: fit looks at every sample once before it begins, and makes each again in every epoch. A function that makes
/// another sample each time, as for augmentation, is looked at that once.
template <std::floating_point S>
class MapDataset {
  public:
    using Scalar = S;
    /// Makes sample k, features × steps each.
    using Get = std::function<void(Index k, Matrix<S>& x, Matrix<S>& y)>;

    /// Makes sample 0 to know the shape. Throws std::invalid_argument if count is below 1, `get` is empty, or lengths are given
    /// and are not one for each sample, or below 0; and what `get` throws.
    MapDataset(AnyIndex count, Get get, MapLengths lengths = {}, MapOptions options = {});

    Index size() const { return count_; }
    SampleShape shape() const { return shape_; }
    std::span<const Index> x_lengths() const { return lengths_.x; }
    std::span<const Index> y_lengths() const { return lengths_.y; }
    /// Unless the options say that it is thread-safe.
    bool one_reader() const { return !options_.thread_safe; }
    /// See Samples. Throws std::invalid_argument unless there are these samples and x and y have their shape, or if a sample has
    /// not the features of sample 0, or not its length; and what `get` throws.
    void fill(std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y) const;

  private:
    Index count_;
    Get get_;
    MapLengths lengths_;
    MapOptions options_;
    SampleShape shape_;
};

namespace detail {

/// Writes a sample's x or y to a sequence of a batch. Throws std::invalid_argument unless it has these features and steps.
template <class S>
void put_sample(const char* where, const char* what, const Matrix<S>& sample, Index number, Index steps,
                Sequence<S>& to, Index b);

} // namespace detail

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
MapDataset<S>::MapDataset(AnyIndex count, Get get, MapLengths lengths, MapOptions options)
    : count_(count), get_(std::move(get)), lengths_(std::move(lengths)), options_(options) {
    require(count_ >= 1, "MapDataset", "count is ", count_, ", expected count >= 1");
    require(static_cast<bool>(get_), "MapDataset", "the function is empty, expected one that makes a sample");
    Matrix<S> x, y;
    get_(0, x, y);
    const auto most = [&](const char* what, const std::vector<Index>& list, Index steps) {
        require(list.empty() || static_cast<Index>(list.size()) == count_, "MapDataset", list.size(), " lengths of ",
                what, " were given for ", count_, " samples");
        for (const Index length : list) {
            require(length >= 0, "MapDataset", "a length of ", what, " is ", length, ", expected length >= 0");
            steps = &length == list.data() ? length : std::max(steps, length);
        }
        return steps;
    };
    shape_ = {x.rows(), most("x", lengths_.x, x.cols()), y.rows(), most("y", lengths_.y, y.cols())};
}

template <std::floating_point S>
void MapDataset<S>::fill(std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y) const {
    detail::require_samples("MapDataset::fill", samples, count_);
    detail::require_batch_of("MapDataset::fill", shape_, samples.size(),
                             {x.features(), x.steps(), y.features(), y.steps()}, x.batch(), y.batch());
    Matrix<S> one_x, one_y;
    for (std::size_t b = 0; b < samples.size(); ++b) {
        const auto k = static_cast<std::size_t>(samples[b]);
        get_(samples[b], one_x, one_y);
        detail::put_sample("MapDataset", "x", one_x, samples[b], lengths_.x.empty() ? shape_.x_steps : lengths_.x[k], x,
                           static_cast<Index>(b));
        detail::put_sample("MapDataset", "y", one_y, samples[b], lengths_.y.empty() ? shape_.y_steps : lengths_.y[k], y,
                           static_cast<Index>(b));
    }
}

namespace detail {

template <class S>
void put_sample(const char* where, const char* what, const Matrix<S>& sample, Index number, Index steps,
                Sequence<S>& to, Index b) {
    require(sample.rows() == to.features() && sample.cols() == steps, where, what, " of sample ", number, " is ",
            sample.rows(), " x ", sample.cols(), ", expected ", to.features(), " x ", steps);
    for (Index t = 0; t < std::min(steps, to.steps()); ++t)
        std::copy_n(sample.data() + t * to.features(), to.features(), to.data() + (t * to.batch() + b) * to.features());
}

} // namespace detail

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_MAP_DATASET(S)                                                                           \
    template class carousel::MapDataset<S>;                                                                           \
    template void carousel::detail::put_sample(const char*, const char*, const carousel::Matrix<S>&, carousel::Index, \
                                               carousel::Index, carousel::Sequence<S>&, carousel::Index)
