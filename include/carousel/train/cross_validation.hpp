// Cross-validation and backtesting: a model for each fold of the data, trained on one part of them and judged by another.
#pragma once

#include "carousel/core/random.hpp"
#include "carousel/core/require.hpp"
#include "carousel/kernel/threads.hpp"
#include "carousel/train/evaluate.hpp"
#include "carousel/train/fit.hpp"
#include "carousel/train/sample_source.hpp"

#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include <algorithm>
#    include <limits>
#    include <numeric>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// The numbers of the samples that a model is trained with, and of those that judge it.
struct Fold {
    std::vector<Index> training, test;
};

/// How k_fold cuts the samples.
struct KFoldOptions {
    /// How many.
    AnyIndex folds = 5;
    bool shuffle = false; ///< before the samples are cut into folds; else each fold's test is a run of samples
    std::uint64_t seed = 0;
};

/// Every sample is in the test of one fold, and in the training of all others: scikit-learn's KFold. The first folds have a sample more
/// where they can't all have as many. Throws std::invalid_argument unless 2 <= folds <= samples.
CAROUSEL_INLINE std::vector<Fold> k_fold(AnyIndex samples, KFoldOptions options = {});

/// How rolling_origin cuts the samples.
struct RollingOriginOptions {
    /// How many.
    AnyIndex folds = 5;
    AnyIndex test = 0; ///< samples of each test; 0: samples / (folds + 1)
    /// Samples left out between training and test. Windows with a stride of 1 share targets with the next horizon − 1, and have
    /// values in common with the next gap + horizon + steps − 1.
    AnyIndex gap = 0;
    AnyIndex training =
        0; ///< at most so many samples to train with, the latest: a sliding window; 0: all that came before
};

/// Tests that follow each other up to the last sample, each with what came before it as training: backtesting with a rolling origin,
/// scikit-learn's TimeSeriesSplit. Throws std::invalid_argument if there are no samples, folds is below 1, another
/// option below 0, or there are too few samples for each to have one to train with.
CAROUSEL_INLINE std::vector<Fold> rolling_origin(AnyIndex samples, RollingOriginOptions options = {});

/// What came of a fold.
template <class Model>
struct FoldResult {
    /// The model that was trained.
    Model model;
    /// What fit returned.
    History history;
    Evaluation test; ///< with the metrics of the options of fit
};

/// For each fold a model of its own, make_model(k), trained with the fold's training samples and evaluated on its test:
///
///     const auto results = cross_validate(data, rolling_origin(data.size(), {.folds = 4, .gap = 23}), make_model,
///                                         MeanSquaredError{}, Adam{}, {.epochs = 20, .metrics = {MeanAbsoluteError{}}});
///
/// The models are made in their order, by the caller's thread, before one is trained; so those that draw their weights without a
/// seed have them in that order, too. After set_threads(n) n folds are trained at a time, each by one thread: callbacks,
/// schedules and samples that are made when they are needed are then called by several threads. Folds over data that only one
/// thread at a time may read (one_reader(): an IterableDataset, and a MapDataset unless its options say otherwise)
/// follow each other instead. Results are the same, bit for bit, as those of one fold after the other with that
/// n. Throws std::invalid_argument if there is no fold or a sample isn't there, and what fit and evaluate throw, of the
/// first fold that threw.
template <std::floating_point S, std::invocable<Index> MakeModel, Loss LossType, OptimizerRule Rule>
auto cross_validate(const SampleSource<S>& data, const std::vector<Fold>& folds, MakeModel&& make_model,
                    const LossType& loss, const Rule& rule, const FitOptions& options = {}) {
    using Model = std::remove_cvref_t<std::invoke_result_t<MakeModel&, Index>>;
    static_assert(std::same_as<typename Model::Scalar, S>,
                  "cross_validate: the numbers of the data and of the model are of different types");
    require(!folds.empty(), "cross_validate", "there are no folds, expected at least 1");
    std::vector<SampleSource<S>> training, test;
    for (const Fold& fold : folds) {
        training.push_back(data.subset(fold.training));
        test.push_back(data.subset(fold.test));
    }
    std::vector<FoldResult<Model>> results;
    results.reserve(folds.size());
    for (std::size_t k = 0; k < folds.size(); ++k)
        results.push_back({make_model(static_cast<Index>(k)), {}, {}});
    std::vector<std::exception_ptr> errors(folds.size());
    const auto run = [&](int number) {
        const auto k = static_cast<std::size_t>(number);
        errors[k] = detail::caught([&] {
            FoldResult<Model>& result = results[k];
            result.history = fit(result.model, training[k], loss, rule, options);
            result.test =
                evaluate(result.model, test[k], loss, {.batch_size = options.batch_size, .metrics = options.metrics});
        });
    };
    const auto count = static_cast<int>(folds.size());
    if (data.one_reader())
        for (int number = 0; number < count && (number == 0 || !errors[static_cast<std::size_t>(number) - 1]); ++number)
            run(number);
    else
        kernel::over_shards(count, run);
    for (const std::exception_ptr& error : errors)
        if (error)
            std::rethrow_exception(error);
    return results;
}

