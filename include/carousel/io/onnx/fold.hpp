// Constant folding: what exporters compute around weights and shapes, computed before anything is run.
#pragma once

#include "carousel/io/onnx/attributes.hpp"
#include "carousel/io/onnx/number.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// The axes that a Squeeze or Unsqueeze names, in the attribute or the second input that its operator set has; none:
/// not known, or left out.
inline std::optional<Dims> named_axes(const Source& source, const Node& node, const Constant* second) {
    const Attributes attributes(source, node);
    if (attributes.has("axes"))
        return attributes.integers("axes");
    const Integers* const axes = second ? std::get_if<Integers>(second) : nullptr;
    return axes && (*axes)->data.size() <= most_dimensions ? known_values((*axes)->data) : std::nullopt;
}

/// What a Slice names; dimensions that it doesn't name are left as they are.
struct SliceBounds {
    Dims starts, ends, axes, steps;
};

/// None if a bound is unknown or there are not equally many of each.
inline std::optional<SliceBounds> slice_bounds(const Source& source, const Node& node,
                                               const std::vector<const Constant*>& inputs) {
    const Attributes attributes(source, node);
    SliceBounds b;
    const auto list = [&](std::size_t k, const char* name, Dims& to) {
        if (k < inputs.size() && inputs[k]) {
            const Integers* numbers = std::get_if<Integers>(inputs[k]);
            const bool few = numbers && (*numbers)->data.size() <= most_dimensions;
            const auto values = few ? known_values((*numbers)->data) : std::nullopt;
            to = values.value_or(Dims{});
            return values.has_value();
        }
        to = attributes.integers(name);
        return true;
    };
    if (!list(1, "starts", b.starts) || !list(2, "ends", b.ends) || !list(3, "axes", b.axes) ||
        !list(4, "steps", b.steps))
        return std::nullopt;
    if (b.axes.empty())
        for (std::size_t k = 0; k < b.starts.size(); ++k)
            b.axes.push_back(static_cast<std::int64_t>(k));
    if (b.steps.empty())
        b.steps.assign(b.starts.size(), 1);
    const bool fit = b.ends.size() == b.starts.size() && b.axes.size() == b.starts.size() &&
                     b.steps.size() == b.starts.size() && b.starts.size() <= most_dimensions &&
                     std::find(b.steps.begin(), b.steps.end(), 0) == b.steps.end();
    return fit ? std::optional(b) : std::nullopt;
}

class Folder {
  public:
    using Inputs = std::vector<const Constant*>; ///< null: left out
    using Outputs = std::vector<Constant>;

    /// Both must outlive it.
    Folder(const Source& source, Budget& budget) : source_(source), budget_(budget) {}

    /// The outputs of a node whose inputs are constants; none if the operator isn't one that is folded, or if what it
    /// makes isn't known. Throws std::runtime_error if constants take too much memory.
    std::optional<Outputs> operator()(const Node& node, const Inputs& inputs) {
        const std::string_view op = node.op_type;
        const Constant* const first = inputs.empty() ? nullptr : inputs[0];
        if (op == "Constant")
            return one(constant(node));
        if (op == "Range")
            return one(range(inputs));
        if (!first)
            return std::nullopt;
        if (op == "Identity" || op == "Dropout")
            return one(*first);
        if (op == "Cast")
            return one(cast(static_cast<DataType>(
                                Attributes(source_, node).integer("to", static_cast<std::int64_t>(DataType::float32))),
                            *first));
        if (op == "CastLike")
            return inputs.size() == 2 && inputs[1] ? one(cast(type_of(*inputs[1]), *first)) : std::nullopt;
        if (op == "Shape" || op == "Size")
            return one(shape(node, *first));
        if (op == "ConstantOfShape")
            return one(constant_of_shape(node, *first));
        if (op == "Not")
            return one(binary("Equal", *first, integers({}, {Number{0}})));
        if (op == "Neg")
            return one(binary(
                "Sub", is_real(type_of(*first)) ? array(Array<double>{{}, {0}}) : integers({}, {Number{0}}), *first));
        if (op == "Sum")
            return one(sum(inputs));
        if (op == "Where" && inputs.size() == 3 && inputs[1] && inputs[2])
            return one(where(*first, *inputs[1], *inputs[2]));
        if (op == "Split")
            return split(node, inputs);
        if (op == "Concat")
            return one(concat(node, inputs));
        if (op == "Expand" && inputs.size() == 2 && inputs[1])
            return one(expand(*first, *inputs[1]));
        if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div" || op == "Equal" || op == "Min" || op == "Max")
            return inputs.size() == 2 && inputs[1] ? one(binary(op, *first, *inputs[1])) : std::nullopt;
        if (const Repeated* repeated = std::get_if<Repeated>(first)) // its shape is of no matter
            return op == "Unsqueeze" || op == "Squeeze" || op == "Reshape" ? one(*repeated) : std::nullopt;
        return one(reshaped(node, inputs));
    }

