// TrainingTensors: what goes on in a training as named tensors and texts.
#pragma once

#include "carousel/core/parameter.hpp"
#include "carousel/io/model_tensors.hpp"
#include "carousel/io/safetensors_file.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/train/training.hpp"

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Of the keys of metadata. The tensors beside the parameters' values begin with "optimizer.", as those of an optimizer
/// do, so that load_safetensors passes over them.
inline constexpr const char* training_prefix = "training.";
inline constexpr const char* training_tensors = "optimizer.training.";

/// What of a report is a number: loss, validation loss, learning rate, gradient norm, skipped steps, whether validated.
inline constexpr Index report_columns = 6;

/// Whole numbers with blanks between them. (Not by a stream, which leaves out what memory runs out for, and says nothing.)
template <std::integral Number>
std::string numbers_text(const std::vector<Number>& numbers, int base) {
    std::string text;
    for (const Number number : numbers) {
        char digits[24];
        if (!text.empty())
            text += ' ';
        text.append(digits, std::to_chars(digits, digits + sizeof digits, number, base).ptr);
    }
    return text;
}

/// The 64-bit words of generators, which are exact as text only: no tensor here holds whole numbers.
inline std::string words_text(const std::vector<Random>& generators) {
    std::vector<std::uint64_t> words;
    for (const Random& random : generators)
        for (const std::uint64_t word : random.words())
            words.push_back(word);
    return numbers_text(words, 16);
}

/// A training on its way into a file.
template <class S>
class TrainingTensors {
    using Parameters = std::vector<NamedParameter<S>>;

  public:
    explicit TrainingTensors(Metadata metadata) : metadata_(std::move(metadata)) {}

    Safetensors take() && { return {std::move(tensors_), std::move(metadata_)}; }

    template <class Rule>
    void add_optimizer(const Optimizer<Rule, S>& optimizer) {
        tensors_ = tensors_of(optimizer.parameters());
        append_state(tensors_, optimizer);
        if constexpr (NamedRule<Rule>)
            text("rule", Rule::name);
    }

    void add_state(const Parameters& list, const TrainingState<S>& state) {
        const History& history = state.history;
        text("version", "1");
        text("epochs", std::to_string(state.epochs));
        text("best_epoch", std::to_string(history.best_epoch));
        text("stopped", history.stopped ? "1" : "0");
        text("order", state.order ? words_text({*state.order}) : "");
        text("masks", words_text(state.masks));
        text("metrics", std::to_string(history.metrics.size()));
        for (std::size_t k = 0; k < history.metrics.size(); ++k)
            text("metric." + std::to_string(k), history.metrics[k]);
        numbers("numbers", Vector<double>{{state.initial_rate, state.rate, state.best_loss}});
        numbers("monitored", Vector<double>(Eigen::Map<const Vector<double>>(
                                 state.monitored.data(), static_cast<Index>(state.monitored.size()))));
        add_history(history);
        add_values("best.", list, state.best);
        add_values("last.", list, state.last);
        if (!state.average.empty())
            add_values("average.", list, state.average);
        if (state.begun)
            add_begun(list, *state.begun);
    }

  private:
    template <class Derived>
    void numbers(const std::string& name, const Eigen::MatrixBase<Derived>& values) {
        tensors_.emplace_back(training_tensors + name, values);
    }
    void text(const std::string& key, const std::string& value) { metadata_[training_prefix + key] = value; }
    void add_values(const std::string& prefix, const Parameters& list, const std::vector<Matrix<S>>& values) {
        text(prefix + "parameters", std::to_string(values.size()));
        for (std::size_t k = 0; k < values.size(); ++k)
            append_tensor(tensors_, training_tensors + prefix + list[k].name, list[k], values[k]);
    }

    void add_history(const History& history) {
        const auto count = static_cast<Index>(history.epochs.size()),
                   metrics = static_cast<Index>(history.metrics.size());
        Matrix<double> reports(count, report_columns), values(count, 2 * metrics);
        for (Index row = 0; row < count; ++row) {
            const EpochReport& report = history.epochs[static_cast<std::size_t>(row)];
            const bool validated = !report.validation_metrics.empty();
            reports.row(row) << report.loss, report.validation_loss, report.learning_rate, report.gradient_norm,
                static_cast<double>(report.skipped_steps), validated ? 1.0 : 0.0;
            for (Index k = 0; k < metrics; ++k) {
                values(row, k) = report.metrics[static_cast<std::size_t>(k)];
                values(row, metrics + k) = validated ? report.validation_metrics[static_cast<std::size_t>(k)] : 0.0;
            }
            if (!report.non_finite.empty())
                text("non_finite." + std::to_string(row + 1), report.non_finite);
            if (report.too_large)
                text("too_large." + std::to_string(row + 1), "1");
        }
        numbers("reports", reports);
        numbers("metrics", values);
    }

    void add_begun(const Parameters& list, const BegunEpoch<S>& begun) {
        const BatchPlan& plan = begun.plan;
        text("begun", numbers_text<Index>({begun.batches, plan.samples, plan.batch_size, plan.bucket,
                                           plan.shuffle ? 1 : 0, static_cast<Index>(begun.carried.size())},
                                          10));
        Matrix<double> sums(static_cast<Index>(begun.sums.size()), 2);
        for (Index k = 0; k < sums.rows(); ++k)
            sums.row(k) << begun.sums[static_cast<std::size_t>(k)].sum, begun.sums[static_cast<std::size_t>(k)].weight;
        numbers("sums", sums);
        for (std::size_t k = 0; k < begun.sums.size(); ++k)
            if (const std::vector<double>& parts = begun.sums[k].parts; !parts.empty())
                numbers("parts." + std::to_string(k), Matrix<double>(Eigen::Map<const Matrix<double>>(
                                                          parts.data(), static_cast<Index>(parts.size()), 1)));
        for (std::size_t k = 0; k < begun.carried.size(); ++k)
            numbers("carried." + std::to_string(k), begun.carried[k]);
        if (begun.accumulated.batches > 0)
            add_accumulated(list, begun.accumulated);
    }
    void add_accumulated(const Parameters& list, const AccumulatedGradient<S>& sums) {
        text("accumulated", std::to_string(sums.batches));
        numbers("accumulated_weight", Vector<double>{{sums.weight}});
        for (std::size_t k = 0; k < list.size(); ++k) {
            if (list[k].parameter->is_sparse())
                text("touched." + list[k].name, numbers_text(sums.columns[k], 10));
            if (sums.gradients[k].size() > 0)
                numbers("accumulated." + list[k].name, sums.gradients[k]);
        }
    }

    std::vector<NamedTensor> tensors_;
    Metadata metadata_;
};

} // namespace carousel::detail
