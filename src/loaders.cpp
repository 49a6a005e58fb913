// What makes models from files.
#include "carousel/io/load_model.hpp"

namespace carousel::inline CAROUSEL_ABI {

template class LayerRegistry<float>;
template class LayerRegistry<double>;
template ModelFile<float> load_model_file(const ByteSource&, const LayerRegistry<float>&);
template ModelFile<double> load_model_file(const ByteSource&, const LayerRegistry<double>&);
template Model<float> load_model(const ByteSource&, const LayerRegistry<float>&);
template Model<double> load_model(const ByteSource&, const LayerRegistry<double>&);

} // namespace carousel
