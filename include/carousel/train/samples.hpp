// Samples: what holds samples, or makes them when a batch needs them; and the same behind virtual functions.
#pragma once

#include "carousel/core/sequence.hpp"
#include "carousel/train/dataset.hpp"
#include "carousel/train/sample_shape.hpp"

#include <algorithm>
#include <concepts>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What holds samples, or makes them when they are asked for, has
///   using Scalar = …          float or double
///   source.size()             how many samples there are, always the same
///   source.shape()            a SampleShape, always the same
///   source.fill(samples, x, y)
///                             writes a batch: step t of sample samples[b] to column b of x.step(t) and y.step(t). x and y have
///                             their shape and their lengths already, and their padding is zero; steps that they haven't,
///                             because the batch is shorter, are left out
/// and may have
///   source.x_lengths(), source.y_lengths()
///                             as std::span<const Index>: the length of every sample; empty if all have those of the shape
///   source.block()            if samples come in an order of their own: how many neighbours of it may be shuffled
///                             (IterableDataset); 0: any may be asked for at any time
///   source.one_reader()       true if only one thread at a time may call fill: cross_validate then runs fold by fold
///   source.finite()           true if no input is NaN or infinite: then fit and evaluate don't look
/// Windows, MapDataset and IterableDataset are such, and a type of one's own can be. A Dataset is, by a way of its own.
template <class Type>
concept Samples = requires(const Type& source, std::span<const Index> samples, Sequence<typename Type::Scalar>& batch) {
    { source.size() } -> std::convertible_to<Index>;
    { source.shape() } -> std::convertible_to<SampleShape>;
    source.fill(samples, batch, batch);
};

namespace detail {

/// Samples behind virtual functions.
template <class S>
class AnySamples {
  public:
    virtual ~AnySamples() = default;
    virtual Index size() const = 0;
    virtual SampleShape shape() const = 0;
    virtual SampleLengths lengths() const = 0;
    virtual Index block() const = 0;
    virtual bool finite() const = 0;
    virtual bool one_reader() const = 0;
    /// The first steps.x and steps.y steps of these samples, of which each is there.
    virtual void gather(std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y, StepsOfBatch steps) const = 0;
    /// The samples as a Dataset, if they are one.
    virtual const Dataset<S>* dataset() const { return nullptr; }
    /// Which of the samples that the user has is this one.
    virtual Index number(Index sample) const { return sample; }
};

/// out takes this shape, the lengths of these samples and, where it is ragged, zeros.
template <class S>
void prepare(Sequence<S>& out, Index features, Index steps, std::span<const Index> samples,
             std::span<const Index> lengths);

/// `Held` is a Source, or a reference to one.
template <class Source, class Held>
class SamplesOf final : public AnySamples<typename Source::Scalar> {
  public:
    using S = typename Source::Scalar;

    explicit SamplesOf(Held&& source) : source_(std::forward<Held>(source)) {}

    Index size() const override { return source_.size(); }
    SampleShape shape() const override { return source_.shape(); }
    SampleLengths lengths() const override {
        SampleLengths all{};
        if constexpr (requires(const Source& source) { source.x_lengths(); })
            all.x = kept(source_.x_lengths());
        if constexpr (requires(const Source& source) { source.y_lengths(); })
            all.y = kept(source_.y_lengths());
        return all;
    }
    Index block() const override {
        if constexpr (requires(const Source& source) { source.block(); })
            return source_.block();
        return 0;
    }
    bool finite() const override {
        if constexpr (requires(const Source& source) { source.finite(); })
            return source_.finite();
        return false;
    }
    bool one_reader() const override {
        if constexpr (requires(const Source& source) { source.one_reader(); })
            return source_.one_reader();
        return false;
    }
    void gather(std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y, StepsOfBatch steps) const override {
        const SampleShape all = shape();
        const SampleLengths known = lengths();
        prepare(x, all.x_features, steps.x, samples, known.x);
        prepare(y, all.y_features, steps.y, samples, known.y);
        source_.fill(samples, x, y);
    }

  private:
    /// A span or a list that the source keeps: a list made for the call would be gone after it.
    template <class List>
    static std::span<const Index> kept(List&& list) {
        static_assert(std::is_lvalue_reference_v<List> ||
                          std::same_as<std::remove_cvref_t<List>, std::span<const Index>>,
                      "x_lengths() and y_lengths() return a span, or a reference to a list that the source keeps");
        return list;
    }

