// Strict JSON: what nlohmann's parser takes, but nothing twice, nothing deep and no zero byte; in time linear in the
// text. Needs nlohmann-json.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace carousel::detail {

using Json = nlohmann::json;

/// Builds the value that the parser tells of, event by event. (Json::parse with a callback looks at all members of an
/// object at each member's end, and Json::parse without one keeps the last of two members with the same name.)
class StrictJsonBuilder {
  public:
    static constexpr std::size_t most_levels = 3; // of objects and arrays in one another

    explicit StrictJsonBuilder(std::string subject) : subject_(std::move(subject)) {}

    Json value;
    std::string error; ///< what is wrong with the text; empty: nothing

    // The parser's events. Each returns whether parsing goes on.
    bool null() { return add(nullptr); }
    bool boolean(bool truth) { return add(truth); }
    bool number_integer(Json::number_integer_t number) { return add(number); }
    bool number_unsigned(Json::number_unsigned_t number) { return add(number); }
    bool number_float(Json::number_float_t number, const std::string&) { return add(number); }
    bool string(std::string& text) { return add(std::move(text)); }
    bool binary(Json::binary_t&) { return false; } // JSON has none
    bool start_object(std::size_t) { return open(Json::object()); }
    bool start_array(std::size_t) { return open(Json::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& name) {
        const auto [member, added] = open_.back()->emplace(name, nullptr);
        if (!added)
            return fail(Json(name).dump() + " is twice in " + subject_);
        member_ = &*member;
        return true;
    }
    bool parse_error(std::size_t byte, const std::string&, const Json::exception& why) {
        constexpr int out_of_range = 406;
        return fail(why.id == out_of_range ? subject_ + " has a number that is too large"
                                           : subject_ + " isn't JSON: byte " + std::to_string(byte) + " is wrong");
    }

  private:
    bool fail(std::string what) {
        error = std::move(what);
        return false;
    }

    /// Puts it where the text is, and returns where that is.
    Json* place(Json&& part) {
        if (open_.empty())
            return &(value = std::move(part));
        if (open_.back()->is_array())
            return &open_.back()->emplace_back(std::move(part));
        return &(*member_ = std::move(part));
    }
    bool add(Json part) {
        place(std::move(part));
        return true;
    }
    bool open(Json container) {
        if (open_.size() == most_levels)
            return fail(subject_ + " is nested too deeply");
        open_.push_back(place(std::move(container)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::string subject_;
    std::vector<Json*> open_; // the objects and arrays that have begun, which stay where they are until they end
    Json* member_ = nullptr;  // of the innermost open object: the one whose name was read last
};

/// The object that `text` says, or what is wrong with it, `subject` being what it calls the text: one of them is empty.
inline std::pair<Json, std::string> parse_strict_object(const std::string& text, const std::string& subject) {
    if (!text.starts_with('{'))
        return {nullptr, subject + " doesn't begin with {"};
    if (const std::size_t zero = text.find('\0'); zero != std::string::npos) // which the parser takes for the end
        return {nullptr, subject + " isn't JSON: byte " + std::to_string(zero + 1) + " is wrong"};
    StrictJsonBuilder builder(subject);
    Json::sax_parse(text, &builder);
    return {std::move(builder.value), std::move(builder.error)};
}

} // namespace carousel::detail
