// progress_bar: a callback that shows a training as it runs; one line that redraws itself on a terminal, a line an
// epoch in a file.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/train/history.hpp"

#include <iostream>

#ifdef CAROUSEL_BODIES
#    include <algorithm>
#    include <charconv>
#    include <cmath>
#    include <cstdlib>
#    include <iomanip>
#    include <sstream>
#    include <string>
#    include <string_view>
#    include <vector>

#    if defined(__unix__) || defined(__APPLE__)
#        include <sys/ioctl.h>
#        include <unistd.h>
#    endif
#endif

namespace carousel::inline CAROUSEL_ABI {

/// A line that is written over, or a line an epoch; `automatic` looks whether it writes to a terminal.
enum class BarStyle { automatic, terminal, log };

namespace detail {

/// How many characters a line of the terminal holds: what the environment's COLUMNS says, or else the terminal of standard error,
/// or else 80.
CAROUSEL_INLINE Index terminal_columns();

} // namespace detail

/// Epoch, bar, losses, metrics and the time left of this call of fit. `automatic`: redrawn in place if `out` is std::clog and standard error a terminal
/// (at most ten times a second), else as a log: about twenty lines in all, the first and the last epoch among them.
///
/// On a terminal a line has fewer characters than `columns`, as it can be redrawn only if it doesn't wrap: the bar becomes shorter,
/// and what still doesn't fit is cut. 0 columns: those of the terminal for std::clog, no bound for any other stream.
CAROUSEL_INLINE Callback progress_bar(std::ostream& out = std::clog, BarStyle style = BarStyle::automatic,
                                      Index columns = 0);

#ifdef CAROUSEL_BODIES

namespace detail {

inline bool standard_error_is_terminal() {
#    if defined(__unix__) || defined(__APPLE__)
    return ::isatty(STDERR_FILENO) == 1;
#    else
    return false;
#    endif
}

CAROUSEL_INLINE Index terminal_columns() {
    if (const char* const text = std::getenv("COLUMNS")) {
        const char* const end = text + std::string_view(text).size();
        Index columns = 0;
        if (std::from_chars(text, end, columns).ptr == end && columns >= 1)
            return columns;
    }
#    if defined(__unix__) || defined(__APPLE__)
    winsize size = {};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 1)
        return size.ws_col;
#    endif
    return 80;
}

/// How many characters a UTF-8 text has: its bytes but those that continue a character.
inline Index characters(std::string_view text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

/// The first `count` characters of a UTF-8 text, or all if there are fewer.
inline std::string_view first_characters(std::string_view text, Index count) {
    std::size_t end = 0;
    for (; end < text.size(); ++end)
        if ((text[end] & 0xC0) != 0x80 && count-- <= 0)
            break;
    return text.substr(0, end);
}

/// " [===   ]": 24 cells, or as many as `rest`, how many characters stand beside the bar, leaves of `columns` (0: no bound); of fewer
/// than four, nothing.
inline void put_bar(std::ostream& out, double done, Index columns, Index rest) {
    constexpr Index most = 24, frame = 3;
    const Index cells = columns > 0 ? std::min(most, columns - 1 - frame - rest) : most;
    if (cells < 4)
        return;
    const auto full = static_cast<Index>(done * static_cast<double>(cells));
    out << " [" << std::setfill('=') << std::setw(static_cast<int>(full)) << "" << std::setfill(' ')
        << std::setw(static_cast<int>(cells - full)) << "" << ']';
}

inline void put_duration(std::ostream& out, double seconds) {
    const auto whole = static_cast<long>(std::ceil(seconds));
    const long large = whole >= 3600 ? whole / 3600 : whole / 60, small = whole >= 3600 ? whole / 60 % 60 : whole % 60;
    if (whole >= 60)
        out << large << (whole >= 3600 ? 'h' : 'm') << std::setfill('0') << std::setw(2) << small << std::setfill(' ')
            << (whole >= 3600 ? 'm' : 's');
    else
        out << whole << 's';
}

} // namespace detail

CAROUSEL_INLINE Callback progress_bar(std::ostream& out, BarStyle style, Index columns) {
    require(columns >= 0, "progress_bar", "columns is ", columns, ", expected columns >= 0");
    if (style == BarStyle::automatic)
        style = &out == &std::clog && detail::standard_error_is_terminal() ? BarStyle::terminal : BarStyle::log;
    return [&out, style, columns, drawn = -1.0, width = Index(0)](Progress& p) mutable {
        const Index end = p.last > 0 ? p.last : p.epochs, epochs = std::max<Index>(1, end - p.earlier);
        const bool last = p.stop || (p.epoch_end && p.epoch == end);
        if (style == BarStyle::log) {
            const Index every = std::max<Index>(1, epochs / 20);
            if (!last && (!p.epoch_end || (p.epoch != p.earlier + 1 && p.epoch % every != 0)))
                return;
        } else if (!last && drawn >= 0 && p.seconds - drawn < 0.1)
            return;
        drawn = p.seconds;

        const double within = static_cast<double>(p.batch) / static_cast<double>(std::max<Index>(1, p.batches));
        const double done =
            (static_cast<double>(p.epoch - 1) + within) / static_cast<double>(std::max<Index>(1, p.epochs));
        const double done_here = (static_cast<double>(p.epoch - 1 - p.earlier) + within) / static_cast<double>(epochs);
        std::ostringstream epoch, line;
        epoch << "epoch " << std::setw(static_cast<int>(detail::decimal(p.epochs).size())) << p.epoch << "/"
              << p.epochs;
        line << "  loss " << std::setprecision(4) << p.report.loss;
        const auto write_metrics = [&](const char* prefix, const std::vector<double>& values) {
            for (std::size_t k = 0; k < std::min(p.metrics.size(), values.size()); ++k)
                line << "  " << prefix << p.metrics[k] << " " << values[k];
        };
        write_metrics("", p.report.metrics);
        if (!std::isnan(p.report.validation_loss))
            line << "  validation " << p.report.validation_loss;
        write_metrics("val_", p.report.validation_metrics);
        if (p.report.skipped_steps > 0)
            line << "  " << p.report.skipped_steps << " steps skipped: " << p.report.non_finite << " is "
                 << detail::gradient_mistake(p.report);
        line << (last ? "  in " : "  ");
        detail::put_duration(line, last ? p.seconds : done_here > 0 ? p.seconds * (1 - done_here) / done_here : 0);
        line << (last ? "" : " left");

        const std::string before_bar = epoch.str(), behind_bar = line.str();
        if (style == BarStyle::log) {
            out << before_bar << behind_bar << '\n' << std::flush;
            return;
        }
        const Index bound = columns > 0 ? columns : &out == &std::clog ? detail::terminal_columns() : 0;
        detail::put_bar(epoch, done, bound, detail::characters(before_bar) + detail::characters(behind_bar));
        epoch << behind_bar;
        const std::string whole = epoch.str();
        const std::string_view text = bound > 0 ? detail::first_characters(whole, bound - 1) : whole;
        const Index length = detail::characters(text);
        // Blanks where the line before was longer; if the terminal has become narrower, as many as it shows.
        const Index before = bound > 0 ? std::min(width, bound - 1) : width;
        out << '\r' << text;
        for (Index blank = length; blank < before; ++blank)
            out << ' ';
        width = length;
        if (last)
            out << '\n';
        out << std::flush;
    };
}

#endif

} // namespace carousel
