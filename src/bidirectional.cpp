#include "carousel/model/library_layers.hpp"

namespace carousel::inline CAROUSEL_ABI::detail {

#define CAROUSEL_COMPILE_BIDIRECTIONAL(...) CAROUSEL_LAYER_OF_CELL(, BidirectionalOf, __VA_ARGS__)
CAROUSEL_EACH_CELL(CAROUSEL_COMPILE_BIDIRECTIONAL, float);
CAROUSEL_EACH_CELL(CAROUSEL_COMPILE_BIDIRECTIONAL, double);

} // namespace carousel::detail
