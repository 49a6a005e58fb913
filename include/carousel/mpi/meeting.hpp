// RankMeeting: an exchange of messages at which a rank that has failed is noticed by all.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/mpi/message.hpp"
#include "carousel/mpi/ranks.hpp"

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// The meetings of one call of fit.
class RankMeeting {
  public:
    explicit RankMeeting(const Ranks& ranks) : ranks_(ranks) {}

    const Ranks& ranks() const { return ranks_; }

    /// The message of each rank. Throws RankFailure, on all, if one has come with an error instead.
    std::vector<Bytes> meet(const RankMessage& own = {}) { return meet(own, nullptr); }
    /// The same for this rank's part in it when an error keeps it from going on.
    void meet(const std::exception_ptr& error) { meet({}, error); }

    /// f(), and if that throws, meets the others with it.
    template <class F>
    void run(F&& f) {
        failed_ = false;
        const std::exception_ptr error = caught(f);
        if (error && failed_)
            std::rethrow_exception(error);
        if (error)
            meet(error);
    }

    /// Throws RankFailure, where all ranks do.
    [[noreturn]] void refuse(const std::string& message) {
        failed_ = true;
        fail<RankFailure>(message);
    }

  private:
    std::vector<Bytes> meet(const RankMessage& own, const std::exception_ptr& error) {
        RankMessage message;
        message.put<char>(error ? 1 : 0);
        error ? message.put(what_of(error)) : message.put(std::span<const std::byte>(own.bytes()));
        std::vector<Bytes> all = ranks_.gather(message.bytes());
        std::vector<std::string> texts(all.size());
        std::size_t failing = 0, first = all.size();
        for (std::size_t r = 0; r < all.size(); ++r) {
            RankReader reader(all[r]);
            if (reader.get<char>() == 0)
                continue;
            texts[r] = reader.text();
            ++failing;
            first = std::min(first, r);
        }
        if (failing > 0) {
            const bool alike = failing == all.size() && std::all_of(texts.begin(), texts.end(), [&](const auto& text) {
                                   return text == texts.front();
                               });
            refuse(alike ? texts.front() : rank_text(static_cast<Index>(first), ranks_.size(), texts[first]));
        }
        for (Bytes& bytes : all)
            bytes.erase(bytes.begin());
        return all;
    }

    const Ranks& ranks_;
    bool failed_ = false;
};

} // namespace carousel::detail
