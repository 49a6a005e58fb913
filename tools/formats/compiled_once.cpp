#include "compiled_once.hpp"

CAROUSEL_TOOL_INITIAL();

namespace carousel::detail {

#define CAROUSEL_TOOL_COMPILE(...) template class LayerOf<__VA_ARGS__, float>
#define CAROUSEL_TOOL_COMPILE_RECURRENT(...) CAROUSEL_TOOL_COMPILE(Recurrent<__VA_ARGS__>)

CAROUSEL_TOOL_CELLS(CAROUSEL_TOOL_COMPILE_RECURRENT);
CAROUSEL_TOOL_OTHER_LAYERS(CAROUSEL_TOOL_COMPILE);

} // namespace carousel::detail
