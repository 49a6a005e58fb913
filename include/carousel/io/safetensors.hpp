// Safetensors: parameters as a file of named tensors, which Python's safetensors, PyTorch and NumPy read as well
// (https://github.com/huggingface/safetensors). Needs nlohmann-json, so carousel.hpp doesn't include it; in CMake,
// link carousel::safetensors.
#pragma once

#include "carousel/core/parameter.hpp"
#include "carousel/core/require.hpp"
#include "carousel/io/replace_file.hpp"
#include "carousel/optim/optimizer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace carousel {

static_assert(std::endian::native == std::endian::little && std::numeric_limits<double>::is_iec559,
              "safetensors: the numbers of a file are little-endian IEEE 754, and are not converted");

/// A tensor of a file. Any number of dimensions can be read and written; `matrix()` gives those of up to two.
struct NamedTensor {
    std::string name;
    std::vector<Index> shape;
    std::variant<std::vector<float>, std::vector<double>> numbers; ///< row-major, the last index fastest (C order)

    NamedTensor() = default;
    NamedTensor(std::string n, std::vector<Index> s, std::variant<std::vector<float>, std::vector<double>> values)
        : name(std::move(n)), shape(std::move(s)), numbers(std::move(values)) {}
    /// Of an Eigen matrix: shape [rows, columns], or [n] where the type is a vector's.
    template <class Derived>
    NamedTensor(std::string n, const Eigen::MatrixBase<Derived>& values)
        : name(std::move(n)), shape{values.rows(), values.cols()} {
        using S = typename Derived::Scalar;
        if constexpr (Derived::IsVectorAtCompileTime)
            shape = {values.size()};
        std::vector<S> row_major(static_cast<std::size_t>(values.size()));
        Eigen::Map<RowMajor<S>>(row_major.data(), values.rows(), values.cols()) = values;
        numbers = std::move(row_major);
    }

    /// As the file names it: F32 or F64.
    const char* dtype() const { return numbers.index() == 0 ? "F32" : "F64"; }

    /// Shape [rows, columns] as that matrix, [n] as n × 1, [] as 1 × 1. Throws std::invalid_argument if the numbers are
    /// of another type or count, or there are more dimensions.
    template <std::floating_point S>
    Matrix<S> matrix() const {
        const auto* const values = std::get_if<std::vector<S>>(&numbers);
        require(values && shape.size() <= 2, "NamedTensor::matrix", "\"", name, "\" is of type ", dtype(), " with ",
                shape.size(), " dimensions, expected ", sizeof(S) == 4 ? "F32" : "F64", " and at most 2");
        const Index rows = shape.empty() ? 1 : shape[0], cols = shape.size() < 2 ? 1 : shape[1];
        require(rows >= 0 && cols >= 0 && static_cast<Index>(values->size()) == rows * cols, "NamedTensor::matrix",
                "\"", name, "\" has ", values->size(), " numbers, expected ", rows, " × ", cols);
        return Eigen::Map<const RowMajor<S>>(values->data(), rows, cols);
    }

  private:
    template <class S>
    using RowMajor = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
};

/// What a file says besides its numbers: a vocabulary, sizes, a date; UTF-8.
using Metadata = std::map<std::string, std::string>;

/// A whole file.
struct Safetensors {
    std::vector<NamedTensor> tensors; ///< in the order of their numbers in the file
    Metadata metadata;

    /// Null if there is none of this name.
    const NamedTensor* find(std::string_view name) const {
        const auto found =
            std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& t) { return t.name == name; });
        return found == tensors.end() ? nullptr : &*found;
    }
};

namespace detail {

inline constexpr std::uint64_t largest_safetensors_header = 100'000'000; // the reference's limit
inline constexpr const char* metadata_key = "__metadata__";

inline std::string shape_text(const std::vector<Index>& shape) {
    std::string text = shape.empty() ? "a single number" : "";
    for (std::size_t k = 0; k < shape.size(); ++k)
        text += (k > 0 ? " × " : "") + std::to_string(shape[k]);
    return text;
}

inline bool fits(const std::vector<Index>& shape, Index numbers) {
    double product = 1; // which can't overflow, and is exact where it isn't larger than memory
    for (const Index n : shape)
        product *= n < 0 ? std::numeric_limits<double>::infinity() : static_cast<double>(n);
    return product == static_cast<double>(numbers);
}

/// Reads one file; what is wrong with it is said with the function that was called and the path.
class SafetensorsReader {
  public:
    SafetensorsReader(const char* where, std::filesystem::path path) : where_(where), path_(std::move(path)) {}

