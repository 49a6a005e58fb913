// Sequential: every entry must be a Layer of the same scalar type
#include <carousel/layer/dense.hpp>
#include <carousel/layer/sequential.hpp>

using namespace carousel;

Sequential model{Dense<float>{1, 8}, Dense<double>{8, 1}};
