// SavedTraining: what goes on in a training, from named tensors and texts.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/io/model_settings.hpp"
#include "carousel/io/training_tensors.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A training on its way out of a file: each part, when it is asked for, is checked and taken.
template <class S>
class SavedTraining {
    using Parameters = std::vector<NamedParameter<S>>;

  public:
    SavedTraining(const SavedTraining&) = delete;
    SavedTraining& operator=(const SavedTraining&) = delete;
    /// `where` begins every error.
    SavedTraining(std::string where, Safetensors file) : where_(std::move(where)), file_(std::move(file)) {
        for (const NamedTensor& tensor : file_.tensors)
            tensors_[tensor.name] = &tensor;
        check(file_.metadata.contains(std::string(training_prefix) + "version"),
              "it has no \"training.version\": save_training didn't write it");
        const std::string version = text("version");
        check(version == "1", "\"training.version\" is ", version, ", expected 1, the only one this program knows");
    }

    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        if (holds)
            return;
        detail::fail<std::runtime_error>(message_of(where_, ": ", parts...));
    }

    /// Throws unless these are the settings of the layers that were trained.
    void expect_settings(const Settings& model) const {
        const auto found = file_.metadata.find(settings_key);
        check(found != file_.metadata.end(), "\"", settings_key, "\" is missing");
        SettingsReader saved;
        saved.read(found->second);
        check(saved.error().empty(), saved.error());
        const auto value = [](const Settings& settings, const std::string& name) {
            const auto place = settings.find(name);
            return place == settings.end() ? std::string("not there") : shown_value(place->second);
        };
        for (const Settings* const both : {&model, &std::as_const(saved.settings)})
            for (const auto& [name, own] : *both)
                check(value(saved.settings, name) == value(model, name), "the setting \"", name, "\" is ",
                      value(saved.settings, name), ", the model's is ", value(model, name),
                      "; build the model as it was saved");
    }

    /// Throws if the optimizer's rule has a name and the training was saved with one of another.
    template <class Rule>
    void expect_rule() const {
        const auto found = file_.metadata.find(training_prefix + std::string("rule"));
        if constexpr (NamedRule<Rule>)
            check(found == file_.metadata.end() || found->second == Rule::name, "it was saved with the rule ",
                  found == file_.metadata.end() ? "" : found->second, ", this training's is ", +Rule::name,
                  "; make the Training with the rule it was saved with");
        else
            check(found == file_.metadata.end(), "it was saved with the rule ",
                  found == file_.metadata.end() ? "" : found->second,
                  ", this training's has no name; make the Training with the rule it was saved with");
    }

    /// A value for each of these parameters.
    std::vector<Matrix<S>> values(const Parameters& list, const std::string& prefix) {
        std::vector<Matrix<S>> result;
        for (const auto& named : list)
            result.push_back(value(named, prefix + named.name));
        return result;
    }

    OptimizerState<S> moments(const Parameters& list, Index count) {
        OptimizerState<S> state;
        for (const auto& named : list) {
            // What has been frozen so far has no moments.
            const bool was_frozen = !named.parameter->is_trained() && !named.parameter->is_fixed() && count > 0 &&
                                    !find(moment_name(named.name, 0));
            state.moments.emplace_back(was_frozen ? 0 : named.parameter->value.size(), count);
            if (was_frozen)
                continue;
            for (Index k = 0; k < count; ++k)
                state.moments.back().col(k) = value(named, moment_name(named.name, k)).reshaped();
        }
        state.steps = whole("\"" + std::string(optimizer_steps) + "\"", tensor<double>(optimizer_steps, {})(0, 0));
        return state;
    }

    TrainingState<S> state(const Parameters& list) {
        TrainingState<S> state;
        state.epochs = count("epochs");
        const Matrix<double> numbers = tensor<double>(training_tensors + std::string("numbers"), {3});
        state.initial_rate = numbers(0), state.rate = numbers(1), state.best_loss = numbers(2);
        const Matrix<double> monitored = tensor<double>(training_tensors + std::string("monitored"), {state.epochs});
        state.monitored.assign(monitored.data(), monitored.data() + monitored.size());
        const std::vector<Random> order = generators("order");
        check(order.size() <= 1, "\"training.order\" has ", order.size(), " generators, expected at most one");
        if (!order.empty())
            state.order = order.front();
        state.masks = generators("masks");
        if (file_.metadata.contains(std::string(training_prefix) + "begun"))
            state.begun.emplace();
        state.history = history(state.epochs + (state.begun ? 1 : 0));
        if (state.begun)
            begun(*state.begun, static_cast<Index>(state.history.metrics.size()), list);
        if (file_.metadata.contains(std::string(training_prefix) + "average.parameters"))
            state.average = this->values(list, training_tensors + std::string("average."));
        for (auto& [prefix, values] :
             {std::pair<std::string, std::vector<Matrix<S>>*>{"best.", &state.best}, {"last.", &state.last}})
            if (count(prefix + "parameters") > 0)
                *values = this->values(list, training_tensors + prefix);
        return state;
    }

    /// Throws if a tensor hasn't been asked for.
    void expect_no_more() const {
        for (const NamedTensor& tensor : file_.tensors)
            check(taken_.contains(tensor.name), "\"", tensor.name, "\" is not in this training");
    }

    Metadata callers_metadata() const {
        Metadata result;
        for (const auto& [key, text] : file_.metadata)
            if (!key.starts_with(training_prefix) && key != settings_key)
                result.emplace(key, text);
        return result;
    }

  private:
    /// Null if there is none of this name.
    const NamedTensor* find(const std::string& name) const {
        const auto found = tensors_.find(name);
        return found == tensors_.end() ? nullptr : found->second;
    }
    template <class T>
    Matrix<T> tensor(const std::string& name, const std::vector<Index>& shape) {
        const NamedTensor* const found = find(name);
        check(found != nullptr, "\"", name, "\" is missing");
        const std::string_view dtype = sizeof(T) == 4 ? "F32" : "F64";
        check(found->dtype() == dtype, "\"", name, "\" is of type ", found->dtype(), ", expected ", dtype);
        check(found->shape == shape, "\"", name, "\" is ", shape_text(found->shape), ", expected ", shape_text(shape));
        taken_.insert(name);
        return found->template matrix<T>();
    }
    Matrix<S> value(const NamedParameter<S>& named, const std::string& name) {
        return tensor<S>(name, shape_in_file(named));
    }

    std::string text(const std::string& key) const {
        const auto found = file_.metadata.find(training_prefix + key);
        check(found != file_.metadata.end(), "\"", training_prefix, key, "\" is missing");
        return found->second;
    }

    /// All of a text as numbers between spaces.
    template <class T>
    std::vector<T> whole_numbers(const std::string& key, int base) const {
        const std::string all = text(key);
        std::vector<T> result;
        for (const char *at = all.data(), *const end = at + all.size(); at != end;) {
            T number = 0;
            const auto [next, error] = std::from_chars(at, end, number, base);
            check(error == std::errc() && (next == end || (*next == ' ' && next + 1 != end)), "\"", training_prefix,
                  key, "\" is \"", all, "\", expected whole numbers");
            result.push_back(number);
            at = next == end ? end : next + 1;
        }
        return result;
    }
    Index count(const std::string& key) const {
        const auto numbers = whole_numbers<Index>(key, 10);
        check(numbers.size() == 1 && numbers[0] >= 0 && numbers[0] < power_of_two(53), "\"", training_prefix, key,
              "\" is \"", text(key), "\", expected one whole number >= 0");
        return numbers[0];
    }
    Index whole(const std::string& what, double number) const {
        check(is_count(number), what, " is ", number, ", expected a whole number >= 0");
        return static_cast<Index>(number);
    }

    std::vector<Random> generators(const std::string& key) const {
        const auto words = whole_numbers<std::uint64_t>(key, 16);
        check(words.size() % 4 == 0, "\"", training_prefix, key, "\" has ", words.size(),
              " words, expected four for every generator");
        std::vector<Random> result;
        for (std::size_t k = 0; k < words.size(); k += 4) {
            const Random::Words four{words[k], words[k + 1], words[k + 2], words[k + 3]};
            check(four != Random::Words{}, "\"", training_prefix, key,
                  "\" has a generator of zeros, which none comes to");
            result.push_back(Random::from_words(four));
        }
        return result;
    }

    History history(Index reports) {
        History history;
        history.best_epoch = count("best_epoch");
        history.stopped = count("stopped") > 0;
        const Index metrics = count("metrics");
        const Matrix<double> numbers =
            tensor<double>(training_tensors + std::string("reports"), {reports, report_columns});
        const Matrix<double> values = tensor<double>(training_tensors + std::string("metrics"), {reports, 2 * metrics});
        for (Index k = 0; k < metrics; ++k)
            history.metrics.push_back(text("metric." + decimal(static_cast<std::intmax_t>(k))));
        for (Index row = 0; row < reports; ++row) {
            EpochReport report{.epoch = row + 1, .loss = numbers(row, 0), .validation_loss = numbers(row, 1)};
            report.learning_rate = numbers(row, 2);
            report.gradient_norm = numbers(row, 3);
            report.skipped_steps = whole("the number of skipped steps", numbers(row, 4));
            for (Index k = 0; k < metrics; ++k)
                report.metrics.push_back(values(row, k));
            for (Index k = 0; numbers(row, 5) > 0 && k < metrics; ++k)
                report.validation_metrics.push_back(values(row, metrics + k));
            const std::string key = "non_finite." + decimal(row + 1);
            if (file_.metadata.contains(training_prefix + key))
                report.non_finite = text(key);
            report.too_large = file_.metadata.contains(training_prefix + ("too_large." + decimal(row + 1)));
            history.epochs.push_back(std::move(report));
        }
        return history;
    }

    void begun(BegunEpoch<S>& begun, Index metrics, const Parameters& list) {
        const auto plan = whole_numbers<Index>("begun", 10);
        check(plan.size() == 6, "\"training.begun\" has ", plan.size(), " numbers, expected 6");
        begun.batches = plan[0];
        begun.plan = {plan[1], plan[2], plan[3], plan[4] != 0};
        const Matrix<double> sums = tensor<double>(training_tensors + std::string("sums"), {metrics + 1, 2});
        for (Index k = 0; k < sums.rows(); ++k)
            begun.sums.push_back({sums(k, 0), sums(k, 1), parts(k)});
        for (Index k = 0; k < plan[5]; ++k) {
            const std::string name = training_tensors + ("carried." + decimal(static_cast<std::intmax_t>(k)));
            const NamedTensor* const found = find(name);
            check(found != nullptr && found->shape.size() == 2, "\"", name, "\" is missing or no matrix");
            begun.carried.push_back(tensor<S>(name, found->shape));
        }
        if (file_.metadata.contains(std::string(training_prefix) + "accumulated"))
            accumulated(begun.accumulated, list);
    }
    void accumulated(AccumulatedGradient<S>& sums, const Parameters& list) {
        sums.batches = count("accumulated");
        sums.weight = tensor<double>(training_tensors + std::string("accumulated_weight"), {1})(0);
        for (const auto& [name, parameter] : list) {
            auto& columns = sums.columns.emplace_back();
            if (parameter->is_sparse())
                columns = whole_numbers<Index>("touched." + name, 10);
            const NamedTensor* const found = find(training_tensors + ("accumulated." + name));
            check(!found || found->shape.size() == 2, "\"", training_tensors, "accumulated.", name, "\" is no matrix");
            sums.gradients.push_back(found ? tensor<S>(found->name, found->shape) : Matrix<S>());
        }
    }

    /// What a metric that needs more than two numbers has added up; nothing of others.
    std::vector<double> parts(Index k) {
        const std::string name = training_tensors + ("parts." + decimal(static_cast<std::intmax_t>(k)));
        const NamedTensor* const found = find(name);
        if (!found)
            return {};
        check(found->shape.size() == 2 && found->shape[1] == 1, "\"", name, "\" is no column");
        const Matrix<double> numbers = tensor<double>(name, found->shape);
        return {numbers.data(), numbers.data() + numbers.size()};
    }

    std::string where_;
    const Safetensors file_;
    std::map<std::string_view, const NamedTensor*> tensors_; // of the file, by their names
    std::set<std::string> taken_;
};

} // namespace carousel::detail
