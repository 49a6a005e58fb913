// Linear forecast: what a straight line through the last values says, the least a net should be better than.
#pragma once

#include <carousel/core/matrix.hpp>

#include <Eigen/Cholesky>

#include <cmath>
#include <limits>
#include <vector>

namespace example {

using carousel::Index;

/// A linear autoregression by ridge regression: each step of the horizon, less the last value, is a sum of the last `steps` values,
/// less the last value, and a constant. series: one row, without gaps; truth: the same with its gaps, whose windows are left out.
class LinearForecast {
  public:
    /// Learns from the windows whose targets lie in columns steps … training − 1, with the best of some penalties on those whose
    /// targets lie in training … validated − 1.
    LinearForecast(const Eigen::VectorXd& series, const Eigen::VectorXd& truth, Index steps, Index horizon,
                   Index training, Index validated)
        : steps_(steps) {
        const Index inputs = steps + 1;
        Eigen::MatrixXd xx = Eigen::MatrixXd::Zero(inputs, inputs), xy = Eigen::MatrixXd::Zero(inputs, horizon);
        constexpr Index most = 256; // windows of a block
        Eigen::MatrixXd x(inputs, most), y(horizon, most);
        Index count = 0, windows = 0;
        const auto add = [&] {
            xx += x.leftCols(count) * x.leftCols(count).transpose();
            xy += x.leftCols(count) * y.leftCols(count).transpose();
            windows += count;
            count = 0;
        };
        for (Index at = steps; at + horizon <= training; ++at) {
            if (!truth.segment(at, horizon).allFinite())
                continue;
            x.col(count) = window(series, at);
            y.col(count++) = truth.segment(at, horizon).array() - series[at - 1];
            if (count == most)
                add();
        }
        add();
        double least = std::numeric_limits<double>::infinity();
        const double size = xx.diagonal().head(steps).mean();
        for (const double penalty : {1e-6, 1e-4, 1e-3, 1e-2, 1e-1}) {
            Eigen::MatrixXd regular = xx;
            regular.diagonal().head(steps).array() += penalty * size + 1e-12;
            regular(steps, steps) += 1e-12;
            const Eigen::MatrixXd weights = regular.ldlt().solve(xy);
            double error = 0;
            for (Index at = training; at + horizon <= validated; ++at)
                if (truth.segment(at, horizon).allFinite())
                    error += (weights.transpose() * window(series, at) -
                              (truth.segment(at, horizon).array() - series[at - 1]).matrix())
                                 .squaredNorm();
            if (error < least) {
                least = error;
                weights_ = weights;
            }
        }
    }

    /// Of the values from column `at` on.
    Eigen::VectorXd operator()(const Eigen::VectorXd& series, Index at) const {
        return (weights_.transpose() * window(series, at)).array() + series[at - 1];
    }

  private:
    Eigen::VectorXd window(const Eigen::VectorXd& series, Index at) const {
        Eigen::VectorXd x(steps_ + 1);
        x << series.segment(at - steps_, steps_).array() - series[at - 1], 1;
        return x;
    }

    Index steps_;
    Eigen::MatrixXd weights_;
};

} // namespace example