    /// Throws std::runtime_error "where: path: parts…" when `holds` is false.
    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        if (holds)
            return;
        std::ostringstream message;
        message << where_ << ": " << path_.string() << ": ";
        (message << ... << parts);
        throw std::runtime_error(message.str());
    }

    Safetensors read() const {
        std::error_code error;
        const bool regular = std::filesystem::is_regular_file(path_, error);
        const std::uint64_t size = regular ? std::filesystem::file_size(path_, error) : 0;
        std::ifstream file(path_, std::ios::binary);
        check(regular && !error && file, "can't be opened");

        std::uint64_t length = 0;
        check(size >= sizeof length, "has ", size, " bytes, expected the header's length in the first 8");
        read(file, &length, sizeof length);
        check(length <= largest_safetensors_header, "the header is said to have ", length, " bytes, expected at most ",
              largest_safetensors_header);
        check(length <= size - sizeof length, "the header is said to have ", length, " bytes, the file has ",
              size - sizeof length, " after the first 8");
        std::string text(length, '\0');
        read(file, text.data(), length);

        Safetensors result;
        for (const Entry& entry : entries(parse(text), size - sizeof length - length, result.metadata)) {
            NamedTensor tensor{entry.name, entry.shape, {}};
            if (entry.number_size == sizeof(double))
                tensor.numbers = std::vector<double>();
            std::visit(
                [&](auto& numbers) {
                    numbers.resize((entry.end - entry.begin) / entry.number_size);
                    read(file, numbers.data(), entry.end - entry.begin);
                },
                tensor.numbers);
            result.tensors.push_back(std::move(tensor));
        }
        return result;
    }

  private:
    using Json = nlohmann::json;

    struct Entry {
        std::string name;
        std::vector<Index> shape;
        std::uint64_t number_size, begin, end;
    };

    void read(std::ifstream& file, void* to, std::uint64_t bytes) const {
        file.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
        check(static_cast<bool>(file), "can't be read");
    }

    /// The header: JSON by the library, but for what it lets pass: the same name twice, of which it keeps the last, and
    /// a zero byte, which it takes for the end. Deep nesting, which has no meaning here, would cost memory.
    Json parse(const std::string& text) const {
        check(text.starts_with('{'), "the header doesn't begin with {");
        std::vector<std::set<std::string>> names; // of the objects that are open
        const auto callback = [&](int depth, Json::parse_event_t event, Json& parsed) {
            using Event = Json::parse_event_t;
            if (event == Event::object_start || event == Event::array_start)
                check(depth < 3, "the header is nested too deeply");
            if (event == Event::object_start)
                names.emplace_back();
            else if (event == Event::object_end)
                names.pop_back();
            else if (event == Event::key)
                check(names.back().insert(parsed.get<std::string>()).second, parsed, " is twice in the header");
            return true;
        };
        const std::size_t zero = text.find('\0');
        check(zero == std::string::npos, "the header isn't JSON: byte ", zero + 1, " is wrong");
        try {
            return Json::parse(text, callback);
        } catch (const Json::parse_error& error) {
            check(false, "the header isn't JSON: byte ", error.byte, " is wrong");
            throw;
        } catch (const Json::out_of_range&) {
            check(false, "the header has a number that is too large");
            throw;
        }
    }

    /// The tensors in the order of their numbers, which must fill the `size` bytes after the header without a hole.
    std::vector<Entry> entries(const Json& header, std::uint64_t size, Metadata& metadata) const {
        std::vector<Entry> list;
        for (const auto& [name, info] : header.items())
            if (name == metadata_key)
                metadata = strings(info);
            else
                list.push_back(entry(name, info, size));
        std::stable_sort(list.begin(), list.end(), [](const Entry& a, const Entry& b) {
            return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
        });
        std::uint64_t end = 0;
        for (const Entry& one : list) {
            check(one.begin == end, "the data of \"", one.name, "\" begins at byte ", one.begin, ", expected ", end,
                  ", where the data before it ends");
            end = one.end;
        }
        check(end == size, "the header speaks of ", end, " bytes of data, there are ", size);
        return list;
    }

