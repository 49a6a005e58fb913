// The functions that are no templates: their bodies, which programs that link carousel::compiled don't see.
#include "carousel/carousel.hpp"
