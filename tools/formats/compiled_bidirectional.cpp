#include "compiled_once.hpp"

namespace carousel::detail {

#define CAROUSEL_TOOL_COMPILE(...) template class LayerOf<Bidirectional<Recurrent<__VA_ARGS__>>, float>

CAROUSEL_TOOL_CELLS(CAROUSEL_TOOL_COMPILE);

} // namespace carousel::detail
