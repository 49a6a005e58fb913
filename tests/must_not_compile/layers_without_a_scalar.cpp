// Sequential: no layer says whether numbers are float or double: add one that has parameters, such as LSTM<float> or Dense<float>
#include <carousel/layer/dropout.hpp>
#include <carousel/layer/last_step.hpp>
#include <carousel/layer/sequential.hpp>

using namespace carousel;

Sequential model{Dropout{0.5}, LastStep{}};
