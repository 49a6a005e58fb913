// SampleSource: where fit, evaluate and predict get their samples. Any Samples, or a part of them.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/core/require.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/train/dataset.hpp"
#include "carousel/train/sample_shape.hpp"
#include "carousel/train/samples.hpp"

#include <algorithm>
#include <concepts>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include <limits>
#    include <numeric>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// Any Samples, or a part of them: what fit, evaluate and predict take, to which each of these converts:
///
///     fit(model, data, …)                                     a Dataset
///     fit(model, Windows(series, {.steps = 100}), …)          windows that are cut when they are needed
///     const SampleSource<float> all(data);
///     fit(model, all.part(0, 800), all.part(800, 200), …)     parts, of which none is a copy
///
/// One with a name is referred to, and must stay where it is while this is used; a temporary is kept. A copy is cheap, and
/// refers to the same samples.
template <std::floating_point S>
class SampleSource {
  public:
    using Scalar = S;

    /// All samples of a Dataset: referred to, or kept if it is a temporary.
    SampleSource(const Dataset<S>& data) : SampleSource(detail::samples_of(data)) {}
    SampleSource(Dataset<S>&& data) : SampleSource(detail::samples_of(std::move(data))) {}
    /// A Dataset of these.
    SampleSource(Sequence<S> x, Sequence<S> y) : SampleSource(Dataset<S>{std::move(x), std::move(y)}) {}

    template <class Source>
    requires(!std::same_as<std::remove_cvref_t<Source>, SampleSource> && Samples<std::remove_cvref_t<Source>> &&
             std::same_as<typename std::remove_cvref_t<Source>::Scalar, S>)
        SampleSource(Source&& source) // NOLINT: converts from whatever has samples
        : SampleSource(keep<std::remove_cvref_t<Source>>(std::forward<Source>(source))) {
        check();
    }

    Index size() const { return size_; }
    SampleShape shape() const { return samples_->shape(); }
    /// Of these samples; empty if each has all steps of the shape.
    std::span<const Index> x_lengths() const { return part_of(samples_->lengths().x); }
    std::span<const Index> y_lengths() const { return part_of(samples_->lengths().y); }
    /// Of sample k. Throws std::invalid_argument unless 0 <= k < size().
    Index x_length(Index k) const { return length(x_lengths(), shape().x_steps, k); }
    Index y_length(Index k) const { return length(y_lengths(), shape().y_steps, k); }
    /// See Samples.
    Index block() const { return samples_->block(); }
    bool finite() const { return samples_->finite(); }
    /// See Samples.
    bool one_reader() const { return samples_->one_reader(); }

    /// x, y become these samples as Dataset::batch makes them. Throws what that throws, and what the source throws.
    void batch(std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y) const;
    template <class Model>
    void batch(const Model& model, std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y) const {
        batch(samples, x, y, detail::least_steps(model),
              [&](Index steps) { return detail::output_length(model, steps); });
    }
    void batch(std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y, Index least_steps,
               detail::FunctionRef<Index(Index)> output_length) const;

    /// Samples first … first + count − 1, of which none is copied. Throws std::invalid_argument unless there are these, at
    /// least one.
    SampleSource part(AnyIndex first, AnyIndex count) const;

    /// These samples, in this order, of which none is copied: PyTorch's Subset. Throws std::invalid_argument if one isn't there, or
    /// they come in an order of their own (block()).
    SampleSource subset(std::span<const Index> samples) const;

    /// A copy of all samples. Throws what batch throws.
    Dataset<S> dataset() const;

    /// The Dataset that this is, or a part of, if it is one; else null. first(): the sample of it, or of the whole source, that is
    /// number 0 here.
    const Dataset<S>* whole_dataset() const { return samples_->dataset(); }
    Index first() const { return first_; }
    /// The number that sample k, which must be there, has in the samples from which parts and subsets were made.
    Index number(Index k) const { return samples_->number(first_ + k); }

  private:
    using Erased = std::shared_ptr<const detail::AnySamples<S>>;

    explicit SampleSource(Erased samples) : samples_(std::move(samples)), size_(samples_->size()) {}

    template <class Source, class Given>
    static Erased
    keep(Given&& source) { // not make_shared, whose tag keeps a library that was loaded from being unloaded
        if constexpr (std::is_lvalue_reference_v<Given>)
            return std::make_unique<detail::SamplesOf<Source, const Source&>>(source);
        else
            return std::make_unique<detail::SamplesOf<Source, Source>>(std::forward<Given>(source));
    }

    /// Throws std::invalid_argument unless there is a length for each sample, or none.
    void check() const;
    std::span<const Index> part_of(std::span<const Index> all) const;
    Index length(std::span<const Index> lengths, Index steps, Index k) const;
    /// Their numbers in the whole source, in `room` if they are others.
    std::span<const Index> checked(const char* where, std::span<const Index> samples, std::vector<Index>& room) const;

