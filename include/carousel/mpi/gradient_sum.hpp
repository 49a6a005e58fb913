// GradientSum: the gradients of all ranks become their sum, in messages of a few megabytes.
#pragma once

#include "carousel/core/parameter.hpp"
#include "carousel/layer/layer.hpp"
#include "carousel/mpi/meeting.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <span>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Dense gradients are copied to one array, in the order in which backward passes are done with them: those of the last
/// layer first. Parts of it of `message` numbers or a little more are summed as soon as they are full, while the
/// backward pass goes on with the layers below, so that a small net sends one message. Its last number counts the ranks
/// that have failed. A sparse gradient is exchanged as a list of its columns, which every rank adds up in the order of
/// the ranks.
template <class S>
class GradientSum final : public GradientWatch {
  public:
    /// Numbers a message has before it is sent: 4 MiB, at which the time of a message is that of its bytes, not its
    /// latency.
    static constexpr std::size_t message = (std::size_t(4) << 20) / sizeof(S);

    GradientSum(RankMeeting& meeting, const std::vector<NamedParameter<S>>& list) : meeting_(meeting), list_(list) {}

    /// Before a batch: takes the memory that it needs.
    void begin() {
        std::size_t count = 1;
        size_ = begin_ = end_ = 0;
        for (const auto& [name, parameter] : list_) {
            const auto numbers = static_cast<std::size_t>(parameter->is_trained() ? parameter->grad.size() : 0);
            size_ += numbers;
            count += is_dense(*parameter) ? numbers : 0;
        }
        own_.resize(count);
        sums_.resize(count);
        left_ = list_.size();
        done_.assign(left_, 0);
    }

    /// How many numbers all gradients have.
    std::size_t size() const { return size_; }

    /// Of parameters within these bytes the gradients may be sent.
    void done(const void* first, std::size_t bytes) override {
        const auto address = [](const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); };
        for (std::size_t k = 0; k < left_; ++k)
            if (address(list_[k].parameter) - address(first) < bytes) // of one below them the difference wraps round
                done_[k] = 1;
        while (left_ > 0 && done_[left_ - 1])
            send(*list_[--left_].parameter);
        meeting_.ranks().progress();
    }

    /// Of this rank's gradients, or of zero if there was an error. Throws RankFailure, on all ranks, if there was one
    /// on any.
    void sum(const std::exception_ptr& error) {
        while (left_ > 0)
            send(*list_[--left_].parameter);
        own_[end_++] = error ? S(1) : S(0);
        start();
        meeting_.ranks().finish();
        if (sums_.back() > 0) {
            error ? meeting_.meet(error) : static_cast<void>(meeting_.meet());
            return;
        }
        std::size_t first = 0;
        for (std::size_t k = list_.size(); k-- > 0;)
            if (Parameter<S>& parameter = *list_[k].parameter; is_dense(parameter)) {
                std::copy_n(sums_.data() + first, parameter.grad.size(), parameter.grad.data());
                first += static_cast<std::size_t>(parameter.grad.size());
            }
        for (const auto& [name, parameter] : list_)
            if (parameter->is_trained() && parameter->is_sparse())
                sum_columns(*parameter);
    }

  private:
    static bool is_dense(const Parameter<S>& parameter) { return parameter.is_trained() && !parameter.is_sparse(); }

    void send(const Parameter<S>& parameter) {
        if (!is_dense(parameter))
            return;
        std::copy_n(parameter.grad.data(), parameter.grad.size(), own_.data() + end_);
        end_ += static_cast<std::size_t>(parameter.grad.size());
        if (end_ - begin_ >= message)
            start();
    }
    void start() {
        const std::span<const S> all(own_);
        meeting_.ranks().start_sum(all.subspan(begin_, end_ - begin_), std::span(sums_).subspan(begin_, end_ - begin_));
        begin_ = end_;
    }

    void sum_columns(Parameter<S>& parameter) {
        const Index rows = parameter.grad.rows();
        std::vector<std::int64_t> columns;
        if (rows > 0)
            parameter.each_run([&](Index first, Index) { columns.push_back(first / rows); });
        RankMessage own;
        own.put(static_cast<std::int64_t>(columns.size())).put(std::span<const std::int64_t>(columns));
        for (const std::int64_t column : columns)
            own.put(std::span<const S>(parameter.grad.data() + column * rows, static_cast<std::size_t>(rows)));
        const std::vector<Bytes> all = meeting_.meet(own);
        parameter.zero_grad();
        std::vector<S> gradient(static_cast<std::size_t>(rows));
        for (const Bytes& bytes : all) {
            RankReader reader(bytes);
            columns.resize(static_cast<std::size_t>(reader.get<std::int64_t>()));
            reader.get(std::span(columns));
            for (const std::int64_t column : columns) {
                reader.get(std::span(gradient));
                parameter.grad_column(static_cast<Index>(column)) += Eigen::Map<const Vector<S>>(gradient.data(), rows);
            }
        }
    }

    RankMeeting& meeting_;
    const std::vector<NamedParameter<S>>& list_;
    std::vector<S> own_, sums_;       ///< kept from batch to batch
    std::vector<char> done_;          ///< of each parameter, whether its gradient is complete
    std::size_t left_ = 0;            ///< parameters before this one aren't sent yet
    std::size_t size_ = 0;            ///< numbers of all gradients
    std::size_t begin_ = 0, end_ = 0; ///< of the message that isn't sent yet
};

} // namespace carousel::detail
