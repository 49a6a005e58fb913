// What the tests of loaders share: bytes of a text, and how far a loaded model is from a reference.
#pragma once

#include "carousel/model/model_file.hpp"
#include "support.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace carousel::test {

/// As a ByteSource; `text` must live as long.
inline std::span<const std::byte> bytes(const std::string& text) {
    return std::as_bytes(std::span(text));
}

/// Outputs of a whole sequence, features × steps, from the state in the file.
template <class S>
Matrix<S> run(const ModelFile<S>& file, const Matrix<S>& x) {
    typename Model<S>::Tape tape;
    return file.model.infer({x.data(), x.rows(), x.cols(), 1}, tape, file.state).values();
}

/// The same sample by sample.
template <class S>
Matrix<S> streamed(const ModelFile<S>& file, const Matrix<S>& x) {
    Stream stream{file.model};
    stream.set_state(file.state);
    Matrix<S> y(stream.output_size(), x.cols());
    for (Index t = 0; t < x.cols(); ++t) {
        const auto sample = stream(x.col(t));
        y.col(t) = Eigen::Map<const Vector<S>>(sample.data(), static_cast<Index>(sample.size()));
    }
    return y;
}

/// The largest |y − reference|, as a whole sequence and streamed; infinite if a shape differs.
template <class S>
double worst_error(const ModelFile<S>& file, const Matrix<S>& x, const Matrix<S>& reference) {
    double worst = 0;
    for (const Matrix<S>& y : {run(file, x), streamed(file, x)}) {
        if (y.rows() != reference.rows() || y.cols() != reference.cols() || !y.allFinite())
            return std::numeric_limits<double>::infinity();
        worst = std::max(worst, static_cast<double>((y - reference).cwiseAbs().maxCoeff()));
    }
    return worst;
}

} // namespace carousel::test