  private:
    static std::optional<Outputs> one(Constant c) {
        return is_known(c) ? std::optional(Outputs{std::move(c)}) : std::nullopt;
    }
    static Constant integers(Dims dims, std::vector<Number> numbers) {
        return std::make_shared<const Array<Number>>(Array<Number>{std::move(dims), std::move(numbers)});
    }
    static Constant list(std::vector<Number> numbers) {
        const Dims dims{static_cast<std::int64_t>(numbers.size())};
        return integers(dims, std::move(numbers));
    }
    template <class T>
    static Constant array(Array<T> a) {
        return std::make_shared<const Array<T>>(std::move(a));
    }

    /// f(array) of either kind; unknown for anything else.
    template <class F>
    static Constant with_array(const Constant& c, F&& f) {
        if (const Reals* reals = std::get_if<Reals>(&c))
            return f(**reals);
        if (const Integers* numbers = std::get_if<Integers>(&c))
            return f(**numbers);
        return {};
    }

    Constant constant(const Node& node) {
        const Attributes attributes(source_, node);
        if (const auto tensor = attributes.tensor("value"))
            return read_numbers(source_, *tensor, budget_);
        if (attributes.has("value_int"))
            return integers({}, {Number{attributes.integer("value_int", 0)}});
        if (attributes.has("value_float"))
            return array(Array<double>{{}, {attributes.real("value_float", 0)}});
        if (attributes.has("value_ints")) {
            std::vector<Number> numbers;
            for (const std::int64_t n : attributes.integers("value_ints"))
                numbers.push_back({n});
            return list(std::move(numbers));
        }
        if (attributes.has("value_floats")) {
            auto numbers = attributes.reals("value_floats");
            return array(Array<double>{{static_cast<std::int64_t>(numbers.size())}, std::move(numbers)});
        }
        return {};
    }

    Constant range(const Inputs& inputs) {
        std::int64_t numbers[3]{};
        for (std::size_t k = 0; k < 3; ++k) {
            const Integers* n = k < inputs.size() && inputs[k] ? std::get_if<Integers>(inputs[k]) : nullptr;
            if (!n || (*n)->data.size() != 1 || !(*n)->data[0].known)
                return {};
            numbers[k] = (*n)->data[0].value;
        }
        const auto [start, limit, step] = numbers;
        constexpr std::int64_t largest = std::int64_t(1) << 40;
        if (step == 0 || std::min({start, limit, step}) < -largest || std::max({start, limit, step}) > largest)
            return {};
        const std::int64_t distance = step > 0 ? limit - start : start - limit;
        const std::int64_t count = distance <= 0 ? 0 : (distance - 1) / std::abs(step) + 1;
        budget_.take({count}, sizeof(Number));
        std::vector<Number> all;
        for (std::int64_t k = 0; k < count; ++k)
            all.push_back({start + k * step});
        return list(std::move(all));
    }

    Constant sum(const Inputs& inputs) {
        Constant total = *inputs[0];
        for (std::size_t k = 1; k < inputs.size(); ++k)
            total = inputs[k] ? binary("Add", total, *inputs[k]) : Constant{};
        return total;
    }

