// The functions that are no templates: their bodies, which programs that link carousel::compiled don't see.
#define CAROUSEL_COMPILING_BODIES
#include "carousel/carousel.hpp"
