// The attributes of a node, looked up by name.
#pragma once

#include "carousel/core/bit_cast.hpp"
#include "carousel/io/onnx/read_graph.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

class Attributes {
  public:
    /// Both must outlive it.
    Attributes(const Source& source, const Node& node) : source_(source), node_(node) {}

    bool has(std::string_view name) const { return find(name) != nullptr; }

    std::int64_t integer(std::string_view name, std::int64_t otherwise) const {
        each(name, field::attribute_i, [&](const WireReader& value) { otherwise = value.integer(); });
        return otherwise;
    }
    double real(std::string_view name, double otherwise) const {
        each(name, field::attribute_f, [&](const WireReader& value) { otherwise = to_float(value.number()); });
        return otherwise;
    }
    std::string_view text(std::string_view name, std::string_view otherwise) const {
        each(name, field::attribute_s, [&](const WireReader& value) { otherwise = value.text(); });
        return otherwise;
    }
    std::vector<std::int64_t> integers(std::string_view name) const {
        std::vector<std::int64_t> all;
        each(name, field::attribute_ints, [&](const WireReader& value) {
            value.each_number(0, [&](std::uint64_t n) { all.push_back(static_cast<std::int64_t>(n)); });
        });
        return all;
    }
    std::vector<double> reals(std::string_view name) const {
        std::vector<double> all;
        each(name, field::attribute_floats, [&](const WireReader& value) {
            value.each_number(4, [&](std::uint64_t n) { all.push_back(to_float(n)); });
        });
        return all;
    }
    std::vector<std::string_view> texts(std::string_view name) const {
        std::vector<std::string_view> all;
        each(name, field::attribute_strings, [&](const WireReader& value) { all.push_back(value.text()); });
        return all;
    }
    std::optional<Tensor> tensor(std::string_view name) const {
        std::optional<Tensor> found;
        each(name, field::attribute_t, [&](const WireReader& value) { found = read_tensor(source_, value.bytes()); });
        return found;
    }

    /// f(bytes of the graph) for each attribute that is one: the branches of an If, the body of a Loop.
    template <class F>
    void each_graph(F&& f) const {
        for (const Attribute& attribute : node_.attributes)
            each(attribute, field::attribute_g, [&](const WireReader& value) { f(value.bytes()); });
    }

  private:
    static double to_float(std::uint64_t bits) {
        return static_cast<double>(bit_cast<float>(static_cast<std::uint32_t>(bits)));
    }

    const Attribute* find(std::string_view name) const {
        for (const Attribute& attribute : node_.attributes)
            if (attribute.name == name)
                return &attribute;
        return nullptr;
    }

    /// f(value) for each field of that number in the attribute of that name.
    template <class F>
    void each(std::string_view name, int number, F&& f) const {
        if (const Attribute* const attribute = find(name))
            each(*attribute, number, f);
    }
    template <class F>
    void each(const Attribute& attribute, int number, F&& f) const {
        WireReader reader(source_, attribute.message, "an attribute");
        while (reader.next())
            if (reader.field() == number)
                f(reader);
    }

    const Source& source_;
    const Node& node_;
};

} // namespace carousel::detail::onnx