    /// float32 for floats, int64 for whole numbers, whatever they were in the file.
    static DataType type_of(const Constant& c) { return is_of_floats(c) ? DataType::float32 : DataType::int64; }
    Constant cast(DataType to, const Constant& from) {
        if (raw_width(to) == 0)
            return {};
        if (const Filled* filled = std::get_if<Filled>(&from))
            return cast(to, *filled);
        if (const Integers* numbers = std::get_if<Integers>(&from)) {
            if (!is_real(to)) // to a boolean: whether it isn't zero
                return to != DataType::boolean ? from
                                               : binary("Equal", binary("Equal", from, integers({}, {Number{0}})),
                                                        integers({}, {Number{0}}));
            budget_.take((*numbers)->dims, 2 * sizeof(double));
            const auto values = known_values((*numbers)->data);
            if (!values)
                return {};
            return array(Array<double>{(*numbers)->dims, {values->begin(), values->end()}});
        }
        const Reals* reals = std::get_if<Reals>(&from);
        if (is_real(to))
            return from;
        if (!reals)
            return {};
        budget_.take((*reals)->dims, sizeof(Number));
        std::vector<Number> numbers;
        for (const double x : (*reals)->data) {
            const auto number = whole(to, x);
            if (!number)
                return {};
            numbers.push_back(*number);
        }
        return integers((*reals)->dims, std::move(numbers));
    }
    static Constant cast(DataType to, Filled filled) {
        if (is_real(to) && !filled.real) {
            if (!filled.number.known)
                return {};
            return Filled{std::move(filled.dims), true, static_cast<double>(filled.number.value), {}};
        }
        if (!is_real(to) && filled.real) {
            const auto number = whole(to, filled.value);
            return number ? Filled{std::move(filled.dims), false, 0, *number} : Constant{};
        }
        if (to == DataType::boolean)
            filled.number = arithmetic("Equal", arithmetic("Equal", filled.number, {0}), {0});
        return filled;
    }
    /// A float as a number of that type; none if it is too large.
    static std::optional<Number> whole(DataType to, double x) {
        if (!(std::abs(x) < 9e18))
            return std::nullopt;
        return Number{to == DataType::boolean ? x != 0 : static_cast<std::int64_t>(x)};
    }

    Constant shape(const Node& node, const Constant& of) {
        std::vector<Number> dims;
        if (const Filled* filled = std::get_if<Filled>(&of))
            dims = filled->dims;
        else if (!std::holds_alternative<Repeated>(of))
            with_array(of, [&](const auto& a) -> Constant {
                for (const std::int64_t dim : a.dims)
                    dims.push_back({dim});
                return {};
            });
        else
            return {};
        return shape_numbers(node, dims);
    }

  public:
    /// What Shape or Size gives for these dimensions.
    Constant shape_numbers(const Node& node, const std::vector<Number>& dims) {
        if (node.op_type == "Size") {
            Number size{1};
            for (const Number dim : dims)
                size = arithmetic("Mul", size, dim);
            return integers({}, {size});
        }
        const Attributes attributes(source_, node);
        const auto rank = static_cast<std::int64_t>(dims.size());
        const auto [first, count] =
            slice_range(rank, attributes.integer("start", 0), attributes.integer("end", rank), 1);
        const auto begin = dims.begin() + static_cast<std::ptrdiff_t>(first);
        return list({begin, begin + static_cast<std::ptrdiff_t>(count)});
    }

  private:
    // fold_arrays.hpp
    Constant constant_of_shape(const Node& node, const Constant& dims);
    Constant few(const Filled& filled);
    Constant expand(const Constant& from, const Constant& shape);
    Constant concat(const Node& node, const Inputs& inputs);
    std::optional<Outputs> split(const Node& node, const Inputs& inputs);
    Constant binary(std::string_view op, const Constant& a, const Constant& b);
    Constant where(const Constant& condition, const Constant& yes, const Constant& no);

    // fold_shapes.hpp
    Constant reshaped(const Node& node, const Inputs& inputs);

    const Source& source_;
    Budget& budget_;
};

} // namespace carousel::detail::onnx

#include "carousel/io/onnx/fold_arrays.hpp"
#include "carousel/io/onnx/fold_shapes.hpp"