    Metadata strings(const Json& info) const {
        Metadata metadata;
        check(info.is_object(), metadata_key, " is no object of strings");
        for (const auto& [key, value] : info.items()) {
            check(value.is_string(), metadata_key, " has \"", key, "\", which is no string");
            metadata[key] = value.get<std::string>();
        }
        return metadata;
    }

    Entry entry(const std::string& name, const Json& info, std::uint64_t size) const {
        const auto whole = [](const Json& numbers) {
            return numbers.is_array() &&
                   std::all_of(numbers.begin(), numbers.end(), [](const Json& n) { return n.is_number_unsigned(); });
        };
        check(info.is_object() && info.contains("dtype") && info["dtype"].is_string(), "\"", name, "\" has no dtype");
        check(info.contains("shape") && whole(info["shape"]), "\"", name, "\" has no shape of whole numbers");
        check(info.contains("data_offsets") && whole(info["data_offsets"]) && info["data_offsets"].size() == 2, "\"",
              name, "\" has no data_offsets of two whole numbers");
        const std::string dtype = info["dtype"];
        check(dtype == "F32" || dtype == "F64", "\"", name, "\" is of type ", dtype, ", expected F32 or F64");

        Entry result{name, {}, dtype == "F32" ? 4U : 8U, info["data_offsets"][0], info["data_offsets"][1]};
        constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<Index>::max());
        std::uint64_t bytes = result.number_size;
        for (const std::uint64_t n : info["shape"]) {
            check(n <= largest && (n == 0 || bytes <= largest / n), "\"", name, "\" has shape ", info["shape"],
                  ", which is more than memory can be");
            bytes *= n;
            result.shape.push_back(static_cast<Index>(n));
        }
        const auto [begin, end] = std::pair(result.begin, result.end);
        check(begin <= end && end <= size, "\"", name, "\" has data_offsets [", begin, ", ", end,
              "], expected begin <= end <= ", size);
        check(end - begin == bytes, "\"", name, "\" has ", end - begin, " bytes of data, expected ", bytes,
              " for shape ", info["shape"], " of ", dtype);
        return result;
    }

    const char* where_;
    std::filesystem::path path_;
};

inline void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                              const Metadata& metadata, const char* where) {
    using Json = nlohmann::json;
    const auto bytes = [](const NamedTensor& tensor) {
        return std::visit([](const auto& numbers) { return std::as_bytes(std::span(numbers)); }, tensor.numbers);
    };
    std::vector<const NamedTensor*> order; // double before float, so that each is aligned to its size
    for (const NamedTensor& tensor : tensors)
        order.push_back(&tensor);
    std::stable_sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
        return a->numbers.index() > b->numbers.index();
    });

    Json header = Json::object();
    if (!metadata.empty())
        header[metadata_key] = metadata;
    std::vector<std::span<const std::byte>> parts(2);
    std::size_t end = 0;
    for (const NamedTensor* const tensor : order) {
        const std::size_t begin = end;
        parts.push_back(bytes(*tensor));
        end += parts.back().size();
        const Index numbers = static_cast<Index>(parts.back().size()) / (tensor->numbers.index() == 0 ? 4 : 8);
        require(fits(tensor->shape, numbers), where, "\"", tensor->name, "\" has ", numbers,
                " numbers, which don't fit its shape, ", shape_text(tensor->shape));
        require(tensor->name != metadata_key, where, "no tensor can have the name ", metadata_key);
        require(!header.contains(tensor->name), where, "\"", tensor->name, "\" is there twice");
        header[tensor->name] = {{"dtype", tensor->dtype()}, {"shape", tensor->shape}, {"data_offsets", {begin, end}}};
    }
    std::string text;
    try {
        text = header.dump();
    } catch (const Json::type_error&) {
        require(false, where, "a name or the metadata isn't UTF-8");
    }
    text.resize((text.size() + 7) / 8 * 8, ' '); // so that the numbers are aligned in the file
    const std::uint64_t length = text.size();
    require(length <= largest_safetensors_header, where, "the header has ", length, " bytes, expected at most ",
            largest_safetensors_header);
    parts[0] = std::as_bytes(std::span(&length, 1));
    parts[1] = std::as_bytes(std::span(text));
    replace_file(path, parts, where);
}

/// A file being matched with a model: everything the model has must be there, and nothing else.
class SafetensorsMatch {
  public:
    explicit SafetensorsMatch(const std::filesystem::path& path)
        : reader_("load_safetensors", path), file_(reader_.read()) {}

