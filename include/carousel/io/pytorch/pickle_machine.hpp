// PickleMachine: the stack machine that a pickle is a program of (https://docs.python.org/3/library/pickletools.html has
// the opcodes), without the opcodes of its memory and those that name or make objects.
#pragma once

#include "carousel/core/bit_cast.hpp"
#include "carousel/io/byte_source.hpp"
#include "carousel/io/pytorch/pickle.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Time and memory are linear in the bytes read.
class PickleMachine {
  protected:
    /// `what` is what messages call the pickle. `bytes` may go on after its end.
    PickleMachine(const Input& input, std::string what, std::span<const std::byte> bytes)
        : input_(input), what_(std::move(what)), pickle_{bytes, {}, {}, {}, {}, {}} {
        check(bytes.size() <= std::numeric_limits<std::uint32_t>::max(), "more than 4 GB are not read");
    }

    /// Throws std::runtime_error "where: source: what: byte n: parts…" when `holds` is false.
    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        input_.check(holds, what_, ": byte ", opcode_at_, ": ", parts...);
    }

    std::size_t at() const { return at_; }
    std::uint8_t opcode() {
        opcode_at_ = at_;
        return number<std::uint8_t>();
    }

    std::span<const std::byte> take(std::uint64_t count) {
        check(count <= pickle_.bytes.size() - at_, "it ends within an operation");
        const auto part = pickle_.bytes.subspan(at_, static_cast<std::size_t>(count));
        at_ += static_cast<std::size_t>(count);
        return part;
    }
    /// Little-endian.
    template <class Number>
    Number number() {
        std::uint64_t bits = 0;
        const auto bytes = take(sizeof(Number));
        for (std::size_t k = 0; k < bytes.size(); ++k)
            bits |= std::to_integer<std::uint64_t>(bytes[k]) << (8 * k);
        return static_cast<Number>(bits);
    }
    PickleText text(std::uint64_t size) {
        const auto first = static_cast<std::uint32_t>(at_);
        return {first, static_cast<std::uint32_t>(take(size).size())};
    }
    PickleText line() {
        const auto rest = pickle_.bytes.subspan(at_);
        const auto end = std::find(rest.begin(), rest.end(), std::byte{'\n'});
        check(end != rest.end(), "it ends within a name");
        const PickleText result = text(static_cast<std::uint64_t>(end - rest.begin()));
        take(1);
        return result;
    }

    template <class Value>
    void push(Value value) {
        check(stack_.size() < most_open, "more than ", most_open, " values wait to be used");
        stack_.push_back(value);
    }
    PickleValue pop() {
        check(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "it takes a value where there is none");
        const PickleValue value = stack_.back();
        stack_.pop_back();
        return value;
    }
    /// The values since the last mark, which stay on the stack.
    std::span<const PickleValue> since_mark() {
        check(!marks_.empty(), "it goes back to a mark that isn't there");
        return std::span(stack_).subspan(marks_.back());
    }
    void drop_to_mark() {
        stack_.resize(marks_.back());
        marks_.pop_back();
    }

    PickleTuple tuple(std::span<const PickleValue> values) {
        const PickleTuple result{static_cast<std::uint32_t>(pickle_.items.size()),
                                 static_cast<std::uint32_t>(values.size())};
        pickle_.items.insert(pickle_.items.end(), values.begin(), values.end());
        return result;
    }
    std::uint32_t container(std::span<const PickleValue> values = {}) {
        pickle_.containers.emplace_back(values.begin(), values.end());
        return static_cast<std::uint32_t>(pickle_.containers.size() - 1);
    }

    // Each of these does the opcode, or returns false if it isn't one of its.

    bool put_constant(std::uint8_t opcode) {
        switch (opcode) {
        case 0x80: { // PROTO
            const auto version = number<std::uint8_t>();
            check(version >= 2 && version <= 5, "its protocol is ", int{version}, ", expected 2 ... 5");
            return true;
        }
        case 0x95: // FRAME
            take(8);
            return true;
        case 'N':
            push(PickleNone{});
            return true;
        case 0x88: // NEWTRUE
            push(true);
            return true;
        case 0x89: // NEWFALSE
            push(false);
            return true;
        case 'K': // BININT1
            push(std::int64_t{number<std::uint8_t>()});
            return true;
        case 'M': // BININT2
            push(std::int64_t{number<std::uint16_t>()});
            return true;
        case 'J': // BININT
            push(std::int64_t{number<std::int32_t>()});
            return true;
        case 0x8a: // LONG1
            put_integer(number<std::uint8_t>());
            return true;
        case 0x8b: // LONG4
            put_integer(number<std::uint32_t>());
            return true;
        case 'G': { // BINFLOAT, which is big-endian
            std::uint64_t bits = 0;
            for (const std::byte byte : take(8))
                bits = bits << 8 | std::to_integer<std::uint64_t>(byte);
            push(bit_cast<double>(bits));
            return true;
        }
        case 0x8c: // SHORT_BINUNICODE
        case 'U':  // SHORT_BINSTRING
        case 'C':  // SHORT_BINBYTES
            push(text(number<std::uint8_t>()));
            return true;
        case 'X': // BINUNICODE
        case 'T': // BINSTRING
        case 'B': // BINBYTES
            push(text(number<std::uint32_t>()));
            return true;
        case 0x8d: // BINUNICODE8
        case 0x8e: // BINBYTES8
        case 0x96: // BYTEARRAY8
            push(text(number<std::uint64_t>()));
            return true;
        default:
            return false;
        }
    }

    void put_integer(std::uint64_t size) {
        const PickleText digits = text(size);
        if (size > 8)
            return push(PickleBigInteger{digits.first, digits.size});
        std::uint64_t bits = 0;
        for (std::uint64_t k = 0; k < size; ++k)
            bits |= std::to_integer<std::uint64_t>(pickle_.bytes[digits.first + k]) << (8 * k);
        if (size > 0 && size < 8 && (bits >> (8 * size - 1)) != 0)
            bits |= ~std::uint64_t(0) << (8 * size); // two's complement
        push(static_cast<std::int64_t>(bits));
    }

    /// Of the stack, too.
    bool put_container(std::uint8_t opcode) {
        switch (opcode) {
        case '(': // MARK
            check(marks_.size() < most_open, "more than ", most_open, " marks wait to be used");
            marks_.push_back(stack_.size());
            return true;
        case ')': // EMPTY_TUPLE
            push(PickleTuple{0, 0});
            return true;
        case 0x85:   // TUPLE1
        case 0x86:   // TUPLE2
        case 0x87: { // TUPLE3
            std::array<PickleValue, 3> values;
            const std::size_t size = opcode - 0x84U;
            for (std::size_t k = size; k-- > 0;)
                values[k] = pop();
            push(tuple(std::span(values).first(size)));
            return true;
        }
        case 't':    // TUPLE
        case 'l':    // LIST
        case 'd':    // DICT
        case 0x91: { // FROZENSET
            const auto values = since_mark();
            check(opcode != 'd' || values.size() % 2 == 0, "a dictionary has a key without a value");
            const PickleValue made = opcode == 't'   ? PickleValue(tuple(values))
                                     : opcode == 'd' ? PickleValue(PickleDictionary{container(values)})
                                                     : PickleValue(PickleList{container(values)});
            drop_to_mark();
            push(made);
            return true;
        }
        case ']':  // EMPTY_LIST
        case 0x8f: // EMPTY_SET
            push(PickleList{container()});
            return true;
        case '}': // EMPTY_DICT
            push(PickleDictionary{container()});
            return true;
        case '0': // POP
            if (!marks_.empty() && stack_.size() == marks_.back())
                marks_.pop_back();
            else
                pop();
            return true;
        case '1': // POP_MARK
            since_mark();
            drop_to_mark();
            return true;
        case '2': { // DUP
            const PickleValue value = pop();
            push(value);
            push(value);
            return true;
        }
        case 'a': { // APPEND
            const PickleValue value = pop();
            append(std::span(&value, 1), false);
            return true;
        }
        case 's': { // SETITEM
            std::array<PickleValue, 2> entry;
            entry[1] = pop();
            entry[0] = pop();
            append(entry, true);
            return true;
        }
        case 'e':   // APPENDS
        case 0x90:  // ADDITEMS
        case 'u': { // SETITEMS
            const auto values = since_mark();
            const std::size_t first = marks_.back();
            marks_.pop_back();
            check(first > (marks_.empty() ? 0 : marks_.back()), "it adds to a container that isn't there");
            add(stack_[first - 1], values, opcode == 'u');
            stack_.resize(first);
            return true;
        }
        default:
            return false;
        }
    }

    void append(std::span<const PickleValue> values, bool dictionary) {
        const PickleValue to = pop();
        push(to);
        add(to, values, dictionary);
    }
    /// Dictionaries take keys and values in turn.
    void add(const PickleValue& to, std::span<const PickleValue> values, bool dictionary) {
        const auto* const list = std::get_if<PickleList>(&to);
        const auto* const map = std::get_if<PickleDictionary>(&to);
        check(dictionary ? map != nullptr : list != nullptr, "it adds to what is no ",
              dictionary ? "dictionary" : "list");
        check(!dictionary || values.size() % 2 == 0, "a dictionary has a key without a value");
        auto& container = pickle_.containers[dictionary ? map->id : list->id];
        container.insert(container.end(), values.begin(), values.end());
    }

  private:
    static constexpr std::size_t most_open = std::size_t(1) << 17; // Python fills its containers 1,000 values at a time

    const Input& input_;
    std::string what_;
    std::size_t at_ = 0, opcode_at_ = 0;
    std::vector<PickleValue> stack_;
    std::vector<std::size_t> marks_;

  protected:
    Pickle pickle_;
};

} // namespace carousel::detail
