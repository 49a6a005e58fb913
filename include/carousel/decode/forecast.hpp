// forecast: a net is fed its own outputs as if they had been measured, for as many steps as wanted.
#pragma once

#include "carousel/core/settings.hpp"
#include "carousel/layer/layer.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Which outputs of a net are its next inputs.
struct ForecastOptions {
    /// The rows of x that the net forecasts; none given: the first of x, as many as are fed.
    std::vector<Index> targets = {};
    /// The rows of y that are fed into these, in turn: the median of quantiles, say; none given: all.
    std::vector<Index> outputs = {};
};

namespace detail {

/// Throws std::invalid_argument if a layer says that it can't go on from step to step as over a whole sequence.
template <class L>
void require_stepwise(const char* where, const L& model) {
    each_setting(model, "", [&](const std::string& name, const auto& value) {
        using Value = std::remove_cvref_t<decltype(value)>;
        const std::string setting = name.substr(name.rfind('.') + 1);
        const auto refuse = [&](const char* why) {
            require(false, where, "the model ", why, " (its setting ", name,
                    "), so that a step more changes what it said before; take one that a Stream runs");
        };
        if constexpr (std::is_same_v<Value, bool>) {
            if (setting == "reverse" && value)
                refuse("reads from the end");
        } else if constexpr (std::is_convertible_v<const Value&, std::string>) {
            if (setting == "steps" && std::string(value) != "last")
                refuse("looks back at the first step");
        } else if constexpr (std::is_integral_v<Value>) {
            if (setting == "stride" && value > 1)
                refuse("skips steps");
        }
    });
    require(least_steps(model) <= 1, where, "the model needs ", least_steps(model),
            " steps to give one, expected 1; take one that a Stream runs");
    require(output_length(model, 1) == 1, where, "the model gives ", output_length(model, 1),
            " steps for one, expected one; take one that a Stream runs");
}

/// Which rows of y go to which of x, and which of x are covariates.
struct ForecastRows {
    std::vector<Index> targets, outputs, covariates;

    /// Throws std::invalid_argument if rows aren't there or don't fit each other; `where` begins the message.
    ForecastRows(const ForecastOptions& options, Index inputs, Index y_rows, const char* where) {
        targets = options.targets, outputs = options.outputs;
        if (outputs.empty())
            for (Index k = 0; k < y_rows; ++k)
                outputs.push_back(k);
        require(!targets.empty() || static_cast<Index>(outputs.size()) <= inputs, where, outputs.size(),
                " of the model's outputs are fed back, and x has ", inputs,
                " rows; say in outputs which are to be fed, as the median of quantiles");
        if (targets.empty())
            for (Index k = 0; k < static_cast<Index>(outputs.size()); ++k)
                targets.push_back(k);
        require(targets.size() == outputs.size(), where, targets.size(), " rows of x are forecast, but ",
                outputs.size(), " of the model's outputs are fed back; give targets and outputs of one length");
        for (const Index row : outputs)
            require(row >= 0 && row < y_rows, where, "outputs has row ", row, " of the model's output, expected 0 … ",
                    y_rows - 1);
        std::vector<char> known(static_cast<std::size_t>(inputs));
        for (const Index row : targets) {
            require(row >= 0 && row < inputs, where, "targets has row ", row, " of x, expected 0 … ", inputs - 1);
            require(!known[static_cast<std::size_t>(row)], where, "targets has row ", row, " of x twice");
            known[static_cast<std::size_t>(row)] = 1;
        }
        for (Index row = 0; row < inputs; ++row)
            if (!known[static_cast<std::size_t>(row)])
                covariates.push_back(row);
    }

    /// Throws std::invalid_argument unless the covariates of a forecast of so many steps have these sizes.
    template <class S>
    void require_covariates(const SequenceView<S>& known, Index steps, Index batch) const {
        const auto rows = static_cast<Index>(covariates.size());
        require(rows > 0 || known.features() == 0, "forecast", "covariates have ", known.features(),
                " rows, but every row of x is forecast");
        if (rows == 0 || (steps == 1 && known.features() == 0))
            return;
        require(known.features() == rows && known.steps() >= steps - 1 && known.batch() == batch, "forecast",
                "covariates are ", known.features(), " x (", known.steps(), " steps of ", known.batch(), "), expected ",
                rows, " rows, those of x that aren't forecast, at least ", steps - 1, " steps after x, of ", batch);
        for (Index b = 0; b < batch; ++b)
            require(known.length(b) >= steps - 1, "forecast", "the covariates of sequence ", b, " have ",
                    known.length(b), " steps, expected at least ", steps - 1);
    }

    /// One column of the next x.
    template <class S>
    void fill(S* x, const S* y, const S* known) const {
        for (std::size_t k = 0; k < targets.size(); ++k)
            x[targets[k]] = y[outputs[k]];
        for (std::size_t k = 0; k < covariates.size(); ++k)
            x[covariates[k]] = known[k];
    }
};

} // namespace detail

/// The next `steps` outputs after the windows x. The model reads x once; after that it goes on from its state, fed what it said: its
/// outputs stand in the rows of x that it forecasts, and `covariates`, which are known in advance, in the others, in their order.
///
///     Sequential model{GRU<float>{3, 32}, LastStep{}, Dense<float>{32, 1}};      // of load, temperature and hour the next load
///     const auto y = forecast(model, window, 24, future);                       // future: temperature and hour of the next 23 hours
///
/// x: F × (T·B), ragged or not, each sequence of at least one step; the model gives an output for each step or for the last.
/// covariates: (F − targets) × ((steps − 1 or more)·B), from the step after x on; none if every row is forecast. Returns the model's
/// outputs, all rows of them, × (steps·B). An interval among them is that of one step from what was fed, not of all steps.
///
/// Throws std::invalid_argument if the sizes don't fit or the model can't go on step by step, as one that reads in reverse.
template <class Model>
requires Layer<Model, typename Model::Scalar> Sequence<typename Model::Scalar>
forecast(const Model& model, std::type_identity_t<SequenceView<typename Model::Scalar>> x, AnyIndex steps,
         std::type_identity_t<SequenceView<typename Model::Scalar>> covariates = {},
         const ForecastOptions& options = {}) {
    using S = typename Model::Scalar;
    constexpr const char* where = "forecast";
    require(steps >= 1, where, "steps is ", Index(steps), ", expected at least 1");
    detail::require_stepwise(where, model);
    const Index F = x.features(), O = model.output_size(F), B = x.batch();
    const detail::ForecastRows rows(options, F, O, where);
    rows.require_covariates(covariates, steps, B);
    for (Index b = 0; b < B; ++b)
        require(x.length(b) >= 1, where, "sequence ", b, " of x has no step, expected at least one");

    typename Model::Tape tape;
    auto state = detail::empty_state<Model, S>(model);
    Sequence<S> result(O, steps, B), next(F, 1, B);
    auto y = model.infer(x, tape);
    for (Index b = 0; b < B; ++b)
        result.values().col(b) = y.values().col((y.length(b) - 1) * B + b);
    for (Index t = 1; t < steps; ++t) {
        model.final_state(tape, state);
        for (Index b = 0; b < B; ++b) {
            const Index column = (t - 1) * B + b;
            rows.fill(next.data() + b * F, result.data() + column * O,
                      rows.covariates.empty() ? nullptr : covariates.data() + column * covariates.features());
        }
        y = model.infer(next, tape, state);
        result.step(t) = y.values();
    }
    return result;
}

} // namespace carousel
