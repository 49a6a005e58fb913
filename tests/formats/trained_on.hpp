// What every net that a loader gives is good for: it trains on, and is saved and loaded again.
#pragma once

#include "carousel/model/model_file.hpp"

namespace carousel::test {

/// Checks that fit lowers the loss of the file's model on random data, and that save_safetensors and load_model give the file and
/// the trained model back to the last bit. Returns the trained model. The layers are the library's own.
Model<float> trained_on(const ModelFile<float>& file);

} // namespace carousel::test
