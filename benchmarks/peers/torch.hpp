// PyTorch's layers as peers; in a file of their own because its headers take long to compile.
#pragma once

#include "peers/peer.hpp"

namespace benchmarks {

/// Null if PyTorch has no such layer: peepholes and a GRU that resets before.
std::unique_ptr<Peer> make_torch(const Problem& problem);

/// The version, and the BLAS library it multiplies with, which decides its speed.
std::string torch_version();

} // namespace benchmarks
