// What no kernel and no layer is: the functions that are no templates, and the templates of float and double whose bodies programs that
// link carousel::compiled don't see.
#define CAROUSEL_COMPILING_BODIES
#include "carousel/carousel.hpp"

#define CAROUSEL_COMPILE(S)                                     \
    CAROUSEL_INSTANTIATE_PARAMETER(S);                          \
    CAROUSEL_INSTANTIATE_INITIALIZER(S);                        \
    CAROUSEL_INSTANTIATE_WEIGHTED_LOSS(MeanSquaredError, S);    \
    CAROUSEL_INSTANTIATE_WEIGHTED_LOSS(BinaryCrossEntropy, S);  \
    CAROUSEL_INSTANTIATE_WEIGHTED_LOSS(SoftmaxCrossEntropy, S); \
    CAROUSEL_INSTANTIATE_LOSS(ErrorToSignal, S);                \
    CAROUSEL_INSTANTIATE_LOSS(CTCLoss, S);                      \
    CAROUSEL_INSTANTIATE_WEIGHTED_LOSS(QuantileLoss, S);        \
    CAROUSEL_INSTANTIATE_WEIGHTED_LOSS(L1Loss, S);              \
    CAROUSEL_INSTANTIATE_WEIGHTED_LOSS(HuberLoss, S);           \
    CAROUSEL_INSTANTIATE_WEIGHTED_LOSS(GaussianNLLLoss, S);     \
    CAROUSEL_INSTANTIATE_WEIGHTED_LOSS(StudentTNLLLoss, S);     \
    CAROUSEL_INSTANTIATE_CLIP(S);                               \
    CAROUSEL_INSTANTIATE_OPTIMIZER(S);                          \
    CAROUSEL_INSTANTIATE_DATASET(S);                            \
    CAROUSEL_INSTANTIATE_SAMPLES(S);                            \
    CAROUSEL_INSTANTIATE_SAMPLE_SOURCE(S);                      \
    CAROUSEL_INSTANTIATE_WINDOWS(S);                            \
    CAROUSEL_INSTANTIATE_MAP_DATASET(S);                        \
    CAROUSEL_INSTANTIATE_ITERABLE_DATASET(S);                   \
    CAROUSEL_INSTANTIATE_UNPADDED(S);                           \
    CAROUSEL_INSTANTIATE_PREDICT(S);                            \
    CAROUSEL_INSTANTIATE_METRICS(S);                            \
    CAROUSEL_INSTANTIATE_REGRESSION_METRICS(S);                 \
    CAROUSEL_INSTANTIATE_INTERVAL_METRICS(S);                   \
    CAROUSEL_INSTANTIATE_CLASSIFICATION_METRICS(S);             \
    CAROUSEL_INSTANTIATE_LABEL_ERROR_RATE(S);                   \
    CAROUSEL_INSTANTIATE_EVALUATE(S);                           \
    CAROUSEL_INSTANTIATE_TRAINING(S);                           \
    CAROUSEL_INSTANTIATE_FIT(S)

CAROUSEL_COMPILE(float);
CAROUSEL_COMPILE(double);
