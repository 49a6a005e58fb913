// Forecast settings: what a saved net says of its task in its file's metadata. A file may be damaged, or another
// program's, so all of it is checked when it is read.
#pragma once

#include "support/forecast_data.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace example {

/// What the nets of a forecast were trained for.
struct ForecastSettings {
    ForecastTask task;
    carousel::Scaler scaler;         ///< of the inputs
    std::vector<std::string> inputs; ///< their names, the target first
    std::vector<double> shifts;      ///< of the outputs, in the nets' units: see calibrate(); or none

    /// For each step ahead: the mean, and the quantiles.
    Index outputs() const { return 1 + static_cast<Index>(task.quantiles.size()); }
};

inline std::string joined(const std::vector<double>& numbers) {
    std::vector<std::string> words;
    for (const double number : numbers)
        words.push_back(carousel::detail::number_text(number));
    return joined(words);
}

/// For save_safetensors: the settings, and how many nets forecast together.
inline carousel::Metadata metadata_of(const ForecastSettings& settings, std::size_t nets) {
    const ForecastTask& task = settings.task;
    carousel::Metadata metadata{{"forecast.target", task.target},
                                {"forecast.inputs", task.inputs},
                                {"forecast.rows", joined(settings.inputs)},
                                {"forecast.calendar", joined(task.calendar)},
                                {"forecast.steps", std::to_string(task.steps)},
                                {"forecast.horizon", std::to_string(task.horizon)},
                                {"forecast.scale", task.scale},
                                {"forecast.relative", task.relative},
                                {"forecast.least_deviation", carousel::detail::number_text(task.least_deviation)},
                                {"forecast.log", task.log ? "1" : "0"},
                                {"forecast.quantiles", joined(task.quantiles)},
                                {"forecast.shifts", joined(settings.shifts)},
                                {"forecast.nets", std::to_string(nets)}};
    settings.scaler.save(metadata);
    return metadata;
}

/// Reads texts of the metadata; what isn't as expected throws std::runtime_error with the file's name, the setting and
/// its value.
class ForecastMetadata {
  public:
    ForecastMetadata(const carousel::Metadata& metadata, std::string file)
        : metadata_(metadata), file_(std::move(file)) {}

    [[noreturn]] void fail(const std::string& what) const { throw std::runtime_error(file_ + ": " + what); }
    void check(bool right, const std::string& name, const std::string& expected) const {
        if (!right)
            fail("forecast." + name + " is \"" + text(name).substr(0, 60) + "\", expected " + expected +
                 ": the file was damaged, or another program saved it");
    }

    const std::string& text(const std::string& name) const {
        const auto found = metadata_.find("forecast." + name);
        if (found == metadata_.end())
            fail("this program didn't save it: its metadata has no forecast." + name);
        return found->second;
    }
    std::string one_of(const std::string& name, const std::vector<std::string>& words) const {
        check(std::find(words.begin(), words.end(), text(name)) != words.end(), name, "one of " + joined(words));
        return text(name);
    }
    /// A number from low to high.
    double number(const std::string& name, double low, double high) const {
        const auto list = numbers(name, low, high);
        check(list.size() == 1, name, "one number");
        return list[0];
    }
    Index count(const std::string& name, Index most) const {
        const double value = number(name, 1, static_cast<double>(most));
        check(value == std::floor(value), name, "a whole number");
        return static_cast<Index>(value);
    }
    /// Numbers from low to high, with commas between them; or none.
    std::vector<double> numbers(const std::string& name, double low, double high) const {
        std::vector<double> list;
        if (text(name).empty())
            return list;
        for (const std::string& word : words_of(text(name))) {
            const auto number = carousel::detail::leading_number(word);
            const bool whole = !word.empty() && number.length == word.size();
            check(whole && number.value >= low && number.value <= high, name,
                  "numbers from " + carousel::detail::shortest(low) + " to " + carousel::detail::shortest(high));
            list.push_back(number.value);
        }
        return list;
    }

  private:
    const carousel::Metadata& metadata_;
    std::string file_;
};

/// The settings of such metadata, and how many nets forecast together. Throws std::runtime_error, with the name of the
/// file, unless each is there, is what this program saves, and they fit each other.
inline std::pair<ForecastSettings, std::size_t> settings_of(const carousel::Metadata& metadata,
                                                            const std::string& file) {
    constexpr Index most = 1000000;
    constexpr double large = 1e30;
    const ForecastMetadata read(metadata, file);
    ForecastSettings all;
    ForecastTask& task = all.task;
    task.target = read.text("target");
    task.inputs = read.text("inputs");
    task.steps = read.count("steps", most);
    task.horizon = read.count("horizon", most);
    task.scale = read.one_of("scale", {"standard", "minmax", "robust", "none"});
    task.relative = read.one_of("relative", {"last", "deviation", "none"});
    task.least_deviation = read.number("least_deviation", 1e-6, 1e6);
    task.log = read.one_of("log", {"0", "1"}) == "1";
    task.quantiles = read.numbers("quantiles", 1e-6, 1 - 1e-6);
    read.check(std::is_sorted(task.quantiles.begin(), task.quantiles.end()), "quantiles", "them in order");
    if (!read.text("calendar").empty())
        task.calendar = words_of(read.text("calendar"));
    for (const std::string& cycle : task.calendar)
        read.check(is_calendar(cycle), "calendar", "cycles as hour_of_day");

    all.inputs = words_of(read.text("rows"));
    read.check(all.inputs.front() == task.target, "rows", "the target, \"" + task.target + "\", first");
    std::vector<std::string> names = all.inputs;
    std::sort(names.begin(), names.end());
    read.check(std::adjacent_find(names.begin(), names.end()) == names.end(), "rows", "each input once");

    all.shifts = read.numbers("shifts", -large, large);
    const auto outputs = static_cast<std::size_t>(task.horizon * all.outputs());
    read.check(all.shifts.empty() || all.shifts.size() == outputs, "shifts",
               "one number for each of " + std::to_string(outputs) + " outputs, or none");
    try {
        all.scaler = carousel::Scaler::load(metadata);
    } catch (const std::runtime_error& error) {
        read.fail(error.what());
    }
    if (all.scaler.scale.size() != static_cast<Index>(all.inputs.size()) || !(all.scaler.scale.array() > 0).all())
        read.fail("the scaler has " + std::to_string(all.scaler.scale.size()) + " scales, expected " +
                  std::to_string(all.inputs.size()) + ", one above 0 for each input");
    return {std::move(all), static_cast<std::size_t>(read.count("nets", 100))};
}

} // namespace example
