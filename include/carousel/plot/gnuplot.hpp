// draw: pictures by gnuplot, where it is installed. How the curves look is decided here.
#pragma once

#include "carousel/plot/installed.hpp"
#include "carousel/plot/picture.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Whether the program gnuplot is found, which draws the pictures.
inline bool gnuplot_is_there() {
    return detail::program_is_there("gnuplot");
}

namespace detail::gnuplot {

/// In single quotes gnuplot takes everything literally but the quote itself.
inline std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char c : text)
        result += c == '\'' ? "''" : c == '\n' ? " " : std::string(1, c);
    return result + "'";
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

/// A scale of 1, 2, 5, 10 … where powers of ten alone would label the axis once or twice. Below a decade even those are too few:
/// the axis is linear then.
inline std::string log_axis(const Plot& plot) {
    const auto [low, high] = range_of(plot, 0, [](const PlotSeries& series) { return series.y; });
    if (!(low < high && high / low >= 10))
        return "";
    std::ostringstream out;
    out << "set logscale y\n";
    if (plot.y_range.empty()) // gnuplot would go on to the next powers of ten
        out << "set yrange [" << low / 1.3 << ':' << high * 1.3 << "]\n";
    if (high / low >= 1e4)
        return out.str();
    const char* separator = "set ytics (";
    for (int power = static_cast<int>(std::floor(std::log10(low))) - 1; std::pow(10, power) < 10 * high; ++power)
        for (const char* const digit : {"1", "2", "5"}) {
            out << separator << digit << 'e' << power;
            separator = ", ";
        }
    out << ")\n";
    return out.str();
}

inline std::string script(const Plot& plot) {
    constexpr double lowest = -std::numeric_limits<double>::infinity();
    std::ostringstream out;
    out.precision(9);
    for (std::size_t k = 0; k < plot.series.size(); ++k) {
        const PlotSeries& series = plot.series[k];
        out << "$data" << k << " << END\n";
        for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i)
            out << series.x[i] << ' ' << series.y[i] << '\n';
        out << "END\n";
    }
    out << "set label 1 " << quoted(plot.title) << " at graph 0, 1.06\nset xlabel " << quoted(plot.x_label)
        << "\nset ylabel " << quoted(plot.y_label) // and nothing of the plot before:
        << "\nunset logscale y\nset yrange [*:*]\nset xrange [*:*]\nset ytics autofreq\nset xtics autofreq\nunset "
           "arrow\n";
    const auto alone = [](Range range) { return range.low == range.high; }; // gnuplot would warn of an empty range
    if (const Range x = range_of(plot, lowest, [](const PlotSeries& series) { return series.x; }); alone(x))
        out << "set xrange [" << x.low - 0.5 << ':' << x.high + 0.5 << "]\nset xtics (" << x.low << ")\n";
    if (const Range y = range_of(plot, lowest, [](const PlotSeries& series) { return series.y; }); alone(y))
        out << "set yrange [" << y.low - 0.5 << ':' << y.high + 0.5 << "]\n";
    if (plot.log_y)
        out << log_axis(plot);
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
        out << (k > 0 ? ", \\\n     " : "plot ") << "$data" << k << " using 1:2 with "
            << (plot.series[k].x.size() == 1 ? "points pointtype 7 " + colour(plot.series[k].style)
                                             : look(plot.series[k].style))
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

} // namespace detail::gnuplot

/// Draws it into the folder. False if gnuplot isn't there, or couldn't; then it has said why on standard error. While gnuplot is written
/// to, SIGPIPE is ignored.
inline bool draw(const Picture& picture, const std::filesystem::path& folder) {
    if (!gnuplot_is_there())
        return false;
    const bool one = picture.frames.size() == 1 || picture.side_by_side;
    const bool svg = std::filesystem::path(picture.file).extension() == ".svg";
    const std::string terminal = one && svg ? "svg size 1000,460 font 'sans,11' background rgb 'white'"
                                 : one      ? "pngcairo size 1000,460 font 'sans,11'"
                                            : "gif animate delay " + std::to_string(picture.delay) +
                                             " loop 0 size 1200,600 font 'sans,15' linewidth 1.5";
    return detail::gnuplot::run_gnuplot(terminal, folder / picture.file, picture.frames, picture.side_by_side);
}

} // namespace carousel
