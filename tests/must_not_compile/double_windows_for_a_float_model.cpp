// fit: the numbers of the data set and of the model are of different types: both must be float, or both double
#include <carousel/layer/dense.hpp>
#include <carousel/loss/mean_squared_error.hpp>
#include <carousel/optim/adam.hpp>
#include <carousel/train/fit.hpp>
#include <carousel/train/windows.hpp>

using namespace carousel;

void train(Dense<float>& model, const Windows<double>& windows) {
    fit(model, windows, MeanSquaredError{}, Adam{});
}