/// The same of what holds samples: a Dataset, Windows …
template <class Data, std::invocable<Index> MakeModel, Loss LossType, OptimizerRule Rule>
requires std::convertible_to<const Data&, SampleSource<typename Data::Scalar>>
auto cross_validate(const Data& data, const std::vector<Fold>& folds, MakeModel&& make_model, const LossType& loss,
                    const Rule& rule, const FitOptions& options = {}) {
    return cross_validate(SampleSource<typename Data::Scalar>(data), folds, std::forward<MakeModel>(make_model), loss,
                          rule, options);
}

#ifdef CAROUSEL_BODIES

namespace detail {

/// first, first + 1, … last − 1.
CAROUSEL_HIDDEN inline std::vector<Index> run_of(Index first, Index last) {
    std::vector<Index> list(static_cast<std::size_t>(last - first));
    std::iota(list.begin(), list.end(), first);
    return list;
}

} // namespace detail

CAROUSEL_INLINE std::vector<Fold> k_fold(AnyIndex samples, KFoldOptions options) {
    const Index count = samples, folds = options.folds;
    require(folds >= 2 && folds <= count, "k_fold", "folds is ", folds, ", expected 2 <= folds <= samples, ", count);
    std::vector<Index> all = detail::run_of(0, count);
    if (options.shuffle) {
        Random random(options.seed);
        random.shuffle(all);
    }
    std::vector<Fold> list;
    auto first = all.begin();
    for (Index k = 0; k < folds; ++k) {
        const auto last = first + count / folds + (k < count % folds ? 1 : 0);
        Fold fold{{all.begin(), first}, {first, last}};
        fold.training.insert(fold.training.end(), last, all.end());
        list.push_back(std::move(fold));
        first = last;
    }
    return list;
}

CAROUSEL_INLINE std::vector<Fold> rolling_origin(AnyIndex samples, RollingOriginOptions options) {
    const char* const where = "rolling_origin";
    const Index count = samples, folds = options.folds, gap = options.gap, most = options.training;
    require(count >= 1, where, "there are ", count, " samples, expected at least 1");
    require(folds >= 1 && options.test >= 0 && gap >= 0 && most >= 0, where, "folds is ", folds, ", test ",
            Index(options.test), ", gap ", gap, " and training ", most, ", expected folds >= 1 and the others >= 0");
    const Index test = options.test > 0 ? Index(options.test) : count / (folds < count ? folds + 1 : count + 1);
    require(test >= 1 && test <= count / folds && gap < count - test * folds, where, count, " samples are too few for ",
            folds, " folds with ", test, " to test and a gap of ", gap, ", expected at least one to train with before");
    std::vector<Fold> list;
    for (Index first = count - test * folds; first < count; first += test) {
        const Index last = first - gap;
        list.push_back({detail::run_of(most > 0 ? std::max<Index>(0, last - most) : 0, last),
                        detail::run_of(first, first + test)});
    }
    return list;
}

#endif

} // namespace carousel
