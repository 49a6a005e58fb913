// Pictures of the examples: the library's.
#pragma once

#include <carousel/plot/gnuplot.hpp>

namespace example {

using carousel::draw;
using carousel::gnuplot_is_there;
using carousel::labels_that_fit;
using carousel::Picture;
using carousel::Plot;
using Series = carousel::PlotSeries;
using Style = carousel::PlotStyle;

} // namespace example
