// fit: the loss comes before the optimizer: fit(model, data, MeanSquaredError{}, Adam{}, {.epochs = 10})
#include <carousel/layer/dense.hpp>
#include <carousel/loss/mean_squared_error.hpp>
#include <carousel/optim/adam.hpp>
#include <carousel/train/fit.hpp>

using namespace carousel;

void train(Dense<float>& model, const Dataset<float>& data, Optimizer<Adam, float>& optimizer) {
    fit(model, data, data, optimizer, MeanSquaredError{});
}