    Held source_;
};

template <class S>
std::shared_ptr<const AnySamples<S>> samples_of(const Dataset<S>& data);
template <class S>
std::shared_ptr<const AnySamples<S>> samples_of(Dataset<S>&& data);

} // namespace detail

#ifdef CAROUSEL_BODIES

namespace detail {

template <class S>
void prepare(Sequence<S>& out, Index features, Index steps, std::span<const Index> samples,
             std::span<const Index> lengths) {
    out.resize(features, steps, static_cast<Index>(samples.size()));
    if (lengths.empty())
        return;
    std::vector<Index> own(samples.size());
    for (std::size_t b = 0; b < samples.size(); ++b)
        own[b] = std::min(lengths[static_cast<std::size_t>(samples[b])], steps);
    out.set_lengths(own);
    out.values().setZero();
}

/// `Held` is a Dataset, or a reference to one.
template <class S, class Held>
class DatasetSamples final : public AnySamples<S> {
  public:
    explicit DatasetSamples(Held&& data) : data_(std::forward<Held>(data)) {}

    Index size() const override { return data_.size(); }
    SampleShape shape() const override { return data_.shape(); }
    SampleLengths lengths() const override { return {data_.x.lengths(), data_.y.lengths()}; }
    Index block() const override { return 0; }
    bool finite() const override { return false; }
    bool one_reader() const override { return false; }
    void gather(std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y, StepsOfBatch steps) const override {
        Dataset<S>::gather(data_.x, samples, x, steps.x);
        Dataset<S>::gather(data_.y, samples, y, steps.y);
    }
    const Dataset<S>* dataset() const override { return &data_; }

  private:
    Held data_;
};

/// Some of the samples of others, by their numbers, which are there.
template <class S>
class ChosenSamples final : public AnySamples<S> {
  public:
    ChosenSamples(std::shared_ptr<const AnySamples<S>> all, std::vector<Index> chosen)
        : all_(std::move(all)), chosen_(std::move(chosen)) {
        const auto choose = [&](std::span<const Index> lengths, std::vector<Index>& own) {
            for (std::size_t k = 0; k < chosen_.size() && !lengths.empty(); ++k)
                own.push_back(lengths[static_cast<std::size_t>(chosen_[k])]);
        };
        choose(all_->lengths().x, x_lengths_);
        choose(all_->lengths().y, y_lengths_);
    }

    Index size() const override { return static_cast<Index>(chosen_.size()); }
    SampleShape shape() const override { return all_->shape(); }
    SampleLengths lengths() const override { return {x_lengths_, y_lengths_}; }
    Index block() const override { return 0; }
    bool finite() const override { return all_->finite(); }
    bool one_reader() const override { return all_->one_reader(); }
    void gather(std::span<const Index> samples, Sequence<S>& x, Sequence<S>& y, StepsOfBatch steps) const override {
        std::vector<Index> numbers;
        for (const Index sample : samples)
            numbers.push_back(chosen_[static_cast<std::size_t>(sample)]);
        all_->gather(numbers, x, y, steps);
    }
    Index number(Index sample) const override { return all_->number(chosen_[static_cast<std::size_t>(sample)]); }

  private:
    std::shared_ptr<const AnySamples<S>> all_;
    std::vector<Index> chosen_, x_lengths_, y_lengths_;
};

template <class S>
std::shared_ptr<const AnySamples<S>> samples_of(const Dataset<S>& data) {
    return std::make_unique<DatasetSamples<S, const Dataset<S>&>>(data);
}
template <class S>
std::shared_ptr<const AnySamples<S>> samples_of(Dataset<S>&& data) {
    return std::make_unique<DatasetSamples<S, Dataset<S>>>(std::move(data));
}

} // namespace detail

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_SAMPLES(S)                                                                          \
    template void carousel::detail::prepare(carousel::Sequence<S>&, carousel::Index, carousel::Index,            \
                                            std::span<const carousel::Index>, std::span<const carousel::Index>); \
    template std::shared_ptr<const carousel::detail::AnySamples<S>> carousel::detail::samples_of(                \
        const carousel::Dataset<S>&);                                                                            \
    template std::shared_ptr<const carousel::detail::AnySamples<S>> carousel::detail::samples_of(carousel::Dataset<S>&&)
