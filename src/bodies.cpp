// What no kernel and no layer is: the functions that are no templates, and the templates of float and double whose bodies programs that
// link carousel::compiled don't see.
#define CAROUSEL_COMPILING_BODIES
#include "carousel/carousel.hpp"

#define CAROUSEL_COMPILE(S)                     \
    CAROUSEL_EXTERN_PARAMETER(, S);             \
    CAROUSEL_EXTERN_INITIALIZER(, S);           \
    CAROUSEL_EXTERN_MEAN_SQUARED_ERROR(, S);    \
    CAROUSEL_EXTERN_BINARY_CROSS_ENTROPY(, S);  \
    CAROUSEL_EXTERN_SOFTMAX_CROSS_ENTROPY(, S); \
    CAROUSEL_EXTERN_CLIP(, S);                  \
    CAROUSEL_EXTERN_OPTIMIZER(, S);             \
    CAROUSEL_EXTERN_DATASET(, S);               \
    CAROUSEL_EXTERN_METRICS(, S);               \
    CAROUSEL_EXTERN_EVALUATE(, S);              \
    CAROUSEL_EXTERN_TRAINING(, S);              \
    CAROUSEL_EXTERN_FIT(, S)

CAROUSEL_COMPILE(float);
CAROUSEL_COMPILE(double);
