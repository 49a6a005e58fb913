// require(): throws for a mistake of the caller, at the public function that was called and before anything is changed. Every
// throw and every catch of the library goes through this header, so that it compiles without exceptions, too.
#pragma once

#include "carousel/core/build.hpp"
#include "carousel/core/number_text.hpp"

#include <concepts>
#include <exception>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>

#ifdef CAROUSEL_NO_EXCEPTIONS
#    include <atomic>
#    include <cstdlib>
#endif

#ifdef CAROUSEL_NO_EXCEPTIONS
namespace carousel::shared::inline CAROUSEL_SHARED {

/// See carousel::FailureHandler.
CAROUSEL_HIDDEN inline std::atomic<void (*)(const char*)>& failure_handler() {
    static std::atomic<void (*)(const char*)> handler{nullptr};
    return handler;
}

} // namespace carousel::shared
#endif

namespace carousel::inline CAROUSEL_ABI {

#ifdef CAROUSEL_NO_EXCEPTIONS

/// Receives the message of a failure. It must not return.
using FailureHandler = void (*)(const char* message);

/// Of a build without exceptions: what is called where others throw, for all threads of the program or shared library. Without
/// one, or if it returns, the program aborts. Returns the handler before. Memory that runs out isn't reported here: operator new
/// and Eigen end the program themselves.
CAROUSEL_HIDDEN inline FailureHandler set_failure_handler(FailureHandler handler) {
    return shared::failure_handler().exchange(handler);
}

#endif

namespace detail {

/// Throws Exception(message), or Exception() if it takes none; without exceptions calls the failure handler.
template <class Exception>
[[noreturn]] void fail(const std::string& message) {
#ifdef CAROUSEL_NO_EXCEPTIONS
    if (const FailureHandler handler = shared::failure_handler().load())
        handler(message.c_str());
    std::abort();
#else
    if constexpr (std::constructible_from<Exception, const std::string&>)
        throw Exception(message);
    else
        throw Exception();
#endif
}

/// Calls f and returns what it threw, or nullptr.
template <class F>
std::exception_ptr caught(F&& f) {
#ifdef CAROUSEL_NO_EXCEPTIONS
    f();
#else
    try {
        f();
    } catch (...) {
        return std::current_exception();
    }
#endif
    return nullptr;
}

/// What an exception says.
CAROUSEL_INLINE std::string what_of(const std::exception_ptr& error);

/// f(), but an Exception that it throws is handed to `refuse`, which throws another. Without exceptions there is none.
template <class Exception, class F, class Refuse>
auto instead_of(F&& f, [[maybe_unused]] Refuse&& refuse) {
#ifdef CAROUSEL_NO_EXCEPTIONS
    return f();
#else
    try {
        return f();
    } catch (const Exception& error) {
        refuse(error);
        throw;
    }
#endif
}

/// A part of a message, of any type: numbers as shortest() has them, anything else as a stream does. Messages are put together by
/// one function for all their types, as most programs never need one.
class MessagePart {
  public:
    MessagePart(const char* text) : value_(text), put_(put_text) {}
    template <class Part>
    MessagePart(const Part& part) : value_(&part), put_(put<Part>) {}

    void put_into(std::ostream& out) const { put_(out, value_); }

  private:
    CAROUSEL_INLINE static void put_text(std::ostream& out, const void* text);
    template <class Part>
    static void put(std::ostream& out, const void* part) {
        const Part& value = *static_cast<const Part*>(part);
        if constexpr (std::floating_point<Part>)
            out << shortest(value);
        else
            out << value;
    }

    const void* value_;
    void (*put_)(std::ostream&, const void*);
};

/// The parts one after the other.
CAROUSEL_INLINE std::string joined(const MessagePart* parts, std::size_t count);

template <class... Parts>
std::string message_of(const Parts&... parts) {
    const MessagePart list[] = {MessagePart(parts)..., ""};
    return joined(list, sizeof...(Parts));
}

/// Throws std::invalid_argument "where: parts…".
[[noreturn]] CAROUSEL_INLINE void refuse(const char* where, const MessagePart* parts, std::size_t count);

} // namespace detail

/// Throws std::invalid_argument "where: parts…" when `holds` is false; nothing is formatted when it is true.
template <class... Parts>
void require(bool holds, const char* where, const Parts&... parts) {
    if (holds) [[likely]]
        return;
    const detail::MessagePart list[] = {detail::MessagePart(parts)..., ""};
    detail::refuse(where, list, sizeof...(Parts));
}

#ifdef CAROUSEL_BODIES

namespace detail {

CAROUSEL_INLINE void MessagePart::put_text(std::ostream& out, const void* text) {
    out << static_cast<const char*>(text);
}

CAROUSEL_INLINE std::string joined(const MessagePart* parts, std::size_t count) {
    std::ostringstream message;
    message.imbue(std::locale::classic()); // no 1.000 for 1000 where std::locale::global() says so
    message.exceptions(std::ios::badbit);  // without this, what memory runs out for is left out
    for (std::size_t k = 0; k < count; ++k)
        parts[k].put_into(message);
    return message.str();
}

CAROUSEL_INLINE std::string what_of([[maybe_unused]] const std::exception_ptr& error) {
    std::string what = "an exception that isn't a std::exception";
#    ifndef CAROUSEL_NO_EXCEPTIONS
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& exception) {
        what = exception.what();
        if (what.empty())
            what = "an exception without a message";
    } catch (...) {
    }
#    endif
    return what;
}

CAROUSEL_INLINE void refuse(const char* where, const MessagePart* parts, std::size_t count) {
    fail<std::invalid_argument>(std::string(where) + ": " + joined(parts, count));
}

} // namespace detail

#endif

} // namespace carousel
