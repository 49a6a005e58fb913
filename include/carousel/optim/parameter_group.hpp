// ParameterGroup: settings of a rule for some of the parameters, chosen by their names.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/name_pattern.hpp"
#include "carousel/core/require.hpp"

#include <optional>
#include <string>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include <algorithm>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// What a rule does with the parameters of these names otherwise than with all others:
///
///     {.groups = {{.names = "0.*", .rate_factor = 0.1},      // a layer that has learnt already
///                 {.names = "*.P", .weight_decay = 0}}}
///
/// Groups are read in turn: of each setting a parameter has what the last group says that has its name and says anything of it.
struct ParameterGroup {
    std::string names; ///< * stands for any characters; names are those of parameters(model)
    std::optional<double> rate_factor = std::nullopt; ///< times the learning rate, which schedules go on changing; >= 0
    std::optional<double> weight_decay = std::nullopt; ///< instead of the rule's
};

namespace detail {

/// What the groups come to for one parameter.
struct ParameterSetting {
    double rate_factor = 1;
    std::optional<double> weight_decay = std::nullopt;

    bool operator==(const ParameterSetting&) const = default;
};

/// And for all: each of the settings that differ once.
struct ParameterSettings {
    std::vector<ParameterSetting> distinct = {{}};
    std::vector<std::size_t> of = {}; ///< of each parameter, in `distinct`; empty: all have the first
};

/// Biases, and gains and shifts of normalisations.
inline bool is_bias(const std::string& name) {
    const std::string last = name.substr(name.rfind('.') + 1); // all, if there is no dot
    return last == "b" || last == "beta" || last == "gamma";
}

/// Of parameters with these names. Without decay_biases, biases for which no group says otherwise have no weight decay.
/// Throws std::invalid_argument if a group has no parameter, or a number that is none.
CAROUSEL_INLINE ParameterSettings parameter_settings(const std::vector<std::string>& names,
                                                     const std::vector<ParameterGroup>& groups, bool decay_biases,
                                                     bool has_weight_decay);

/// The rule for parameters of this setting.
template <class Rule>
Rule with_setting(const Rule& rule, const ParameterSetting& setting) {
    Rule changed = rule;
    changed.learning_rate *= setting.rate_factor;
    if constexpr (requires { changed.weight_decay = 0.0; })
        changed.weight_decay = setting.weight_decay.value_or(rule.weight_decay);
    return changed;
}

#ifdef CAROUSEL_BODIES

CAROUSEL_INLINE ParameterSettings parameter_settings(const std::vector<std::string>& names,
                                                     const std::vector<ParameterGroup>& groups, bool decay_biases,
                                                     bool has_weight_decay) {
    const char* const where = "ParameterGroup";
    for (const ParameterGroup& group : groups) {
        require(std::any_of(names.begin(), names.end(), [&](const auto& name) { return matches(group.names, name); }),
                where, "no parameter is named \"", group.names, "\"; ",
                names.empty() ? "there is none" : "the first is \"", names.empty() ? "" : names.front().c_str(),
                names.empty() ? "" : "\"", ", and * stands for any characters");
        require(!group.rate_factor || *group.rate_factor >= 0, where, "rate_factor of \"", group.names, "\" is ",
                group.rate_factor.value_or(0), ", expected rate_factor >= 0");
        require(!group.weight_decay || has_weight_decay, where, "\"", group.names,
                "\" has a weight_decay, and the rule has none");
    }
    ParameterSettings settings;
    settings.distinct.clear();
    for (const std::string& name : names) {
        ParameterSetting setting;
        if (!decay_biases && is_bias(name))
            setting.weight_decay = 0;
        for (const ParameterGroup& group : groups)
            if (matches(group.names, name)) {
                setting.rate_factor = group.rate_factor.value_or(setting.rate_factor);
                if (group.weight_decay)
                    setting.weight_decay = group.weight_decay;
            }
        const auto place = std::find(settings.distinct.begin(), settings.distinct.end(), setting);
        settings.of.push_back(static_cast<std::size_t>(place - settings.distinct.begin()));
        if (place == settings.distinct.end())
            settings.distinct.push_back(setting);
    }
    return settings;
}

#endif

} // namespace detail

} // namespace carousel
