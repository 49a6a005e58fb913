// Golden: one file of stored numbers to compare with, as tests/golden/golden_format.py describes it.
#pragma once

#include <Eigen/Core>

#include <cstddef>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace carousel::test {

/// Golden g("lstm.txt"): the tensors of CAROUSEL_TEST_DATA/lstm.txt by name. Every function throws std::runtime_error
/// with the name of the file, and of the tensor, when there is none or it has another number of dimensions.
class Golden {
  public:
    using Index = Eigen::Index;

    explicit Golden(std::string file) : file_(std::move(file)) {
        std::ifstream in(std::string(CAROUSEL_TEST_DATA) + "/" + file_);
        if (!in)
            throw std::runtime_error(file_ + ": cannot be opened in " + CAROUSEL_TEST_DATA);
        for (std::string line; std::getline(in, line);) {
            if (line.empty() || line.front() == '#')
                continue;
            std::istringstream header(line);
            std::string name;
            Tensor tensor;
            std::size_t count = 1;
            header >> name;
            for (Index size = 0; header >> size; count *= static_cast<std::size_t>(size))
                tensor.shape.push_back(size);
            tensor.values.resize(count);
            for (double& value : tensor.values)
                in >> value;
            if (!header.eof() || !in)
                throw std::runtime_error(file_ + ": " + name + " cannot be read");
            std::getline(in, line); // the end of the numbers' line
            tensors_[name] = std::move(tensor);
        }
    }

    const std::vector<Index>& shape(const std::string& name) const { return find(name).shape; }

    double scalar(const std::string& name) const { return find(name, 0).values.front(); }

    Eigen::VectorXd vector(const std::string& name) const {
        const Tensor& tensor = find(name, 1);
        return view(tensor, tensor.shape[0], 1);
    }

    /// Shape (R, C): the same R × C matrix.
    Eigen::MatrixXd matrix(const std::string& name) const { return state(name).transpose(); }

    /// Shape (B, H): H × B, a column a row of the batch.
    Eigen::MatrixXd state(const std::string& name) const {
        const Tensor& tensor = find(name, 2);
        return view(tensor, tensor.shape[1], tensor.shape[0]);
    }

    /// Shape (T, B, F): F × (T·B), step t the columns t·B ….
    Eigen::MatrixXd sequence(const std::string& name) const {
        const Tensor& tensor = find(name, 3);
        return view(tensor, tensor.shape[2], tensor.shape[0] * tensor.shape[1]);
    }

  private:
    struct Tensor {
        std::vector<Index> shape;
        std::vector<double> values; // C order
    };

    static Eigen::Map<const Eigen::MatrixXd> view(const Tensor& tensor, Index rows, Index cols) {
        return {tensor.values.data(), rows, cols};
    }

    const Tensor& find(const std::string& name) const {
        const auto found = tensors_.find(name);
        if (found == tensors_.end())
            throw std::runtime_error(file_ + ": no tensor " + name);
        return found->second;
    }

    const Tensor& find(const std::string& name, std::size_t dimensions) const {
        const Tensor& tensor = find(name);
        if (tensor.shape.size() != dimensions)
            throw std::runtime_error(file_ + ": " + name + " has " + std::to_string(tensor.shape.size()) +
                                     " dimensions, expected " + std::to_string(dimensions));
        return tensor;
    }

    std::string file_;
    std::map<std::string, Tensor> tensors_;
};

} // namespace carousel::test
