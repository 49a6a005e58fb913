// Sequential: a layer that takes tokens must be the first: no gradient goes through it
#include <carousel/layer/dense.hpp>
#include <carousel/layer/embedding.hpp>
#include <carousel/layer/sequential.hpp>

using namespace carousel;

Sequential model{Dense<float>{1, 1}, Embedding<float>{10, 8}};
