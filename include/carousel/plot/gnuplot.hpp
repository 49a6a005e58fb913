// draw: pictures by gnuplot, where it is installed. How the curves look is decided here.
#pragma once

#include "carousel/core/number_text.hpp"
#include "carousel/core/require.hpp"
#include "carousel/plot/installed.hpp"
#include "carousel/plot/picture.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Whether the program gnuplot is found, which draws the pictures.
inline bool gnuplot_is_there() {
    return detail::program_is_there("gnuplot");
}

namespace detail::gnuplot {

/// Whether a character would end the line of a script, or the script.
inline bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// A text of a script. All that gnuplot might take for more than itself, as quotes, backslashes and the backquotes of
/// commands, is written as octal numbers, of four digits, as a number that begins with 0 has. (Single quotes don't do:
/// gnuplot 5.4 misreads a doubled one that comes first.)
inline std::string literal(const std::string& text) {
    constexpr std::string_view plain = " .,:;-_/()=+";
    std::string result = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              byte >= 0x80 || plain.find(c) != std::string_view::npos;
        if (is_plain || is_control(c))
            result += is_plain ? c : ' ';
        else
            result += {'\\', '0', static_cast<char>('0' + byte / 64), static_cast<char>('0' + byte / 8 % 8),
                       static_cast<char>('0' + byte % 8)};
    }
    return result + '"';
}

/// The label of a tick, which gnuplot reads as a format.
inline std::string tick_label(const std::string& text) {
    std::string result;
    for (const char c : text)
        result += c == '%' ? "%%" : std::string(1, c);
    return literal(result);
}

/// A number of a script: the shortest text that reads back as the same, whatever the locale. What isn't finite
/// interrupts a line.
inline std::string number(double x) {
    return std::isfinite(x) ? shortest(x) : "NaN";
}
inline std::string number(std::size_t k) {
    return decimal(static_cast<std::intmax_t>(k));
}

inline std::string colour(PlotStyle style) {
    return std::string("linecolor rgb ") + (style == PlotStyle::prediction ? "'#d1495b'"
                                            : style == PlotStyle::second   ? "'#00798c'"
                                                                           : "'#8d99a6'");
}

inline std::string look(PlotStyle style) {
    return (style == PlotStyle::points  ? "points pointtype 7 pointsize 0.4 "
            : style == PlotStyle::truth ? "lines linewidth 1.3 "
                                        : "lines linewidth 2 ") +
           colour(style);
}

/// The smallest and the largest of the finite numbers among values(series) that are above `bound`; low > high if there is none.
struct Range {
    double low = std::numeric_limits<double>::infinity(), high = -low;
};
template <class F>
Range range_of(const Plot& plot, double bound, const F& values) {
    Range range;
    for (const PlotSeries& series : plot.series)
        for (const double value : values(series))
            if (value > bound && std::isfinite(value)) {
                range.low = std::min(range.low, value);
                range.high = std::max(range.high, value);
            }
    return range;
}

/// Whether no curve has a point between whole numbers of x.
inline bool all_whole(const Plot& plot) {
    return std::all_of(plot.series.begin(), plot.series.end(), [](const PlotSeries& series) {
        return std::all_of(series.x.begin(), series.x.end(), [](double x) { return x == std::floor(x); });
    });
}

/// A scale of 1, 2, 5, 10 … where powers of ten alone would label the axis once or twice. Below a decade even those are too few:
/// the axis is linear then.
inline std::string log_axis(const Plot& plot) {
    const auto [low, high] = range_of(plot, 0, [](const PlotSeries& series) { return series.y; });
    if (!(low < high && high / low >= 10))
        return "";
    std::string out = "set logscale y\n";
    if (plot.y_range.empty()) // gnuplot would go on to the next powers of ten
        out += "set yrange [" + number(low / 1.3) + ':' + number(high * 1.3) + "]\n";
    if (high / low >= 1e4)
        return out;
    const char* separator = "set ytics (";
    for (int power = static_cast<int>(std::floor(std::log10(low))) - 1; std::pow(10, power) < 10 * high; ++power)
        for (const char* const digit : {"1", "2", "5"}) {
            out += separator + std::string(digit) + 'e' + decimal(power);
            separator = ", ";
        }
    return out + ")\n";
}