    Erased samples_;
    Index first_ = 0, size_;
};

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
void SampleSource<S>::check() const {
    const auto check_count = [&](const char* what, std::span<const Index> lengths) {
        require(lengths.empty() || static_cast<Index>(lengths.size()) == size_, "SampleSource", "there are ",
                lengths.size(), " ", what, " of ", size_, " samples, expected as many, or none");
        const Index steps = what[0] == 'x' ? shape().x_steps : shape().y_steps;
        for (std::size_t k = 0; k < lengths.size(); ++k)
            require(lengths[k] >= 0 && lengths[k] <= steps, "SampleSource", what, " of sample ", k, " is ", lengths[k],
                    ", expected 0 … ", steps, ", the steps of the shape");
    };
    require(size_ >= 0, "SampleSource", "the size is ", size_, ", expected size >= 0");
    check_count("x_lengths", samples_->lengths().x);
    check_count("y_lengths", samples_->lengths().y);
}

template <std::floating_point S>
std::span<const Index> SampleSource<S>::part_of(std::span<const Index> all) const {
    const auto first =
        std::min(static_cast<std::size_t>(first_), all.size()); // a Dataset may have other targets than inputs
    return all.subspan(first, std::min(static_cast<std::size_t>(size_), all.size() - first));
}

template <std::floating_point S>
Index SampleSource<S>::length(std::span<const Index> lengths, Index steps, Index k) const {
    const Index count = lengths.empty() ? size_ : static_cast<Index>(lengths.size());
    require(k >= 0 && k < count, "SampleSource", "the length of sample ", k, " was asked for, expected 0 … ",
            count - 1);
    return lengths.empty() ? steps : lengths[static_cast<std::size_t>(k)];
}

template <std::floating_point S>
std::span<const Index> SampleSource<S>::checked(const char* where, std::span<const Index> samples,
                                                std::vector<Index>& room) const {
    const Dataset<S>* const data = whole_dataset();
    require(!data || data->y.batch() == data->size(), where, "x has ", data ? data->size() : 0, " samples and y ",
            data ? data->y.batch() : 0);
    detail::require_samples(where, samples, size_);
    if (first_ == 0)
        return samples;
    room.assign(samples.begin(), samples.end());
    for (Index& sample : room)
        sample += first_;
    return room;
}

template <std::floating_point S>
void SampleSource<S>::batch(std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y) const {
    std::vector<Index> room;
    const auto all = checked("SampleSource::batch", samples, room);
    samples_->gather(all, x, y, detail::steps_of_batch(shape(), samples_->lengths(), all));
}

template <std::floating_point S>
void SampleSource<S>::batch(std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y, Index least_steps,
                            detail::FunctionRef<Index(Index)> output_length) const {
    std::vector<Index> room;
    const auto all = checked("SampleSource::batch", samples, room);
    samples_->gather(all, x, y, detail::steps_of_batch(shape(), samples_->lengths(), all, least_steps, output_length));
}

template <std::floating_point S>
SampleSource<S> SampleSource<S>::part(AnyIndex first, AnyIndex count) const {
    constexpr Index most = std::numeric_limits<Index>::max() / 2;
    const Index last = std::clamp<Index>(first, -most, most) + std::clamp<Index>(count, -most, most) - 1;
    require(first >= 0 && count >= 1 && first <= size_ && count <= size_ - first, "SampleSource::part", "samples ",
            Index(first), " … ", last, " were asked for, there are ", size_);
    SampleSource part = *this;
    part.first_ += first;
    part.size_ = count;
    return part;
}

template <std::floating_point S>
SampleSource<S> SampleSource<S>::subset(std::span<const Index> samples) const {
    require(block() == 0 || block() >= size_, "SampleSource::subset", "the samples come in an order of their own, ",
            block(), " of ", size_, " at a time, expected samples of any order");
    std::vector<Index> room;
    const auto all = checked("SampleSource::subset", samples, room);
    std::vector<Index> numbers(all.begin(), all.end());
    return SampleSource(std::make_unique<const detail::ChosenSamples<S>>(samples_, std::move(numbers)));
}

template <std::floating_point S>
Dataset<S> SampleSource<S>::dataset() const {
    std::vector<Index> samples(static_cast<std::size_t>(size_)), room;
    std::iota(samples.begin(), samples.end(), Index(0));
    const auto all = checked("SampleSource::dataset", samples, room);
    Dataset<S> data;
    samples_->gather(all, data.x, data.y, {shape().x_steps, shape().y_steps});
    return data;
}

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_SAMPLE_SOURCE(S) template class carousel::SampleSource<S>
