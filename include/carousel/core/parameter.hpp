// Parameter: a trained matrix and the gradient that backward passes add into.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <algorithm>
#include <concepts>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// A set of column numbers among 0 … n − 1, in the order of their insertion. insert() and clear() don't allocate, and clear()
/// takes time in proportion to the columns in the set, not to n.
class ColumnSet {
  public:
    ColumnSet() = default;
    /// An empty set among n columns.
    explicit ColumnSet(Index n) : has_(static_cast<std::size_t>(n)), list_(static_cast<std::size_t>(n)) {}

    /// n
    Index range() const { return static_cast<Index>(has_.size()); }
    std::span<const Index> columns() const { return {list_.data(), std::min(count_, list_.size())}; } // none if moved

    /// Throws std::invalid_argument unless 0 <= column < n.
    void insert(Index column) {
        require(column >= 0 && column < range(), "ColumnSet::insert", "column is ", column, ", expected 0 <= column < ",
                range());
        char& has = has_[static_cast<std::size_t>(column)];
        if (has)
            return;
        has = 1;
        list_[count_++] = column;
    }

    /// Empties the set.
    void clear() {
        for (const Index column : columns())
            has_[static_cast<std::size_t>(column)] = 0;
        count_ = 0;
    }

  private:
    std::vector<char> has_;
    std::vector<Index> list_;
    std::size_t count_ = 0;
};

/// A parameter is dense or sparse. Of a sparse one, such as an embedding's table, a backward pass touches a few columns;
/// the gradient of all others is zero, and zero_gradients, clipping and Optimizer::step never look at them, so that
/// their time is in proportion to the columns touched. In return, the gradient of a sparse parameter must be written through
/// grad_column(): what is written to other columns of `grad` is not seen by any of these.
///
/// A fixed parameter is neither: it belongs to what the model has learnt, so it is saved, loaded and kept as the best
/// epoch's, but it has no gradient (`grad` is empty) and no optimizer changes it, also not by weight decay.
///
/// A dense or sparse one may be frozen for a while (optim/freeze.hpp): backward passes go on adding to its gradient, and zero_grad
/// clears it, but no one else looks at it.
template <std::floating_point Scalar>
struct Parameter {
    /// The numbers, rows × columns.
    Matrix<Scalar> value;
    Matrix<Scalar> grad; ///< same shape as value, or empty if it is fixed; zero until a backward pass adds to it

    Parameter() = default;
    /// A dense one of zeros.
    Parameter(Index rows, Index cols);

    /// A sparse one and a fixed one of zeros.
    static Parameter sparse(Index rows, Index cols);
    static Parameter fixed(Index rows, Index cols);

    /// How many numbers it has, and of which kind it is.
    Index size() const { return value.size(); }
    bool is_fixed() const { return fixed_; }
    /// Whether it is neither fixed nor frozen.
    bool is_trained() const { return !fixed_ && !frozen_; }
    /// Freezes it, or ends that; a fixed one stays fixed.
    void set_trainable(bool trainable) { frozen_ = !trainable; }
    bool is_sparse() const { return touched_.range() > 0; }

    /// A column of the gradient, to add to. Throws std::invalid_argument unless 0 <= column < the gradient's columns.
    auto grad_column(Index column) {
        require(column >= 0 && column < grad.cols(), "Parameter::grad_column", "column is ", column,
                ", expected 0 <= column < ", grad.cols());
        if (is_sparse())
            touched_.insert(column);
        return grad.col(column);
    }

    /// f(first, count) for every run of numbers, in the order of grad.data(), whose gradient may not be zero: all of
    /// them in one run, or, if it is sparse, a run for each column touched since the last zero_grad(), or none if it is
    /// fixed or frozen.
    template <class F>
    void each_run(F&& f) const {
        if (is_trained())
            each_touched(f);
    }

    /// Calls f for the same runs with their gradients, which it may read and change.
    template <class F>
    void each_gradient(F&& f) {
        using Run = Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>>;
        each_run([&](Index first, Index count) { f(Run(grad.data() + first, count)); });
    }

    /// Sets the gradient to zero: all of it, or the touched columns of a sparse one.
    void zero_grad();

  private:
    /// each_run of one that isn't frozen.
    template <class F>
    void each_touched(F&& f) const {
        if (is_fixed())
            return;
        if (!is_sparse())
            return f(Index(0), grad.size());
        require(grad.cols() == touched_.range(), "Parameter", "the gradient of a sparse parameter has ", grad.cols(),
                " columns, expected ", touched_.range(), ", as many as it was made with");
        for (const Index column : touched_.columns())
            f(column * grad.rows(), grad.rows());
    }

    bool fixed_ = false, frozen_ = false;
    ColumnSet touched_; ///< since the last zero_grad(); of no columns if the parameter is dense
};

/// A parameter as an optimizer, a file or a report sees it: the path of its name in the model ("0.LSTM.W") and where it
/// is. Points into the model, so it is valid for as long as the model stays where it is.
/// Of a model that may only be read, NamedParameter<const float>.
template <class Scalar>
struct NamedParameter {
    /// The parameter's type, const where it may only be read.
    using Pointee =
        std::conditional_t<std::is_const_v<Scalar>, const Parameter<std::remove_const_t<Scalar>>, Parameter<Scalar>>;

    /// Its path in the model, and where it is.
    std::string name;
    Pointee* parameter;
};

/// Every parameter of a layer or model, in a fixed order; of a const one to read.
template <class Model>
auto parameters(Model& model) {
    using S = typename Model::Scalar;
    std::vector<NamedParameter<std::conditional_t<std::is_const_v<Model>, const S, S>>> list;
    model.each_parameter([&](const std::string& name, auto& parameter) { list.push_back({name, &parameter}); });
    return list;
}

/// Sets the gradients of all of them to zero, as backward passes only add.
template <class Scalar>
void zero_gradients(const std::vector<NamedParameter<Scalar>>& list) {
    for (const auto& named : list)
        named.parameter->zero_grad();
}

#ifdef CAROUSEL_BODIES

template <std::floating_point Scalar>
Parameter<Scalar>::Parameter(Index rows, Index cols) : value(rows, cols), grad(rows, cols) {
    std::fill_n(value.data(), value.size(), Scalar(0));
    std::fill_n(grad.data(), grad.size(), Scalar(0));
}

template <std::floating_point Scalar>
Parameter<Scalar> Parameter<Scalar>::sparse(Index rows, Index cols) {
    Parameter parameter(rows, cols);
    parameter.touched_ = ColumnSet(cols);
    return parameter;
}

template <std::floating_point Scalar>
Parameter<Scalar> Parameter<Scalar>::fixed(Index rows, Index cols) {
    Parameter parameter;
    parameter.value.resize(rows, cols);
    std::fill_n(parameter.value.data(), parameter.value.size(), Scalar(0));
    parameter.fixed_ = true;
    return parameter;
}

template <std::floating_point Scalar>
void Parameter<Scalar>::zero_grad() {
    each_touched([&](Index first, Index count) { std::fill_n(grad.data() + first, count, Scalar(0)); });
    touched_.clear();
}

#endif

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_PARAMETER(S)                                                             \
    template carousel::Parameter<S>::Parameter(carousel::Index, carousel::Index);                     \
    template carousel::Parameter<S> carousel::Parameter<S>::sparse(carousel::Index, carousel::Index); \
    template carousel::Parameter<S> carousel::Parameter<S>::fixed(carousel::Index, carousel::Index);  \
    template void carousel::Parameter<S>::zero_grad()

} // namespace carousel
