// summary: the table that Keras prints: every layer, the shape it gives and how many parameters it has.
#pragma once

#include "carousel/layer/layer.hpp"

#include <string>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include <algorithm>
#    include <array>
#    include <sstream>
#endif

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// A line of the table but its last number's commas.
struct SummaryLine {
    std::string layer, shape;
    Index parameters;
};
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

/// 1234567 as "1,234,567".
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
        lines.push_back({layer.name(), (steps ? "(None, None, " : "(None, ") + detail::decimal(features) + ")",
                         detail::count_parameters(layer).all});
    });
    return detail::summary(lines, detail::count_parameters(model));
}

#ifdef CAROUSEL_BODIES

namespace detail {

CAROUSEL_INLINE std::string with_commas(Index number) {
    std::string digits = detail::decimal(number);
    for (std::ptrdiff_t k = static_cast<std::ptrdiff_t>(digits.size()) - 3; k > 0; k -= 3)
        digits.insert(static_cast<std::size_t>(k), 1, ',');
    return digits;
}

CAROUSEL_INLINE std::string summary(const std::vector<SummaryLine>& lines, const ParameterCount& total) {
    using Row = std::array<std::string, 3>;
    std::vector<Row> rows{{"Layer (type)", "Output Shape", "Param #"}};
    for (const SummaryLine& line : lines)
        rows.push_back({line.layer, line.shape, with_commas(line.parameters)});

    std::array<std::size_t, 3> width{};
    for (const Row& row : rows)
        for (std::size_t k = 0; k < 3; ++k)
            width[k] = std::max(width[k], row[k].size());
    const std::string rule(width[0] + width[1] + width[2] + 6, '_');
    std::ostringstream out;
    out << rule << '\n';
    for (const Row& row : rows) {
        out << row[0] << std::string(width[0] - row[0].size() + 3, ' ') << row[1]
            << std::string(width[1] - row[1].size() + 3, ' ') << std::string(width[2] - row[2].size(), ' ') << row[2]
            << '\n';
        if (&row == &rows.front())
            out << std::string(rule.size(), '=') << '\n';
    }
    out << rule << "\nTotal params: " << with_commas(total.all) << '\n';
    if (total.trained < total.all)
        out << "Trainable params: " << with_commas(total.trained)
            << "\nNon-trainable params: " << with_commas(total.all - total.trained) << '\n';
    return out.str();
}

} // namespace detail

#endif

} // namespace carousel
