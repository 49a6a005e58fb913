// The whole library. The build reads its version from here.
#pragma once

#define CAROUSEL_VERSION_MAJOR 0
#define CAROUSEL_VERSION_MINOR 1
#define CAROUSEL_VERSION_PATCH 0

#include "carousel/decode/generate.hpp"
#include "carousel/decode/sample.hpp"
#include "carousel/layer/activate.hpp"
#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/encoder_decoder.hpp"
#include "carousel/layer/gain.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/layer/softmax.hpp"
#include "carousel/loss/binary_cross_entropy.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/loss/softmax_cross_entropy.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/optim/clip.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/optim/rmsprop.hpp"
#include "carousel/optim/schedule.hpp"
#include "carousel/optim/sgd.hpp"
#include "carousel/stream/stream.hpp"
#include "carousel/train/check_gradients.hpp"
#include "carousel/train/dataset.hpp"
#include "carousel/train/evaluate.hpp"
#include "carousel/train/fit.hpp"
#include "carousel/train/fit_options.hpp"
#include "carousel/train/history.hpp"
#include "carousel/train/metrics.hpp"
#include "carousel/train/progress_bar.hpp"
#include "carousel/train/summary.hpp"