inline std::string script(const Plot& plot) {
    constexpr double lowest = -std::numeric_limits<double>::infinity();
    std::string out;
    for (std::size_t k = 0; k < plot.series.size(); ++k) {
        const PlotSeries& series = plot.series[k];
        out += "$data" + number(k) + " << END\n";
        for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i)
            out += number(series.x[i]) + ' ' + number(series.y[i]) + '\n';
        out += "END\n";
    }
    out += "set label 1 " + literal(plot.title) + " at graph 0, 1.06\nset xlabel " + literal(plot.x_label) +
           "\nset ylabel " + literal(plot.y_label) + // and nothing of the plot before:
           "\nunset logscale y\nset yrange [*:*]\nset xrange [*:*]\nset ytics autofreq\nset xtics autofreq\nunset "
           "arrow\n";
    const auto alone = [](Range range) { return range.low == range.high; }; // gnuplot would warn of an empty range
    const Range x = range_of(plot, lowest, [](const PlotSeries& series) { return series.x; });
    if (alone(x))
        out +=
            "set xrange [" + number(x.low - 0.5) + ':' + number(x.low + 0.5) + "]\nset xtics (" + number(x.low) + ")\n";
    else if (x.low < x.high && x.high - x.low <= 10 && all_whole(plot))
        out += "set xtics 1\n"; // there is nothing between two epochs
    const Range y = range_of(plot, lowest, [](const PlotSeries& series) { return series.y; });
    if (alone(y))
        out += "set yrange [" + number(y.low - 0.5) + ':' + number(y.low + 0.5) + "]\n";
    else if (y.low >= 0 && y.low < 0.25 * y.high)
        out += "set yrange [0:*]\n"; // gnuplot would go on below 0 for numbers that never do
    // The six digits of %g don't tell apart numbers that lie closer together.
    const bool close = y.high - y.low < 1e-4 * std::max(std::abs(y.low), std::abs(y.high));
    out += close ? "set format y '%.15g'\n" : "set format y '%g'\n";
    if (plot.log_y)
        out += log_axis(plot);
    if (plot.y_range.size() == 2)
        out += "set yrange [" + number(plot.y_range[0]) + ':' + number(plot.y_range[1]) + "]\n";
    for (const double mark : plot.marks)
        out += "set arrow from first " + number(mark) + ", graph 0 to first " + number(mark) +
               ", graph 1 nohead dashtype 3 linecolor rgb '#606870'\n";
    if (!plot.x_labels.empty()) {
        out += "set xtics (";
        for (std::size_t k = 0; k < plot.x_labels.size(); ++k)
            out += (k > 0 ? ", " : "") + tick_label(plot.x_labels[k].second) + ' ' + number(plot.x_labels[k].first);
        out += ")\n";
    }
    for (std::size_t k = 0; k < plot.series.size(); ++k)
        out += (k > 0 ? ", \\\n     " : "plot ") + std::string("$data") + number(k) + " using 1:2 with " +
               (plot.series[k].x.size() == 1 ? "points pointtype 7 " + colour(plot.series[k].style)
                                             : look(plot.series[k].style)) +
               (plot.series[k].name.empty() ? std::string(" notitle") : " title " + literal(plot.series[k].name));
    return out + '\n';
}

inline const char* const setup = R"(
set encoding utf8
set border 3 linecolor rgb '#606870'
set tics nomirror out scale 0.5
set grid linetype 1 linewidth 0.6 linecolor rgb '#e4e7eb'
set key above right horizontal samplen 1.5
set autoscale xfix
set offsets graph 0, 0, graph 0.04, graph 0.04
set tmargin 3
set rmargin 5
)";

/// What is asked of a picture before gnuplot is.
inline void check(const Picture& picture, const std::string& path) {
    require(std::none_of(path.begin(), path.end(), is_control), "plot",
            "the path of the picture has a line break or another control character, expected one without");
    require(!picture.frames.empty(), "plot", "the picture has no plots, expected at least 1");
    for (std::size_t k = 0; k < picture.frames.size(); ++k) {
        const Plot& plot = picture.frames[k];
        require(!plot.series.empty(), "plot", "plot ", k, " of ", picture.frames.size(), ", \"", plot.title,
                "\", has no curves, expected at least 1");
        require(std::any_of(plot.series.begin(), plot.series.end(),
                            [](const PlotSeries& series) { return !series.x.empty() && !series.y.empty(); }),
                "plot", "the curves of plot ", k, " of ", picture.frames.size(), ", \"", plot.title,
                "\", have no points, expected at least 1");
        require(plot.y_range.empty() || (plot.y_range.size() == 2 && std::isfinite(plot.y_range[0]) &&
                                         std::isfinite(plot.y_range[1]) && plot.y_range[0] < plot.y_range[1]),
                "plot", "the y_range of plot ", k, " of ", picture.frames.size(), ", \"", plot.title,
                "\", isn't {low, high}, expected finite numbers, low < high, or none");
    }
}

/// Whether gnuplot took the whole script and found nothing wrong with it.
inline bool run_gnuplot(const std::string& terminal, const std::string& path, const std::vector<Plot>& plots,
                        bool side_by_side) {
    std::string text = "set terminal " + terminal + " noenhanced\nset output " + literal(path) + setup;
    if (side_by_side)
        text += "set multiplot layout 1, " + number(plots.size()) + "\n";
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

} // namespace detail::gnuplot

/// Draws it into the folder. False if gnuplot isn't there, or couldn't; then it has said why on standard error. While gnuplot is written
/// to, SIGPIPE is ignored. Names and texts may hold any characters: none is executed. Throws std::invalid_argument if
/// the picture has no plots, one has no curves with a point or a y_range that isn't {low, high}, or the path has a
/// control character.
inline bool draw(const Picture& picture, const std::filesystem::path& folder) {
    // Absolute, for gnuplot takes a name that begins with '|' for a command, and one that begins with '~' for a home.
    const std::string path = std::filesystem::absolute(folder / picture.file).string();
    detail::gnuplot::check(picture, path);
    if (!gnuplot_is_there())
        return false;
    const bool one = picture.frames.size() == 1 || picture.side_by_side;
    const bool svg = std::filesystem::path(picture.file).extension() == ".svg";
    const std::string terminal = one && svg ? "svg size 1000,460 font 'sans,11' background rgb 'white'"
                                 : one      ? "pngcairo size 1000,460 font 'sans,11'"
                                            : "gif animate delay " + detail::decimal(picture.delay) +
                                             " loop 0 size 1200,600 font 'sans,15' linewidth 1.5";
    return detail::gnuplot::run_gnuplot(terminal, path, picture.frames, picture.side_by_side);
}

} // namespace carousel