    /// Throws std::runtime_error unless the file has it with this type and shape.
    template <class S>
    const NamedTensor& expect(const std::string& name, const std::vector<Index>& shape) {
        const NamedTensor* const tensor = file_.find(name);
        reader_.check(tensor != nullptr, "\"", name, "\" is missing");
        const char* const dtype = sizeof(S) == 4 ? "F32" : "F64";
        reader_.check(tensor->dtype() == std::string_view(dtype), "\"", name, "\" is of type ", tensor->dtype(),
                      ", expected ", dtype);
        reader_.check(tensor->shape == shape, "\"", name, "\" is ", shape_text(tensor->shape), ", expected ",
                      shape_text(shape));
        expected_.insert(name);
        return *tensor;
    }

    /// Throws std::runtime_error if there is more than was expected.
    void expect_no_more(bool but_an_optimizer) const {
        for (const NamedTensor& tensor : file_.tensors)
            reader_.check(expected_.contains(tensor.name) ||
                              (but_an_optimizer && tensor.name.starts_with(optimizer_prefix)),
                          "\"", tensor.name, "\" is not in the model");
    }

    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        reader_.check(holds, parts...);
    }
    const Metadata& metadata() const { return file_.metadata; }

    static constexpr const char* optimizer_prefix = "optimizer.";

  private:
    SafetensorsReader reader_;
    Safetensors file_;
    std::set<std::string> expected_;
};

/// A bias, "b" in every layer, is a vector; everything else is a matrix, also where it has one column.
template <class S>
std::vector<Index> shape_in_file(const NamedParameter<S>& named) {
    const Matrix<S>& value = named.parameter->value;
    const bool bias = (named.name == "b" || named.name.ends_with(".b")) && value.cols() == 1;
    return bias ? std::vector<Index>{value.rows()} : std::vector<Index>{value.rows(), value.cols()};
}

template <class S>
std::vector<NamedTensor> tensors_of(const std::vector<NamedParameter<S>>& parameters) {
    std::vector<NamedTensor> tensors;
    for (const auto& named : parameters) {
        tensors.emplace_back(named.name, named.parameter->value);
        tensors.back().shape = shape_in_file(named);
    }
    return tensors;
}

template <class S>
std::vector<const NamedTensor*> expect_all(SafetensorsMatch& file, const std::vector<NamedParameter<S>>& parameters) {
    std::vector<const NamedTensor*> tensors;
    for (const auto& named : parameters)
        tensors.push_back(&file.expect<S>(named.name, shape_in_file(named)));
    return tensors;
}

template <class S>
void assign(const std::vector<NamedParameter<S>>& parameters, const std::vector<const NamedTensor*>& tensors) {
    for (std::size_t k = 0; k < parameters.size(); ++k)
        parameters[k].parameter->value = tensors[k]->template matrix<S>();
}

/// The k-th moment of a parameter.
inline std::string moment_name(const std::string& parameter, Index k) {
    return SafetensorsMatch::optimizer_prefix + parameter + "." + std::to_string(k);
}
inline const std::string steps_name = std::string(SafetensorsMatch::optimizer_prefix) + "steps";

/// parameters() of a model that is only to be read: each_parameter isn't const, as it hands out what can be changed.
template <class Model>
auto parameters_to_read(const Model& model) {
    return parameters(const_cast<Model&>(model));
}

} // namespace detail

/// A file, whatever it was made for. Throws std::runtime_error "read_safetensors: path: …" if it can't be read or isn't
/// a valid safetensors file of float32 and float64 tensors. The limits are the reference's: a header of at most 100 MB,
/// tensors that fill the rest of the file without holes, no name twice.
inline Safetensors read_safetensors(const std::filesystem::path& path) {
    return detail::SafetensorsReader("read_safetensors", path).read();
}

/// Throws std::invalid_argument if the tensors' names aren't different, "__metadata__" is among them, a shape doesn't
/// fit its numbers, or a text isn't UTF-8; std::runtime_error if the file can't be written, the old one then being
/// whole (replace_file).
inline void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                              const Metadata& metadata = {}) {
    detail::write_safetensors(path, tensors, metadata, "write_safetensors");
}

