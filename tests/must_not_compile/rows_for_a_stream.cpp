// Stream: the sample is no Eigen vector whose numbers stand next to each other
#include <carousel/stream/stream.hpp>

using namespace carousel;

void run(Stream<GRU<float>>& stream, const Matrix<float>& series) {
    stream(series.row(0)); // a row of a column-major matrix
}
