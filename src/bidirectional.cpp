#include "carousel/model/library_layers.hpp"

namespace carousel::inline CAROUSEL_ABI::detail {

#define CAROUSEL_COMPILE_BIDIRECTIONAL(...) \
    template class LayerOf<Bidirectional<Recurrent<__VA_ARGS__>>, __VA_ARGS__::Scalar>
CAROUSEL_EACH_CELL(CAROUSEL_COMPILE_BIDIRECTIONAL, float);
CAROUSEL_EACH_CELL(CAROUSEL_COMPILE_BIDIRECTIONAL, double);

} // namespace carousel::detail
