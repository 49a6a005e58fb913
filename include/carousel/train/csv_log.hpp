// csv_log: a callback that writes a row for every epoch into a CSV file.
#pragma once

#include "carousel/core/folder_of.hpp"
#include "carousel/core/number_text.hpp"
#include "carousel/core/require.hpp"
#include "carousel/train/history.hpp"

#include <filesystem>
#include <string>

#ifdef CAROUSEL_BODIES
#    include "carousel/core/shown_text.hpp"

#    include <charconv>
#    include <cmath>
#    include <cstdint>
#    include <fstream>
#    include <span>
#    include <stdexcept>
#    include <string_view>
#    include <system_error>
#    include <utility>
#    include <vector>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// For FitOptions::callbacks: at the end of every epoch a row
///
///     epoch,loss,validation_loss,<metric>,validation_<metric>,…,learning_rate,gradient_norm,skipped_steps,seconds
///
/// under a line with these names; what wasn't measured is an empty cell. Numbers are the shortest that read back as the same.
/// A training that begins replaces the file, if it is such a log. One that goes on keeps the rows of the epochs before,
/// so that the file of a program that was killed and started again has each epoch once. A file that is no such log is
/// neither replaced nor added to (one that has only the beginning of such a first line counts as a log torn off). Throws std::runtime_error "csv_log: path: …", before a training begins, if there is a
/// file that can't be read or is no such log, or no folder to write it to; and out of fit if the file can't be read or
/// written then, or one to go on with has other columns.
CAROUSEL_INLINE Callback csv_log(const std::filesystem::path& path);

#ifdef CAROUSEL_BODIES

namespace detail {

/// The columns before those of the metrics, and after them.
inline constexpr std::string_view csv_first = "epoch,loss,validation_loss",
                                  csv_last = ",learning_rate,gradient_norm,skipped_steps,seconds";

/// A name as a cell of one line.
CAROUSEL_INLINE std::string csv_cell(const std::string& name) {
    std::string cell;
    for (const char c : name)
        cell += c == '"' ? "\"\"" : c == '\n' || c == '\r' ? " " : std::string(1, c);
    return name.find_first_of(",\"") == std::string::npos ? cell : '"' + cell + '"';
}

CAROUSEL_INLINE std::string csv_header(std::span<const std::string> metrics) {
    std::string line(csv_first);
    for (const std::string& name : metrics)
        line += ',' + csv_cell(name) + ',' + csv_cell("validation_" + name);
    return line.append(csv_last);
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

[[noreturn]] CAROUSEL_INLINE void csv_failure(const std::filesystem::path& path, const std::string& message) {
    fail<std::runtime_error>("csv_log: " + path.string() + ": " + message);
}

/// The next line, without the CR that an editor may have put before its end.
CAROUSEL_INLINE bool csv_line(std::ifstream& file, std::string& line) {
    const bool read = static_cast<bool>(std::getline(file, line));
    if (read && line.ends_with('\r'))
        line.pop_back();
    return read;
}

/// The file, if there is one that is a log or begins one: it can be empty, or torn off in its first line.
CAROUSEL_INLINE std::ifstream csv_opened(const std::filesystem::path& path) {
    std::error_code error;
    std::ifstream file;
    const auto status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::not_found)
        return file;
    if (status.type() != std::filesystem::file_type::regular)
        csv_failure(path, "is no regular file, expected a file of csv_log, or none");
    file.open(path, std::ios::binary);
    if (!file.is_open())
        csv_failure(path, "can't be read, expected a file of csv_log, or none");
    std::string line(csv_first.size() + csv_last.size(), '\0'); // no more of what may have no lines
    file.read(line.data(), static_cast<std::streamsize>(line.size()));
    line.resize(static_cast<std::size_t>(file.gcount()));
    bool is_log = line.starts_with(csv_first.substr(0, line.size()));
    if (is_log && line.size() > csv_first.size()) {
        file.clear();
        file.seekg(0);
        is_log = csv_line(file, line) && (file.eof() || line.ends_with(csv_last));
    }
    if (!is_log)
        csv_failure(path, "is no file of csv_log; its first line begins with \"" +
                              shown_field(line.substr(0, line.find_first_of("\r\n"))) +
                              "\"; move the file away, or log to another");
    file.clear();
    file.seekg(0);
    if (!file)
        csv_failure(path, "can't be read");
    return file;
}

/// The header and the whole rows of a file whose epochs are before this one.
CAROUSEL_INLINE std::string csv_before(const std::filesystem::path& path, const std::string& header, Index epoch) {
    std::string kept = header + '\n';
    std::ifstream file = csv_opened(path);
    if (epoch == 1 || !file.is_open())
        return kept;
    std::string line;
    const auto whole_line = [&] { return csv_line(file, line) && !file.eof(); }; // the last may be torn off
    if (!whole_line())
        return kept;
    if (line != header)
        csv_failure(path, "its first line is \"" + line + "\", expected \"" + header +
                              "\"; move the file away, or log to another");
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
    static_cast<void>(detail::csv_opened(path));
    detail::require_folder_of(path, "csv_log");
    return [path, last = Index(0), size = std::uintmax_t(0), header = std::string()](Progress& p) mutable {
        if (!p.epoch_end)
            return;
        std::string text, columns = detail::csv_header(p.metrics);
        std::error_code none;
        const bool goes_on = last > 0 && p.epoch == last + 1 && columns == header &&
                             std::filesystem::file_size(path, none) == size; // with what this callback has written
        if (!goes_on)
            text = detail::csv_before(path, columns, p.epoch);
        text += detail::csv_row(p.report) + '\n';
        std::ofstream file(path, goes_on ? std::ios::binary | std::ios::app : std::ios::binary | std::ios::trunc);
        file.write(text.data(), static_cast<std::streamsize>(text.size()));
        file.close();
        if (!file)
            detail::csv_failure(path, "can't be written");
        last = p.epoch;
        size = goes_on ? size + text.size() : text.size();
        header = std::move(columns);
    };
}

#endif

} // namespace carousel
