// Forecast data: a CSV file as what a forecasting net sees: its inputs, scaled, its target, and which rows it learns from.
#pragma once

#include "support/series.hpp"

#include <carousel/data/gaps.hpp>
#include <carousel/data/scaler.hpp>
#include <carousel/data/split.hpp>
#include <carousel/data/table.hpp>

#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace example {

/// What is forecast from what, as the command line says it.
struct ForecastTask {
    std::string target;                ///< no name: the last column of numbers
    std::string inputs = "target";     ///< "target", "all", or names as joined() has them
    std::vector<std::string> calendar; ///< cycles whose sine and cosine are inputs, too
    Index steps = 60, horizon = 1;
    std::string scale = "standard";
    std::string relative = "last"; ///< to what the windows are: last, deviation, none
    double least_deviation = 0.1;
    bool log = false;
    std::vector<double> quantiles;

    /// For a title and for messages of a model that was saved for another one.
    std::string text() const;
};

/// Rows of a file, from the first one that has all inputs on, up to the end of the test part or, for `next`, of the file.
struct ForecastData {
    carousel::Table table;
    std::string target;
    std::vector<std::string> inputs; ///< rows of `series`, the target first
    carousel::Matrix<float>
        series;              ///< inputs, scaled and without gaps, and last the target with its gaps: features × rows
    carousel::Scaler scaler; ///< of the inputs
    Index first = 0;         ///< row of the table that is column 0 of series
    carousel::RowRange training, validation, test; ///< columns of series
    Index missing = 0;                             ///< targets

    Index target_row() const { return series.rows() - 1; }
    std::string label(Index column) const { return table.label(first + column); }
};

/// Words with commas between them. A word's own commas and backslashes have a backslash before them.
inline std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t k = 0; k < words.size(); ++k) {
        text += k > 0 ? "," : "";
        for (const char c : words[k])
            text += c == ',' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
    }
    return text;
}
/// The words of such a list, one at least. A backslash before any other character is its own.
inline std::vector<std::string> words_of(const std::string& list) {
    std::vector<std::string> words(1);
    for (std::size_t k = 0; k < list.size(); ++k)
        if (list[k] == '\\' && k + 1 < list.size() && (list[k + 1] == ',' || list[k + 1] == '\\'))
            words.back() += list[++k];
        else if (list[k] == ',')
            words.emplace_back();
        else
            words.back() += list[k];
    return words;
}

/// The place of a word in a list, for choices.
template <class Value>
Value choice(const std::string& what, const std::string& word, const std::vector<std::pair<std::string, Value>>& list) {
    std::string names;
    for (const auto& [name, value] : list) {
        if (name == word)
            return value;
        names += (names.empty() ? "" : ", ") + name;
    }
    throw std::runtime_error(what + " is " + word + ", expected one of " + names);
}

inline const std::vector<std::pair<std::string, carousel::Calendar>>& calendars() {
    using enum carousel::Calendar;
    static const auto list = [] {
        std::vector<std::pair<std::string, carousel::Calendar>> all;
        for (const carousel::Calendar cycle : {hour_of_day, day_of_week, day_of_month, day_of_year, month_of_year})
            all.emplace_back(carousel::calendar_name(cycle), cycle);
        return all;
    }();
    return list;
}
inline bool is_calendar(const std::string& name) {
    return std::any_of(calendars().begin(), calendars().end(), [&](const auto& one) { return one.first == name; });
}
inline carousel::Calendar calendar_of(const std::string& name) {
    return choice<carousel::Calendar>("--calendar", name, calendars());
}

/// Whether a column just counts the rows: that says when a row is, not how things are.
inline bool counts_rows(const carousel::Column& column) {
    for (std::size_t k = 1; k < column.values.size(); ++k)
        if (column.values[k] != column.values[k - 1] + 1)
            return false;
    return column.values.size() > 1;
}

/// The names of the inputs, the target first; columns of words become columns of zeros and ones, and calendar features are added.
inline std::vector<std::string> input_names(carousel::Table& table, const std::string& target,
                                            const ForecastTask& task) {
    constexpr std::size_t most_words = 50;
    std::vector<std::string> names{target}, asked;
    if (task.inputs == "all") {
        asked = table.number_names();
        std::erase_if(asked, [&](const std::string& name) { return counts_rows(table.column(name)); });
        for (const std::string& name : table.names(carousel::ColumnKind::categories))
            if (const auto& column = table.column(name); column.mixed.empty() && column.categories.size() <= most_words)
                asked.push_back(name);
    } else if (task.inputs != "target")
        asked = words_of(task.inputs);
    for (const std::string& word : asked) {
        const std::string name = table.column(word).name;
        const bool words =
            table.column(name).kind == carousel::ColumnKind::categories && table.column(name).mixed.empty();
        for (const std::string& one : words ? table.add_one_hot(name) : std::vector<std::string>{name})
            if (std::find(names.begin(), names.end(), one) == names.end())
                names.push_back(one);
    }
    for (const std::string& cycle : task.calendar)
        for (const std::string& name : table.add_calendar({calendar_of(cycle)}))
            names.push_back(name);
    return names;
}

inline carousel::Scaler fit_scaler(const std::string& name, const carousel::Matrix<double>& training) {
    using namespace carousel;
    if (name == "none")
        return {Vector<double>::Zero(training.rows()), Vector<double>::Ones(training.rows())};
    if (name == "minmax")
        return MinMaxScaler{}.fit(training);
    return name == "robust" ? RobustScaler{}.fit(training) : StandardScaler{}.fit(training);
}

