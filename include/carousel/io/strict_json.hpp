// Strict JSON: what nlohmann's parser takes, but nothing twice, nothing deep and no zero byte; in time linear in the
// text. Needs nlohmann-json.
#pragma once

#include "carousel/core/require.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

using Json = nlohmann::json;

/// Appends the name of a member, and a comma before it if it isn't the first, to the text of an object that has begun. Throws
/// Json::type_error if the name isn't UTF-8.
inline void append_name(std::string& text, const std::string& name) {
    if (!text.ends_with('{'))
        text += ',';
    text += Json(name).dump() + ':';
}

/// What a reader of a text is told by the parser, with all checks that need no memory of the text. A reader derives from
/// it and keeps what it needs, so that no tree of the whole text has to exist. (A tree of nlohmann's ends the program when
/// memory runs out while it is destroyed, as its destructor allocates. A Json that is no object and no array doesn't.)
class StrictJsonReader {
  public:
    const std::string& error() const { return error_; } ///< what is wrong with the text; empty: nothing

    /// Reads the object that `text` says, until something is wrong.
    void read(const std::string& text) {
        if (!text.starts_with('{'))
            fail(subject_, " doesn't begin with {");
        else if (const std::size_t zero = text.find('\0'); zero != std::string::npos) // the parser takes it for the end
            fail(subject_, " isn't JSON: byte ", zero + 1, " is wrong");
        else
            Json::sax_parse(text, this);
    }

    // The parser's events. Each returns whether parsing goes on.
    bool null() { return single(nullptr); }
    bool boolean(bool truth) { return single(truth); }
    bool number_integer(Json::number_integer_t number) { return single(number); }
    bool number_unsigned(Json::number_unsigned_t number) { return single(number); }
    bool number_float(Json::number_float_t number, const std::string&) { return single(number); }
    bool string(std::string& text) { return single(std::move(text)); }
    bool binary(Json::binary_t&) { return false; } // JSON has none
    bool start_object(std::size_t) { return open(true); }
    bool start_array(std::size_t) { return open(false); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& name) { return member(name); }
    bool parse_error(std::size_t byte, const std::string&, const Json::exception& why) {
        constexpr int out_of_range = 406;
        return why.id == out_of_range ? fail(subject_, " has a number that is too large")
                                      : fail(subject_, " isn't JSON: byte ", byte, " is wrong");
    }

  protected:
    /// `subject` is what errors call the text.
    StrictJsonReader(std::string subject, std::size_t most_levels)
        : subject_(std::move(subject)), most_levels_(most_levels) {}
    ~StrictJsonReader() = default;

    // What a reader is told. Each returns whether parsing goes on, or fail(…).
    virtual bool single(Json value) = 0;        ///< null, a truth, a number or a text
    virtual bool begin(bool object) = 0;        ///< an object or an array; it is in level() others
    virtual bool end() = 0;                     ///< of it, in level() others again
    virtual bool member(std::string& name) = 0; ///< of an object: its value is told next

    /// The objects and arrays that have begun and not ended.
    std::size_t level() const { return level_; }

    template <class... Parts>
    bool fail(const Parts&... parts) {
        error_ = message_of(parts...);
        return false;
    }
    bool fail_twice(const std::string& name) { return fail(Json(name).dump(), " is twice in ", subject_); }

  private:
    bool open(bool object) {
        if (level_ == most_levels_)
            return fail(subject_, " is nested too deeply");
        const bool goes_on = begin(object);
        ++level_;
        return goes_on;
    }
    bool close() {
        --level_;
        return end();
    }

    std::string subject_, error_;
    std::size_t most_levels_, level_ = 0;
};

/// Builds the value that a text says. (Json::parse with a callback looks at all members of an object at each member's
/// end, and Json::parse without one keeps the last of two members with the same name.)
class StrictJsonBuilder : public StrictJsonReader {
  public:
    static constexpr std::size_t most_levels = 3; // of objects and arrays in one another, unless more are allowed

    explicit StrictJsonBuilder(std::string subject, std::size_t levels = most_levels)
        : StrictJsonReader(std::move(subject), levels) {}

    Json value;

  private:
    bool single(Json part) override {
        place(std::move(part));
        return true;
    }
    bool begin(bool object) override {
        open_.push_back(place(object ? Json::object() : Json::array()));
        return true;
    }
    bool end() override {
        open_.pop_back();
        return true;
    }
    bool member(std::string& name) override {
        const auto [member, added] = open_.back()->emplace(name, nullptr);
        if (!added)
            return fail_twice(name);
        member_ = &*member;
        return true;
    }

    /// Puts it where the text is, and returns where that is.
    Json* place(Json&& part) {
        if (open_.empty())
            return &(value = std::move(part));
        if (open_.back()->is_array())
            return &open_.back()->emplace_back(std::move(part));
        return &(*member_ = std::move(part));
    }

    std::vector<Json*> open_; // the objects and arrays that have begun, which stay where they are until they end
    Json* member_ = nullptr;  // of the innermost open object: the one whose name was read last
};

/// The object that `text` says, or what is wrong with it, `subject` being what it calls the text: one of them is empty.
inline std::pair<Json, std::string> parse_strict_object(const std::string& text, const std::string& subject,
                                                        std::size_t levels = StrictJsonBuilder::most_levels) {
    StrictJsonBuilder builder(subject, levels);
    builder.read(text);
    return {std::move(builder.value), builder.error()};
}

} // namespace carousel::detail
