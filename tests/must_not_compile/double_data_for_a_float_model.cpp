// fit: the numbers of the data set and of the model are of different types: both must be float, or both double
#include <carousel/layer/dense.hpp>
#include <carousel/loss/mean_squared_error.hpp>
#include <carousel/optim/adam.hpp>
#include <carousel/train/fit.hpp>

using namespace carousel;

void train(Dense<float>& model, const std::vector<double>& series) {
    fit(model, windows(series, {.steps = 8}), MeanSquaredError{}, Adam{}, {.epochs = 3});
}
