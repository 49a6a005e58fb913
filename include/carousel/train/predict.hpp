// predict: a model's outputs for all samples of a data set, batch by batch.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/train/dataset.hpp"
#include "carousel/train/learner.hpp"
#include "carousel/train/sample_source.hpp"

#include <concepts>
#include <span>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include "carousel/train/data_checks.hpp"

#    include <algorithm>
#    include <numeric>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// How predict() goes through the data.
struct PredictOptions {
    /// Samples at a time; the result doesn't depend on it but for rounding.
    AnyIndex batch_size = 256;
};

namespace detail {

/// In the place of a loss where there is none.
struct NoLoss {
    template <class S>
    double operator()(const SequenceView<S>&, const SequenceView<S>&, Sequence<S>*) const {
        return 0;
    }
    template <class S>
    double weight(const SequenceView<S>&, const SequenceView<S>&) const {
        return 0;
    }
};

/// Samples without targets.
template <class S>
struct Inputs {
    using Scalar = S;
    SequenceView<S> x;

    Index size() const { return x.batch(); }
    SampleShape shape() const { return {x.features(), x.steps(), 0, 0}; }
    std::span<const Index> x_lengths() const { return x.lengths(); }
    void fill(std::span<const Index> samples, Sequence<S>& batch, Sequence<S>&) const {
        Dataset<S>::gather(x, samples, batch, batch.steps());
    }
};

/// f(first, output) for each batch.
template <class S>
void predict(Evaluated<S>& model, const SampleSource<S>& data, const PredictOptions& options,
             FunctionRef<void(Index, SequenceView<S>)> f);
template <class S>
Sequence<S> predict(Evaluated<S>& model, const SampleSource<S>& data, const PredictOptions& options);

} // namespace detail

/// The model's inference over all samples, `batch_size` at a time: features × steps × samples in their order, with lengths if
/// the outputs have some. Beside the result, no more memory is taken than a batch needs. Targets aren't looked at.
///
///     const Sequence<float> forecasts = predict(model, Windows(series, {.steps = 96, .horizon = 24}));
///
/// Throws std::invalid_argument if batch_size is below 1 or the data are empty or have fewer steps than the model needs, and what
/// the model and the data throw. An input that is NaN or infinite gives an output that is NaN.
template <class Model>
Sequence<typename Model::Scalar> predict(const Model& model, const SampleSource<typename Model::Scalar>& data,
                                         const PredictOptions& options = {}) {
    detail::EvaluatedOf<Model, detail::NoLoss> evaluated(model, detail::NoLoss{});
    return detail::predict(evaluated, data, options);
}

/// The same for inputs alone.
template <class Model>
Sequence<typename Model::Scalar> predict(const Model& model, SequenceView<typename Model::Scalar> x,
                                         const PredictOptions& options = {}) {
    return predict(model, SampleSource<typename Model::Scalar>(detail::Inputs<typename Model::Scalar>{x}), options);
}

/// Gives the outputs to f(first, output), batch by batch: `output`, a SequenceView which lives until f returns, is of the samples
/// first, first + 1, … So no more memory is taken than a batch needs. Throws what the other throws, and what f throws.
template <class Model, std::invocable<Index, SequenceView<typename Model::Scalar>> F>
void predict(const Model& model, const SampleSource<typename Model::Scalar>& data, F&& f,
             const PredictOptions& options = {}) {
    detail::EvaluatedOf<Model, detail::NoLoss> evaluated(model, detail::NoLoss{});
    detail::predict(evaluated, data, options,
                    detail::FunctionRef<void(Index, SequenceView<typename Model::Scalar>)>(f));
}

#ifdef CAROUSEL_BODIES

namespace detail {

template <class S>
void predict(Evaluated<S>& model, const SampleSource<S>& data, const PredictOptions& options,
             FunctionRef<void(Index, SequenceView<S>)> f) {
    const Index batch_size = options.batch_size, steps = data.shape().x_steps;
    require(batch_size >= 1, "predict", "batch_size is ", batch_size, ", expected batch_size >= 1");
    require(data.size() >= 1 && steps >= 1, "predict", "the data set is empty");
    require(steps >= model.least_steps(), "predict", "x has ", steps, " steps, expected at least ", model.least_steps(),
            ", which the model needs");
    Sequence<S> x, y;
    std::vector<Index> samples;
    for (Index first = 0; first < data.size();) {
        const Index count = std::min(batch_size, data.size() - first);
        samples.resize(static_cast<std::size_t>(count));
        std::iota(samples.begin(), samples.end(), first);
        batch(model, data, samples, x, y);
        f(first, model.infer(x, false));
        first += count;
    }
}

template <class S>
Sequence<S> predict(Evaluated<S>& model, const SampleSource<S>& data, const PredictOptions& options) {
    const SampleShape shape = data.shape();
    const Index all = data.size();
    Sequence<S> result;
    std::vector<Index> lengths;
    const auto copy = [&](Index first, SequenceView<S> output) {
        if (first == 0)
            result = Sequence<S>(output.features(), model.output_length(shape.x_steps), all);
        require(output.steps() <= result.steps(), "predict", "the model outputs ", output.steps(), " steps, expected ",
                result.steps(), " or fewer");
        for (Index t = 0; t < output.steps(); ++t)
            std::copy_n(output.data() + t * output.batch() * output.features(), output.batch() * output.features(),
                        result.data() + (t * all + first) * output.features());
        lengths.insert(lengths.end(), output.lengths().begin(), output.lengths().end());
    };
    predict(model, data, options, FunctionRef<void(Index, SequenceView<S>)>(copy));
    result.set_lengths(lengths);
    return result;
}

} // namespace detail

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_PREDICT(S)                                                                     \
    template void carousel::detail::predict(                                                                \
        carousel::detail::Evaluated<S>&, const carousel::SampleSource<S>&, const carousel::PredictOptions&, \
        carousel::detail::FunctionRef<void(carousel::Index, carousel::SequenceView<S>)>);                   \
    template carousel::Sequence<S> carousel::detail::predict(                                               \
        carousel::detail::Evaluated<S>&, const carousel::SampleSource<S>&, const carousel::PredictOptions&)
