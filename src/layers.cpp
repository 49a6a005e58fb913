#include "carousel/model/library_layers.hpp"

namespace carousel::inline CAROUSEL_ABI::detail {

#define CAROUSEL_COMPILE_RECURRENT(...) CAROUSEL_LAYER_OF_CELL(, Recurrent, __VA_ARGS__)
CAROUSEL_EACH_CELL(CAROUSEL_COMPILE_RECURRENT, float);
CAROUSEL_EACH_CELL(CAROUSEL_COMPILE_RECURRENT, double);
CAROUSEL_LIBRARY_LAYERS(, float);
CAROUSEL_LIBRARY_LAYERS(, double);

} // namespace carousel::detail
