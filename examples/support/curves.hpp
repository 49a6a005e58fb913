// Curves of the examples' trainings: the library's.
#pragma once

#include "support/plot.hpp"

#include <carousel/plot/curves.hpp>

namespace example {

using carousel::curves;

} // namespace example
