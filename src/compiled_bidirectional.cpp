#include "compiled_layers.hpp"

namespace carousel::inline CAROUSEL_ABI::detail {

#define CAROUSEL_COMPILED_DEFINE(...) template class LayerOf<Bidirectional<Recurrent<__VA_ARGS__>>, float>

CAROUSEL_COMPILED_CELLS(CAROUSEL_COMPILED_DEFINE);

} // namespace carousel::detail
