// Pictures, drawn by gnuplot where it is installed. A picture is a value; how the curves look is decided here.
#pragma once

#include "support/shell.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace example {

enum class Style { truth, points, prediction, second };

struct Series {
    std::string name;         ///< in the legend; empty: not there
    std::vector<double> x, y; ///< a NaN interrupts the line
    Style style = Style::truth;
};

struct Plot {
    std::string title, x_label, y_label;
    std::vector<Series> series;
    bool log_y = false;
    std::vector<double> y_range = {};                          ///< empty: whatever the curves need; else low, high
    std::vector<double> marks = {};                            ///< vertical lines
    std::vector<std::pair<double, std::string>> x_labels = {}; ///< empty: numbers
};

inline bool gnuplot_is_there() {
    return program_is_there("gnuplot");
}

namespace detail {

/// In single quotes gnuplot takes everything literally but the quote itself.
inline std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char c : text)
        result += c == '\'' ? "''" : c == '\n' ? " " : std::string(1, c);
    return result + "'";
}

inline const char* look(Style style) {
    switch (style) {
    case Style::points:
        return "points pointtype 7 pointsize 0.4 linecolor rgb '#8d99a6'";
    case Style::prediction:
        return "lines linewidth 2 linecolor rgb '#d1495b'";
    case Style::second:
        return "lines linewidth 2 linecolor rgb '#00798c'";
    case Style::truth:
        break;
    }
    return "lines linewidth 1.3 linecolor rgb '#8d99a6'";
}

inline std::string script(const Plot& plot) {
    std::ostringstream out;
    out.precision(9);
    for (std::size_t k = 0; k < plot.series.size(); ++k) {
        const Series& series = plot.series[k];
        out << "$data" << k << " << END\n";
        for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i)
            out << series.x[i] << ' ' << series.y[i] << '\n';
        out << "END\n";
    }
    out << "set label 1 " << quoted(plot.title) << " at graph 0, 1.06\nset xlabel " << quoted(plot.x_label)
        << "\nset ylabel " << quoted(plot.y_label) << '\n'
        << (plot.log_y ? "set logscale y\n" : "unset logscale y\n") << "unset arrow\n";
    if (plot.log_y && plot.y_range.empty()) { // gnuplot would go on to the next powers of ten
        double low = std::numeric_limits<double>::infinity(), high = 0;
        for (const Series& series : plot.series)
            for (const double y : series.y)
                if (y > 0 && std::isfinite(y)) {
                    low = std::min(low, y);
                    high = std::max(high, y);
                }
        if (high > 0)
            out << "set yrange [" << low / 1.3 << ':' << high * 1.3 << "]\n";
    }
    if (plot.y_range.size() == 2)
        out << "set yrange [" << plot.y_range[0] << ':' << plot.y_range[1] << "]\n";
    for (const double x : plot.marks)
        out << "set arrow from first " << x << ", graph 0 to first " << x
            << ", graph 1 nohead dashtype 3 linecolor rgb '#606870'\n";
    if (!plot.x_labels.empty()) {
        out << "set xtics (";
        for (std::size_t k = 0; k < plot.x_labels.size(); ++k)
            out << (k > 0 ? ", " : "") << quoted(plot.x_labels[k].second) << ' ' << plot.x_labels[k].first;
        out << ")\n";
    }
    for (std::size_t k = 0; k < plot.series.size(); ++k)
        out << (k > 0 ? ", \\\n     " : "plot ") << "$data" << k << " using 1:2 with " << look(plot.series[k].style)
            << (plot.series[k].name.empty() ? std::string(" notitle") : " title " + quoted(plot.series[k].name));
    out << '\n';
    return out.str();
}

inline const char* const setup = R"(
set encoding utf8
set border 3 linecolor rgb '#606870'
set tics nomirror out scale 0.5
set grid linetype 1 linewidth 0.6 linecolor rgb '#e4e7eb'
set key above right horizontal samplen 1.5
set format y '%g'
set autoscale xfix
set offsets graph 0, 0, graph 0.04, graph 0.04
set tmargin 3
set rmargin 5
)";

/// Whether gnuplot took the whole script and found nothing wrong with it.
inline bool run_gnuplot(const std::string& terminal, const std::filesystem::path& path, const std::vector<Plot>& plots,
                        bool side_by_side) {
    std::string text = "set terminal " + terminal + " noenhanced\nset output " + quoted(path.string()) + setup;
    if (side_by_side)
        text += "set multiplot layout 1, " + std::to_string(plots.size()) + "\n";
    for (const Plot& plot : plots)
        text += script(plot);
    text += side_by_side ? "unset multiplot\nunset output\n" : "unset output\n";
#ifdef _WIN32
    FILE* const pipe = _popen("gnuplot", "w");
    const bool written = pipe && std::fwrite(text.data(), 1, text.size(), pipe) == text.size();
    return pipe && _pclose(pipe) == 0 && written;
#else
    const auto previous = std::signal(SIGPIPE, SIG_IGN); // should gnuplot end early, writing on must not end us
    FILE* const pipe = popen("gnuplot", "w");
    const bool written = pipe && std::fwrite(text.data(), 1, text.size(), pipe) == text.size();
    const bool ended_well = pipe && pclose(pipe) == 0;
    std::signal(SIGPIPE, previous);
    return ended_well && written;
#endif
}

} // namespace detail

/// A file to be drawn: of one plot a PNG, of more an animated GIF with so many hundredths of a second a frame, or side
/// by side a PNG again.
struct Picture {
    std::string file;
    std::vector<Plot> frames;
    int delay = 0;
    bool side_by_side = false;
};

/// False if gnuplot couldn't; it has said why on standard error.
inline bool draw(const Picture& picture, const std::filesystem::path& folder) {
    const std::string terminal = picture.frames.size() == 1 || picture.side_by_side
                                     ? "pngcairo size 1000,460 font 'sans,11'"
                                     : "gif animate delay " + std::to_string(picture.delay) +
                                           " loop 0 size 1200,600 font 'sans,15' linewidth 1.5";
    return detail::run_gnuplot(terminal, folder / picture.file, picture.frames, picture.side_by_side);
}

} // namespace example