/// Counts, or fractions if none of the numbers is above 1.
inline std::vector<carousel::RowRange> split_rows(Index rows, const std::vector<double>& split) {
    if (split.size() != 3)
        throw std::runtime_error("--split has " + std::to_string(split.size()) +
                                 " parts, expected three: training, validation, test");
    if (std::all_of(split.begin(), split.end(), [](double part) { return part <= 1; }))
        return carousel::split_by_fractions(rows, split);
    std::vector<Index> counts;
    for (const double part : split)
        counts.push_back(part == std::floor(part) && part < 1e15 ? static_cast<Index>(part) : 0);
    return carousel::split_by_counts(rows, counts);
}

/// A CSV file up to its last row that has a text: rows of separators alone, as spreadsheets write them under a table,
/// would be times behind the series' end. Those within the table are missing values.
inline carousel::Table read_series(const std::string& file, const carousel::CsvOptions& options) {
    std::string text = carousel::detail::file_text(file);
    if (const auto last = text.find_last_not_of(",;|\t \r\n"); last != text.npos)
        text.resize(std::min(text.find_first_of("\r\n", last), text.size()));
    return carousel::parse_csv(std::move(text), options, file);
}

/// Throws std::runtime_error or std::invalid_argument, with the file's line where there is one, if something is wrong with it or a part is
/// too short. `scaler`: of a loaded model; else it is learnt from the training part.
inline ForecastData forecast_data(const std::string& file, const ForecastTask& task, const std::vector<double>& split,
                                  const carousel::CsvOptions& options, const carousel::Scaler* scaler = nullptr) {
    using namespace carousel;
    ForecastData data;
    data.table = read_series(file, options);
    Table& table = data.table;
    const std::vector<std::string> numbers = table.number_names();
    if (task.target.empty() && numbers.empty())
        throw std::runtime_error(file + ": no column of numbers, name one: --target");
    data.target = table.column(task.target.empty() ? numbers.back() : task.target).name;
    if (const Column& target = table.column(data.target); target.kind != ColumnKind::numbers)
        throw std::runtime_error(
            target.mixed.empty() ? file + ": column \"" + data.target + "\" has no numbers to forecast" : target.mixed);
    data.inputs = input_names(table, data.target, task);
    if (scaler && scaler->center.size() != static_cast<Index>(data.inputs.size()))
        throw std::runtime_error(file + ": gives " + std::to_string(data.inputs.size()) + " inputs, " +
                                 joined(data.inputs) + ", and the model has " + std::to_string(scaler->center.size()));
    Matrix<double> all = table.matrix<double>(data.inputs);
    if (task.log)
        for (Index row = 0; row < all.cols(); ++row) {
            if (all(0, row) <= 0)
                throw std::runtime_error(table.place(row) + ": \"" + data.target + "\" is " +
                                         std::to_string(all(0, row)) + ", which has no logarithm");
            all(0, row) = std::log(all(0, row));
        }
    const Matrix<double> truth = all.row(0);
    fill_gaps(all, Fill::forward); // what is known at that time
    while (data.first < all.cols() && !all.col(data.first).allFinite())
        ++data.first;
    const Index rows = all.cols() - data.first;
    if (rows == 0)
        throw std::runtime_error(file + ": an input has no values at all");
    const auto parts = split_rows(rows, split);
    data.training = parts[0];
    data.validation = parts[1];
    data.test = parts[2];
    const Index needed = task.steps + task.horizon + 9; // ten windows
    if (data.training.count < needed || data.validation.count < task.horizon || data.test.count < task.horizon)
        throw std::runtime_error(file + ": parts of " + std::to_string(data.training.count) + ", " +
                                 std::to_string(data.validation.count) + " and " + std::to_string(data.test.count) +
                                 " rows; " + std::to_string(task.steps) + " steps and a horizon of " +
                                 std::to_string(task.horizon) + " need " + std::to_string(needed) + " and " +
                                 std::to_string(task.horizon) + " each");
    Matrix<double> series(all.rows() + 1, rows);
    series << all.rightCols(rows), truth.rightCols(rows);
    data.missing = (series.bottomRows(1).array().isNaN()).count();
    data.scaler = scaler ? *scaler : fit_scaler(task.scale, all.middleCols(data.first, data.training.count));
    Matrix<double> inputs = series.topRows(all.rows());
    Matrix<double> last = series.bottomRows(1);
    data.scaler.transform(inputs);
    data.scaler.transform(last, {0});
    series << inputs, last;
    data.series = series.cast<float>();
    return data;
}

inline std::string ForecastTask::text() const {
    std::string cycles, levels;
    for (const std::string& cycle : calendar)
        cycles += (cycles.empty() ? " --calendar " : ",") + cycle;
    for (const double q : quantiles)
        levels += (levels.empty() ? " --quantiles " : ",") + carousel::detail::number_text(q);
    return "--target " + target + " --inputs " + inputs + cycles + " --steps " + std::to_string(steps) + " --horizon " +
           std::to_string(horizon) + " --relative " + relative +
           (relative == "deviation" ? " --least-deviation " + carousel::detail::number_text(least_deviation) : "") +
           levels + (log ? " --log" : "");
}

} // namespace example
