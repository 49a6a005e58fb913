// ModelFile: what a file of a model holds besides its weights.
#pragma once

#include "carousel/core/metadata.hpp"
#include "carousel/model/model.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// A model as a loader found it. `state` is the one that the file holds, for a batch of one, as a settled amplifier's; empty
/// if it holds none.
template <class S>
struct ModelFile {
    Model<S> model;
    Metadata metadata = {};
    typename Model<S>::State state = {};
};

} // namespace carousel
