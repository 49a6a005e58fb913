// summary: the table that Keras prints: every layer, the shape it gives and how many parameters it has.
#pragma once

#include "carousel/layer/layer.hpp"

#include <string>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include <algorithm>
#    include <iomanip>
#    include <sstream>
#endif

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// A line of the table.
struct SummaryLine {
    std::string layer, shape, parameters;
};
/// Of a layer that gives so many features, for each step or once.
CAROUSEL_INLINE SummaryLine summary_line(const std::string& layer, bool steps, Index features, Index parameters);

template <class Model, class F>
void each_layer_of(const Model& model, F&& f) {
    if constexpr (requires { model.each_layer([](std::size_t, const auto&) {}); })
        model.each_layer([&](std::size_t, const auto& layer) { f(layer); });
    else
        f(model);
}

/// Of all parameters, and of those that an optimizer changes.
struct ParameterCount {
    Index all = 0, trained = 0;
};

template <class Model>
ParameterCount count_parameters(const Model& model) {
    ParameterCount count;
    model.each_parameter([&](const std::string&, const auto& parameter) {
        count.all += parameter.size();
        count.trained += parameter.is_trained() ? parameter.size() : 0;
    });
    return count;
}

/// 1234567 as "1,234,567". The number isn't below 0.
CAROUSEL_INLINE std::string with_commas(Index number);

CAROUSEL_INLINE std::string summary(const std::vector<SummaryLine>& lines, const ParameterCount& total);

} // namespace detail

/// How many numbers a model learns: those of its parameters that are neither fixed nor frozen.
template <class Model>
Index parameter_count(const Model& model) {
    return detail::count_parameters(model).trained;
}

/// Shapes are (batch, steps, features) with None for what isn't fixed, as Keras writes them. Fixed parameters, as those of a
/// BatchNorm, are counted too, and told at the end.
template <class Model>
std::string summary(const Model& model) {
    std::vector<detail::SummaryLine> lines;
    Index features = detail::input_size(model);
    bool steps = true;
    detail::each_layer_of(model, [&](const auto& layer) {
        features = layer.output_size(features);
        steps = steps && !detail::makes_one_step(layer);
        lines.push_back(detail::summary_line(layer.name(), steps, features, detail::count_parameters(layer).all));
    });
    return detail::summary(lines, detail::count_parameters(model));
}

#ifdef CAROUSEL_BODIES

namespace detail {

CAROUSEL_INLINE std::string with_commas(Index number) {
    const std::string digits = decimal(number);
    std::string text;
    for (std::size_t k = 0; k < digits.size(); ++k) {
        if (k > 0 && (digits.size() - k) % 3 == 0)
            text += ',';
        text += digits[k];
    }
    return text;
}

CAROUSEL_INLINE SummaryLine summary_line(const std::string& layer, bool steps, Index features, Index parameters) {
    return {layer, message_of(steps ? "(None, None, " : "(None, ", features, ")"), with_commas(parameters)};
}

CAROUSEL_INLINE std::string summary(const std::vector<SummaryLine>& lines, const ParameterCount& total) {
    const SummaryLine head{"Layer (type)", "Output Shape", "Param #"};
    std::size_t layer = head.layer.size(), shape = head.shape.size(), parameters = head.parameters.size(); // widths
    for (const SummaryLine& line : lines) {
        layer = std::max(layer, line.layer.size());
        shape = std::max(shape, line.shape.size());
        parameters = std::max(parameters, line.parameters.size());
    }
    std::ostringstream out;
    const auto put_rule = [&, width = static_cast<int>(layer + shape + parameters + 6)](char c) {
        out << std::setfill(c) << std::setw(width) << "" << std::setfill(' ') << '\n';
    };
    const auto put_line = [&](const SummaryLine& line) {
        out << std::left << std::setw(static_cast<int>(layer + 3)) << line.layer
            << std::setw(static_cast<int>(shape + 3)) << line.shape << std::right
            << std::setw(static_cast<int>(parameters)) << line.parameters << '\n';
    };
    put_rule('_');
    put_line(head);
    put_rule('=');
    for (const SummaryLine& line : lines)
        put_line(line);
    put_rule('_');
    out << "Total params: " << with_commas(total.all) << '\n';
    if (total.trained < total.all)
        out << "Trainable params: " << with_commas(total.trained)
            << "\nNon-trainable params: " << with_commas(total.all - total.trained) << '\n';
    return out.str();
}

} // namespace detail

#endif

} // namespace carousel