/// Saves every parameter of a model under its name ("0.LSTM.W"), as float32 or float64, whichever the model has. In
/// Python
///
///     W = safetensors.torch.load_file("model.safetensors")["0.LSTM.W"]      # shape (4H, I)
///
/// has the shape this library's documentation gives it: rows × columns, W of an LSTM of one feature too (4H, 1); biases,
/// named b, are vectors (4H,). The file is replaced as a whole: after a crash it is the old or the new one.
/// Throws as write_safetensors does.
template <class S>
void save_safetensors(const std::filesystem::path& path, const std::vector<NamedParameter<S>>& parameters,
                      const Metadata& metadata = {}) {
    detail::write_safetensors(path, detail::tensors_of(parameters), metadata, "save_safetensors");
}

template <class Model>
requires requires {
    typename Model::Scalar;
}
void save_safetensors(const std::filesystem::path& path, const Model& model, const Metadata& metadata = {}) {
    save_safetensors(path, detail::parameters_to_read(model), metadata);
}

/// Saves with the model what an optimizer remembers, so that training goes on from the file as if it had never stopped:
/// its moments as "optimizer.<parameter>.<k>", in the parameter's shape, and the number of its steps. The rule and its
/// settings are the program's; so are the order of the batches, the schedule's place and the masks of Dropout.
template <class Model, OptimizerRule Rule, class S>
void save_safetensors(const std::filesystem::path& path, const Model& model, const Optimizer<Rule, S>& optimizer,
                      const Metadata& metadata = {}) {
    std::vector<NamedTensor> tensors = detail::tensors_of(detail::parameters_to_read(model));
    const OptimizerState<S>& state = optimizer.state();
    for (std::size_t i = 0; i < state.moments.size(); ++i) {
        const auto& named = optimizer.parameters()[i];
        const Matrix<S>& value = named.parameter->value;
        for (Index k = 0; k < state.moments[i].cols(); ++k) {
            tensors.emplace_back(detail::moment_name(named.name, k),
                                 state.moments[i].col(k).reshaped(value.rows(), value.cols()));
            tensors.back().shape = detail::shape_in_file(named);
        }
    }
    tensors.emplace_back(detail::steps_name, std::vector<Index>{},
                         std::vector<double>{static_cast<double>(state.steps)});
    detail::write_safetensors(path, tensors, metadata, "save_safetensors");
}

/// Loads what save_safetensors saved, with or without an optimizer (which is passed over), into a model of the same
/// layers, sizes and precision; returns the metadata. Throws std::runtime_error "load_safetensors: path: …", naming the
/// first parameter that is missing, differs in type or shape, or is in the file and not in the model, or what else is
/// wrong with the file; the model is as it was then.
template <class S>
Metadata load_safetensors(const std::filesystem::path& path, const std::vector<NamedParameter<S>>& parameters) {
    detail::SafetensorsMatch file(path);
    const auto tensors = detail::expect_all(file, parameters);
    file.expect_no_more(true);
    detail::assign(parameters, tensors);
    return file.metadata();
}

template <class Model>
requires requires {
    typename Model::Scalar;
}
Metadata load_safetensors(const std::filesystem::path& path, Model& model) {
    return load_safetensors(path, parameters(model));
}

/// Loads a model and what the optimizer of its parameters remembers: both or, throwing as above, neither.
template <class Model, OptimizerRule Rule, class S>
Metadata load_safetensors(const std::filesystem::path& path, Model& model, Optimizer<Rule, S>& optimizer) {
    detail::SafetensorsMatch file(path);
    const auto list = parameters(model);
    const auto tensors = detail::expect_all(file, list);
    OptimizerState<S> state = optimizer.state();
    for (std::size_t i = 0; i < state.moments.size(); ++i) {
        const auto& named = optimizer.parameters()[i];
        for (Index k = 0; k < state.moments[i].cols(); ++k)
            state.moments[i].col(k) = file.expect<S>(detail::moment_name(named.name, k), detail::shape_in_file(named))
                                          .template matrix<S>()
                                          .reshaped();
    }
    const double steps = file.expect<double>(detail::steps_name, {}).template matrix<double>()(0, 0);
    file.check(steps >= 0 && steps <= 0x1p53 && steps == std::floor(steps), "\"", detail::steps_name, "\" is ", steps,
               ", expected a whole number >= 0");
    state.steps = static_cast<Index>(steps);
    file.expect_no_more(false);
    optimizer.set_state(std::move(state));
    detail::assign(list, tensors);
    return file.metadata();
}

} // namespace carousel
