// csv_log: a callback that writes a row for every epoch into a CSV file.
#pragma once

#include "carousel/core/number_text.hpp"
#include "carousel/core/require.hpp"
#include "carousel/train/history.hpp"

#include <filesystem>
#include <string>

#ifdef CAROUSEL_BODIES
#    include <charconv>
#    include <cmath>
#    include <cstdint>
#    include <fstream>
#    include <span>
#    include <stdexcept>
#    include <utility>
#    include <vector>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// For FitOptions::callbacks: at the end of every epoch a row
///
///     epoch,loss,validation_loss,<metric>,validation_<metric>,…,learning_rate,gradient_norm,skipped_steps,seconds
///
/// under a line with these names; what wasn't measured is an empty cell. Numbers are the shortest that read back as the same.
/// A training that begins replaces the file. One that goes on keeps the rows of the epochs before, so that the file of a program
/// that was killed and started again has each epoch once.
/// Throws std::runtime_error "csv_log: path: …", out of fit, if the file can't be read or written, or has other columns.
CAROUSEL_INLINE Callback csv_log(const std::filesystem::path& path);

#ifdef CAROUSEL_BODIES

namespace detail {

/// A name as a cell.
CAROUSEL_INLINE std::string csv_cell(const std::string& name) {
    if (name.find_first_of(",\"\r\n") == std::string::npos)
        return name;
    std::string cell = "\"";
    for (const char c : name)
        cell += c == '"' ? "\"\"" : std::string(1, c);
    return cell + "\"";
}

CAROUSEL_INLINE std::string csv_header(std::span<const std::string> metrics) {
    std::string line = "epoch,loss,validation_loss";
    for (const std::string& name : metrics)
        line += ',' + csv_cell(name) + ',' + csv_cell("validation_" + name);
    return line + ",learning_rate,gradient_norm,skipped_steps,seconds";
}

CAROUSEL_INLINE std::string csv_row(const EpochReport& report) {
    std::string line = decimal(static_cast<std::intmax_t>(report.epoch));
    const auto add = [&](double number) {
        line += ',';
        if (!std::isnan(number))
            line += shortest(number);
    };
    add(report.loss);
    add(report.validation_loss);
    for (std::size_t k = 0; k < report.metrics.size(); ++k) {
        add(report.metrics[k]);
        add(k < report.validation_metrics.size() ? report.validation_metrics[k] : std::nan(""));
    }
    add(report.learning_rate);
    add(report.gradient_norm);
    line += ',' + decimal(static_cast<std::intmax_t>(report.skipped_steps));
    add(report.seconds);
    return line;
}

/// The header and the whole rows of a file whose epochs are before this one.
CAROUSEL_INLINE std::string csv_before(const std::filesystem::path& path, const std::string& header, Index epoch) {
    std::string kept = header + '\n';
    std::ifstream file(path, std::ios::binary);
    if (epoch == 1 || !file)
        return kept;
    std::string line;
    const auto whole_line = [&] { return std::getline(file, line) && !file.eof(); }; // the last may be torn off
    if (!whole_line())
        return kept;
    if (line != header)
        fail<std::runtime_error>("csv_log: " + path.string() + ": its first line is \"" + line + "\", expected \"" +
                                 header + "\"; move the file away, or log to another");
    while (whole_line()) {
        Index number = 0;
        std::from_chars(line.data(), line.data() + line.size(), number);
        if (number >= 1 && number < epoch)
            kept += line + '\n';
    }
    return kept;
}

} // namespace detail

CAROUSEL_INLINE Callback csv_log(const std::filesystem::path& path) {
    return [path, last = Index(0)](Progress& p) mutable {
        if (!p.epoch_end)
            return;
        std::string text;
        const bool goes_on = last > 0 && p.epoch == last + 1; // with what this callback has written
        if (!goes_on)
            text = detail::csv_before(path, detail::csv_header(p.metrics), p.epoch);
        text += detail::csv_row(p.report) + '\n';
        std::ofstream file(path, goes_on ? std::ios::binary | std::ios::app : std::ios::binary | std::ios::trunc);
        file.write(text.data(), static_cast<std::streamsize>(text.size()));
        file.close();
        if (!file)
            detail::fail<std::runtime_error>("csv_log: " + path.string() + ": can't be written");
        last = p.epoch;
    };
}

#endif

} // namespace carousel
