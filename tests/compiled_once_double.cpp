#include "compiled_once.hpp"

CAROUSEL_COMPILED_ONCE(, double);
