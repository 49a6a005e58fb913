// progress_bar: a callback that shows a training as it runs; one line that redraws itself on a terminal, a line an
// epoch in a file.
#pragma once

#include "carousel/train/history.hpp"

#include <cmath>
#include <iomanip>
#include <iostream>
#include <memory>

#if defined(__unix__) || defined(__APPLE__)
#    include <unistd.h>
#endif

namespace carousel {

enum class BarStyle { automatic, terminal, log };

namespace detail {

inline bool standard_error_is_terminal() {
#if defined(__unix__) || defined(__APPLE__)
    return ::isatty(STDERR_FILENO) == 1;
#else
    return false;
#endif
}

inline std::string duration(double seconds) {
    const auto whole = static_cast<long>(std::ceil(seconds));
    std::ostringstream text;
    if (whole >= 3600)
        text << whole / 3600 << "h" << std::setw(2) << std::setfill('0') << whole / 60 % 60 << "m";
    else if (whole >= 60)
        text << whole / 60 << "m" << std::setw(2) << std::setfill('0') << whole % 60 << "s";
    else
        text << whole << "s";
    return text.str();
}

} // namespace detail

/// Epoch, bar, losses, metrics and time left. `automatic`: redrawn in place if `out` is std::clog and standard error a terminal
/// (at most ten times a second), else as a log: about twenty lines in all, the first and the last epoch among them.
inline Callback progress_bar(std::ostream& out = std::clog, BarStyle style = BarStyle::automatic) {
    if (style == BarStyle::automatic)
        style = &out == &std::clog && detail::standard_error_is_terminal() ? BarStyle::terminal : BarStyle::log;
    return [&out, style, drawn = -1.0, width = std::size_t(0)](Progress& p) mutable {
        const bool last = p.epoch_end && (p.epoch == p.epochs || p.stop);
        if (style == BarStyle::log) {
            const Index every = std::max<Index>(1, p.epochs / 20);
            if (!p.epoch_end || !(last || p.epoch == 1 || p.epoch % every == 0))
                return;
        } else if (!last && drawn >= 0 && p.seconds - drawn < 0.1)
            return;
        drawn = p.seconds;

        const double within = static_cast<double>(p.batch) / static_cast<double>(std::max<Index>(1, p.batches));
        const double done =
            (static_cast<double>(p.epoch - 1) + within) / static_cast<double>(std::max<Index>(1, p.epochs));
        std::ostringstream line;
        line << "epoch " << std::setw(static_cast<int>(std::to_string(p.epochs).size())) << p.epoch << "/" << p.epochs;
        if (style == BarStyle::terminal) {
            constexpr int cells = 24;
            const int full = static_cast<int>(done * cells);
            line << " [" << std::string(static_cast<std::size_t>(full), '=')
                 << std::string(static_cast<std::size_t>(cells - full), ' ') << "]";
        }
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
            line << "  " << p.report.skipped_steps << " steps skipped: " << p.report.non_finite << " is not finite";
        line << (last ? "  in " + detail::duration(p.seconds)
                      : "  " + detail::duration(done > 0 ? p.seconds * (1 - done) / done : 0) + " left");

        const std::string text = line.str();
        if (style == BarStyle::terminal) {
            out << '\r' << text << std::string(width > text.size() ? width - text.size() : 0, ' ');
            width = text.size();
            if (last)
                out << '\n';
            out << std::flush;
        } else
            out << text << '\n' << std::flush;
    };
}

} // namespace carousel
