// Evaluated and Learner: a model with its loss as evaluate and fit see them, behind virtual functions. So their loops and checks are
// compiled once for a scalar and not again for each model, loss and rule.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/core/random.hpp"
#include "carousel/layer/layer.hpp"
#include "carousel/loss/loss.hpp"

#include <type_traits>
#include <utility>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Whether a loss, or the one that it weighs, is a sum over its targets that is divided by nothing.
template <class LossType>
bool is_sum(const LossType& loss) {
    if constexpr (requires { loss.reduction == Reduction::sum; })
        return loss.reduction == Reduction::sum;
    else if constexpr (requires { loss.inner.reduction == Reduction::sum; })
        return loss.inner.reduction == Reduction::sum;
    else
        return false;
}

/// A model in inference, and a loss.
template <class S>
class Evaluated {
  public:
    /// Of the model; see layer.hpp.
    virtual Index output_size(Index features) const = 0;
    virtual Index output_length(Index length) const = 0;
    virtual Index least_steps() const = 0;

    /// The output, from the state. If it is carried, the state becomes that after x.
    virtual SequenceView<S> infer(const SequenceView<S>& x, bool carried) = 0;

    /// The loss, its weight, and, if it `checks` targets, its check; see loss.hpp.
    virtual double loss(const SequenceView<S>& y, const SequenceView<S>& target, Sequence<S>* dy) const = 0;
    virtual double weight(const SequenceView<S>& y, const SequenceView<S>& target) const = 0;
    virtual bool checks() const = 0;
    virtual double check(const SequenceView<S>& target, Index features) const = 0;
    /// Whether targets needn't have the steps of the output, as the labels of CTC.
    virtual bool own_steps() const = 0;
    /// Whether parts of a batch have a sum as their loss, not a mean, so that the batch's is the sum of theirs.
    virtual bool is_sum() const = 0;

  protected:
    Evaluated() = default;
    ~Evaluated() = default;
};

/// A model in training.
template <class S>
class Learner {
  public:
    /// The same model and loss.
    virtual Evaluated<S>& evaluated() = 0;

    /// A recorded pass, from the state. If it is carried, the state becomes that after x.
    virtual SequenceView<S> forward(const SequenceView<S>& x, bool carried) = 0;
    /// `watch` may be null.
    virtual void backward(const Sequence<S>& dy, GradientWatch* watch) = 0;
    /// f(random) for every generator of the masks.
    virtual void each_random(FunctionRef<void(Random&)> f) = 0;

    /// The state becomes zero.
    virtual void empty_state() = 0;
    /// f(matrix) for each matrix of the state, which can be saved; other parts of a state of one's own are left out.
    virtual void each_carried(FunctionRef<void(Matrix<S>&)> f) = 0;
    /// evaluated() goes on from this state, or from zero.
    virtual void begin_validation(bool carried) = 0;

  protected:
    Learner() = default;
    ~Learner() = default;
};

template <class Model, class LossType>
class EvaluatedOf final : public Evaluated<typename Model::Scalar> {
  public:
    using S = typename Model::Scalar;
    using State = StateOf<Model, S>;

    EvaluatedOf(const Model& model, const LossType& loss) : model_(model), loss_(loss) {}

    void set_state(State state) { state_ = std::move(state); }

    Index output_size(Index features) const override { return model_.output_size(features); }
    Index output_length(Index length) const override { return detail::output_length(model_, length); }
    Index least_steps() const override { return detail::least_steps(model_); }

    SequenceView<S> infer(const SequenceView<S>& x, bool carried) override {
        const auto y = model_.infer(x, tape_, state_);
        if (carried)
            model_.final_state(tape_, state_);
        return y;
    }

    double loss(const SequenceView<S>& y, const SequenceView<S>& target, Sequence<S>* dy) const override {
        return loss_(y, target, dy);
    }
    double weight(const SequenceView<S>& y, const SequenceView<S>& target) const override {
        return loss_.weight(y, target);
    }
    bool checks() const override { return has_check; }
    double check([[maybe_unused]] const SequenceView<S>& target, [[maybe_unused]] Index features) const override {
        if constexpr (has_check)
            return loss_.check(target, features);
        return 1;
    }
    bool own_steps() const override {
        if constexpr (requires { LossType::own_steps; })
            return LossType::own_steps;
        return false;
    }
    bool is_sum() const override { return detail::is_sum(loss_); }

  private:
    static constexpr bool has_check = requires(const LossType& loss, const SequenceView<S>& target, Index features) {
        loss.check(target, features);
    };

    const Model& model_;
    const LossType& loss_;
    TapeOf<Model, S> tape_;
    State state_ = {};
};

template <class Model, class LossType>
class LearnerOf final : public Learner<typename Model::Scalar> {
  public:
    using S = typename Model::Scalar;

    LearnerOf(Model& model, const LossType& loss) : model_(model), inference_(model, loss) {}

    Evaluated<S>& evaluated() override { return inference_; }

    SequenceView<S> forward(const SequenceView<S>& x, bool carried) override {
        const auto y = std::as_const(model_).forward(x, tape_, state_);
        if (carried)
            model_.final_state(tape_, state_);
        return y;
    }
    void backward(const Sequence<S>& dy, GradientWatch* watch) override {
        model_.backward(dy, tape_, {.input_gradient = false, .watch = watch});
    }
    void each_random(FunctionRef<void(Random&)> f) override { detail::each_random(model_, tape_, f); }

    void empty_state() override { state_ = detail::empty_state<Model, S>(model_); }
    void each_carried(FunctionRef<void(Matrix<S>&)> f) override {
        each_state(state_, [&]<class M>(M& matrix) {
            if constexpr (std::is_same_v<M, Matrix<S>>)
                f(matrix);
        });
    }
    void begin_validation(bool carried) override { inference_.set_state(carried ? state_ : StateOf<Model, S>{}); }

  private:
    Model& model_;
    EvaluatedOf<Model, LossType> inference_;
    TapeOf<Model, S> tape_;
    StateOf<Model, S> state_ = {};
};

} // namespace carousel::detail
