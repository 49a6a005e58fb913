// Files of torch.save as tests/golden/make_pytorch.py wrote them, and broken ones made here.
#include "catch.hpp"

#include "carousel/io/pytorch_file.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>

namespace {

using namespace carousel;
using Catch::Matchers::ContainsSubstring;

const std::string folder = CAROUSEL_TEST_DATA "/pytorch/";

std::vector<double> numbers(const NamedTensor& tensor) {
    return std::visit([](const auto& values) { return std::vector<double>(values.begin(), values.end()); },
                      tensor.numbers);
}

/// name, dtype, shape, numbers
struct Expected {
    std::string dtype;
    std::vector<Index> shape;
    std::vector<double> numbers;
};

void require_tensors(const std::string& file, const std::map<std::string, Expected>& expected) {
    CAPTURE(file);
    const auto tensors = read_pytorch(folder + file);
    REQUIRE(tensors.size() == expected.size());
    for (const NamedTensor& tensor : tensors) {
        CAPTURE(tensor.name);
        REQUIRE(expected.contains(tensor.name));
        const Expected& one = expected.at(tensor.name);
        REQUIRE(tensor.dtype() == one.dtype);
        REQUIRE(tensor.shape == one.shape);
        REQUIRE(numbers(tensor) == one.numbers);
    }
}

std::vector<std::byte> bytes_of(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> content(const std::string& file) {
    std::ifstream in(folder + file, std::ios::binary);
    return bytes_of(std::string(std::istreambuf_iterator<char>(in), {}));
}

std::string error_of(const ByteSource& source) {
    try {
        read_pytorch(source);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "none";
}

// Pickles by hand.

std::string text(const std::string& value) {
    return std::string("\x8c") + static_cast<char>(value.size()) + value;
}
std::string number(std::int64_t value) {
    std::string bytes("\x8a\x08", 2);
    for (int k = 0; k < 8; ++k)
        bytes += static_cast<char>(value >> (8 * k));
    return bytes;
}
std::string tuple(std::initializer_list<std::int64_t> values) {
    std::string all = "(";
    for (const std::int64_t value : values)
        all += number(value);
    return all + "t";
}
std::string tensor(const std::string& storage, std::int64_t count, std::int64_t offset, const std::string& shape,
                   const std::string& strides, const std::string& type = "FloatStorage") {
    return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + type + "\n" + text(storage) +
           text("cpu") + number(count) + "tQ" + number(offset) + shape + strides + "\x89)tR";
}

/// A file of the old kind that holds what the pickle makes, and one storage, "s", of floats.
std::vector<std::byte> file_of(const std::string& pickle, const std::vector<float>& storage = {1, 2, 3},
                               std::int64_t count = 3) {
    const std::string begin("\x80\x02", 2);
    std::string file = begin + std::string("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 13) + begin +
                       number(1001) + "." + begin + "}." + begin + pickle + "." + begin + "]" + text("s") + "a.";
    file += number(count).substr(2);
    file.append(reinterpret_cast<const char*>(storage.data()), storage.size() * sizeof(float));
    return bytes_of(file);
}
std::vector<std::byte> file_of_tensor(const std::string& tensor) {
    return file_of("}" + text("x") + tensor + "s");
}

} // namespace

TEST_CASE("read_pytorch: every type of number, in both formats") {
    const double infinity = std::numeric_limits<double>::infinity();
    const std::map<std::string, Expected> expected{
        {"float", {"F32", {2}, {0.25, 0.5}}},
        {"double", {"F64", {2}, {0.1, 1e300}}},
        {"half", {"F32", {4}, {1.5, -65504, 0x1p-24, infinity}}},
        {"bfloat16", {"F32", {2}, {1.5, -0x1p100}}},
        {"int8", {"F32", {2}, {-128, 127}}},
        {"uint8", {"F32", {2}, {0, 255}}},
        {"int16", {"F32", {2}, {-32768, 32767}}},
        {"int32", {"F64", {2}, {-0x1p31, 0x1p31 - 1}}},
        {"int64", {"F64", {2}, {-0x1p53, 3}}},
        {"bool", {"F32", {2}, {1, 0}}},
        {"scalar", {"F32", {}, {7}}},
        {"empty", {"F32", {0, 3}, {}}},
        {"parameter", {"F32", {1}, {1}}},
    };
    require_tensors("types.pt", expected);
    require_tensors("types.legacy.pt", expected);
}

TEST_CASE("read_pytorch: views of one storage have their own shapes, strides and offsets") {
    const std::map<std::string, Expected> expected{
        {"whole", {"F32", {2, 3}, {1, 2, 3, 4, 5, 6}}},
        {"transposed", {"F32", {3, 2}, {1, 4, 2, 5, 3, 6}}},
        {"column", {"F32", {2}, {2, 5}}},
        {"row", {"F32", {3}, {4, 5, 6}}},
        {"every other", {"F32", {3}, {1, 3, 5}}},
        {"expanded", {"F32", {2, 2}, {3, 3, 3, 3}}},
    };
    require_tensors("views.pt", expected);
    require_tensors("views.legacy.pt", expected);
}

TEST_CASE("read_pytorch: a checkpoint's dictionary of tensors is found among what else training programs save") {
    const std::map<std::string, Expected> expected{{"weight", {"F32", {1, 2}, {0.5, -0.25}}}};
    for (const char* const file :
         {"checkpoint.pt", "checkpoint.legacy.pt", "protocol4.pt", "protocol4.legacy.pt", "big_endian.pt"})
        require_tensors(file, expected);
    require_tensors("deflated.pt",
                    {{"zeros", {"F32", {100}, std::vector<double>(100)}}, {"weight", {"F32", {1, 2}, {0.5, -0.25}}}});
    REQUIRE(numbers(read_pytorch(folder + "two.pt", "ema/discriminator")[0]) == std::vector<double>{1});
    REQUIRE(read_pytorch(folder + "two.pt", "generator")[0].shape == std::vector<Index>{1, 2});
}

TEST_CASE("read_pytorch: NumPy's numbers and plain objects beside the tensors are passed over") {
    const std::map<std::string, Expected> expected{{"weight", {"F32", {1, 2}, {1, 2}}}};
    require_tensors("training.pt", expected);
    require_tensors("training.legacy.pt", expected);

    // as NumPy 2 and protocol 5 of Python 3.13 have them
    const std::string type = "cnumpy\ndtype\n" + text("f8") + "\x89\x88\x87R(K\x03" + text("<") + "NNNNNNtb";
    const std::string weights = text("weight") + tensor("s", 3, 0, tuple({3}), tuple({1})) + "s";
    for (const std::string& value :
         {"cnumpy._core.multiarray\nscalar\n" + type + "c_codecs\nencode\n" + text("xxxxxxxx") + text("latin1") +
              "\x86R\x86R",
          "cnumpy._core.numeric\n_frombuffer\n(" + text("xxxxxxxx") + type + tuple({1}) + text("C") + "tR",
          "cpathlib._local\nPosixPath\n" + text("a") + "\x85R", std::string("cnumpy\nfloat32\n")})
        REQUIRE(error_of(file_of("}" + text("epoch") + "}" + text("x") + value + "ss" + text("state_dict") + "}" +
                                 weights + "s")) == "none");
    REQUIRE(error_of(file_of("cnumpy._core.multiarray\nload\n")) !=
            "none"); // one function of a module doesn't open the others
}

TEST_CASE("read_pytorch: tensors as PyTorch 2 makes them") {
    const auto numbers_of = [](const std::string& tensor) { return numbers(read_pytorch(file_of_tensor(tensor))[0]); };
    const auto untyped = [](const std::string& type, std::int64_t bytes, std::int64_t count,
                            const std::string& more = "") {
        return "ctorch._utils\n_rebuild_tensor_v3\n((" + text("storage") + "ctorch.storage\nUntypedStorage\n" +
               text("s") + text("cpu") + number(bytes) + "tQ" + number(0) + tuple({count}) + tuple({1}) +
               "\x89"
               "ccollections\nOrderedDict\n)R" +
               "ctorch\n" + type + "\n" + more + "tR";
    };
    const auto error = [&](const std::string& tensor, std::int64_t count) {
        return error_of(file_of("}" + text("x") + tensor + "s", {1, 2, 3}, count));
    };
    REQUIRE(numbers(read_pytorch(file_of("}" + text("x") + untyped("float32", 12, 3) + "s", {1, 2, 3}, 12))[0]) ==
            std::vector<double>{1, 2, 3});
    REQUIRE(numbers(read_pytorch(file_of("}" + text("x") + untyped("int16", 12, 2) + "s", {1, 2, 3}, 12))[0]) ==
            std::vector<double>{0, 0x3f80});
    REQUIRE(error(untyped("float32", 12, 4), 12) ==
            "read_pytorch: memory: \"x\" reaches beyond the 3 numbers of its storage");
    REQUIRE(error(untyped("float64", 12, 1), 12) ==
            "read_pytorch: memory: \"x\" is of a storage of 12 bytes, expected a multiple of 8");
    REQUIRE(
        error(untyped("float8_e5m2", 12, 12), 12) ==
        "read_pytorch: memory: \"x\" has numbers of type torch.float8_e5m2, which are not read; convert the tensor, "
        "as with .float(), and save it again");

    const std::string parts = "(" + text("storage") + "ctorch\nFloatStorage\n" + text("s") + text("cpu") + number(3) +
                              "tQ" + number(1) + tuple({2}) + tuple({1}) + "\x89N";
    const std::string plain = "ctorch._utils\n_rebuild_tensor_v2\n(" + parts + "tR";
    const std::vector<double> last{2, 3};
    REQUIRE(numbers_of("ctorch._utils\n_rebuild_parameter\n" + plain + "\x88N\x87R") == last);
    REQUIRE(numbers_of("ctorch._utils\n_rebuild_parameter_with_state\n(" + plain + "\x88N}tR") == last);
    REQUIRE(numbers_of("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch\nTensor\n(" +
                       parts + "t}tR") == last);
    REQUIRE(error_of(file_of_tensor("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\n"
                                    "ccollections\nOrderedDict\n(" +
                                    parts + "t}tR")) ==
            "read_pytorch: memory: the pickle: byte 192: a tensor with attributes isn't made of a tensor");
}

TEST_CASE("read_pytorch: memory is read as a file is") {
    REQUIRE(read_pytorch(content("types.pt")).size() == 13);
    REQUIRE(read_pytorch(content("types.legacy.pt")).size() == 13);
    REQUIRE_THAT(error_of(content("list.pt")),
                 Catch::Matchers::Equals("read_pytorch: memory: holds no dictionary of named tensors; in Python, save "
                                         "one: torch.save(module.state_dict(), path)"));
}

TEST_CASE("read_pytorch: what isn't a tensor, number, text or container is refused by name") {
    const std::string rest = "\" is refused: only tensors, numbers, texts and containers are read, and nothing is run; "
                             "save the numbers alone: torch.save(module.state_dict(), path)";
    const auto refused = [&](const std::string& file, const std::string& why) {
        REQUIRE(error_of(folder + file) == "read_pytorch: " + folder + file + ": " + why);
    };
    refused("command.pt", "data.pkl: byte 174: \"posix.system" + rest);
    refused("command.legacy.pt", "the pickle: byte 183: \"posix.system" + rest);
    refused("module.pt", "data.pkl: byte 2: \"torch.nn.modules.linear.Linear" + rest);
    refused("sparse.pt", "data.pkl: byte 18: \"torch._utils._rebuild_sparse_tensor" + rest);
    refused("complex.pt",
            "data.pkl: byte 69: numbers of type ComplexFloatStorage are not read; convert the tensors, as "
            "with .float(), and save them again");
    refused("numpy.pt", "\"bias\" is a NumPy array among tensors, which is not read; make a tensor of it with "
                        "torch.from_numpy, or leave it out, and save the file again");
    refused("scripted.pt", "is a TorchScript archive, whose code is not run; in Python, save its numbers: "
                           "torch.save(torch.jit.load(path).state_dict(), \"weights.pt\")");
    refused("two.pt", "has more than one dictionary with tensors: \"generator\", \"ema/discriminator\"; say which with "
                      "the option dictionary");
    refused("tagger.safetensors", "isn't a file of torch.save: it begins neither as a zip file nor as a pickle");
    REQUIRE_THROWS_WITH(read_pytorch(folder + "checkpoint.pt", "net"),
                        "read_pytorch: " + folder +
                            "checkpoint.pt: has no dictionary \"net\" with tensors: \"model_state_dict\"");

    REQUIRE(
        error_of(file_of("(" + text("module") + "NNNNtQ")) ==
        "read_pytorch: memory: the pickle: byte 16: it holds a whole module with its Python code, which is not run; "
        "save the numbers alone: torch.save(module.state_dict(), path)");
    const std::string none = "holds no dictionary of named tensors", save = "; in Python, save one: "
                                                                            "torch.save(module.state_dict(), path)";
    const std::string record = "cargparse\nNamespace\n)\x81}" + text("model") + "}" + text("x") +
                               tensor("s", 3, 0, tuple({3}), tuple({1})) + "ssb";
    REQUIRE(error_of(file_of(record)) ==
            "read_pytorch: memory: " + none + ", but argparse.Namespace, which is passed over" + save);
    REQUIRE(error_of(file_of("}" + text("net") + record + "s")) ==
            "read_pytorch: memory: " + none + "; \"net\" is argparse.Namespace, which is passed over" + save);
    REQUIRE_THAT(error_of(file_of("}" + text("x") +
                                  "cargparse\nNamespace\n)\x81"
                                  "cos\nsystem\n" +
                                  text("true") + "\x85Rbs")),
                 Catch::Matchers::EndsWith("\"os.system" + rest));
    REQUIRE_THAT(error_of(file_of("cbuiltins\neval\n" + text("1") + "\x85R")),
                 Catch::Matchers::EndsWith("\"builtins.eval" + rest));
    REQUIRE(error_of(file_of("Nb")) ==
            "read_pytorch: memory: the pickle: byte 3: it takes a value where there is none");
    REQUIRE(error_of(file_of("I01\n")) == "read_pytorch: memory: the pickle: byte 2: it has the operation 73, which "
                                          "torch.save doesn't write with its protocol 2");
    REQUIRE(error_of(file_of("cos\nsy\x01tem\n")) == "read_pytorch: memory: the pickle: byte 2: \"os.sy?tem" + rest);
}

TEST_CASE("read_pytorch: an object that is passed over is refused where weights may have been") {
    const std::string x = text("x") + tensor("s", 3, 0, tuple({3}), tuple({1})) + "s";
    const std::string object = "cargparse\nNamespace\n)\x81";
    REQUIRE(
        error_of(file_of("}" + x + text("bias") + object + "s")) ==
        "read_pytorch: memory: \"bias\" is argparse.Namespace among tensors, which is not read; make a tensor of it, "
        "or leave it out, and save the file again");
    for (const char* const key : {"_extra_state", "norm._extra_state"})
        REQUIRE(error_of(file_of("}" + x + text(key) + object + "s")) == "none");

    for (const std::string name : {"model_state_dict", "state_dict", "model", "net"}) {
        const auto file = file_of("}" + text(name) + object + "s" + text("previous_best") + "}" + x + "s");
        REQUIRE(error_of(file) ==
                "read_pytorch: memory: has no weights that are read: \"" + name +
                    "\" is argparse.Namespace, which is passed over: \"previous_best\"; say which with "
                    "the option dictionary");
        REQUIRE(read_pytorch(file, "previous_best").size() == 1);
    }
}

TEST_CASE("read_pytorch: a view whose numbers are stored with another sign is refused") {
    const auto error = [](const std::string& metadata) {
        std::string view = tensor("s", 3, 0, tuple({3}), tuple({1}));
        view.insert(view.size() - 2, metadata);
        return error_of(file_of_tensor(view));
    };
    REQUIRE(error("}" + text("neg") + "\x89s") == "none");
    for (const std::string view : {"neg", "conj"})
        REQUIRE(error("}" + text(view) + "\x88s") ==
                "read_pytorch: memory: \"x\" is a view whose numbers are stored otherwise (" + view +
                    "); resolve it, as with .resolve_neg() or .resolve_conj(), and save it again");
}

TEST_CASE("read_pytorch: a tensor must lie in its storage") {
    const auto error = [](const std::string& tensor) { return error_of(file_of_tensor(tensor)); };
    REQUIRE(error(tensor("s", 3, 0, tuple({3}), tuple({1}))) == "none");
    REQUIRE(error(tensor("s", 3, 2, tuple({1, 1}), tuple({7, 7}))) == "none");
    const std::string beyond = "read_pytorch: memory: \"x\" reaches beyond the 3 numbers of its storage";
    REQUIRE(error(tensor("s", 3, 1, tuple({3}), tuple({1}))) == beyond);
    REQUIRE(error(tensor("s", 3, 3, tuple({}), tuple({}))) == beyond);
    REQUIRE(error(tensor("s", 3, 0, tuple({2, 2}), tuple({2, 2}))) == beyond);
    const std::int64_t large = std::numeric_limits<std::int64_t>::max();
    REQUIRE(error(tensor("s", 3, large, tuple({1}), tuple({1}))) == beyond);
    REQUIRE(error(tensor("s", 3, 0, tuple({3}), tuple({large}))) == beyond);
    REQUIRE(error(tensor("s", 3, 0, tuple({large}), tuple({0}))) ==
            "read_pytorch: memory: \"x\" has more numbers than memory can hold");
    REQUIRE(error(tensor("s", 3, 0, tuple({1 << 24, 1 << 24, 1 << 24}), tuple({0, 0, 0}))) ==
            "read_pytorch: memory: \"x\" has more numbers than memory can hold");
    REQUIRE_THAT(error(tensor("s", 3, 0, tuple({1 << 20}), tuple({0}))),
                 ContainsSubstring("read_pytorch: memory: \"x\" would take 4194816 bytes: more than a file of"));
    REQUIRE(error(tensor("s", 3, 0, tuple({-1}), tuple({1}))) == "read_pytorch: memory: \"x\" has a negative size");
    REQUIRE(error(tensor("s", 3, 2, tuple({2}), tuple({-1}))) == "read_pytorch: memory: \"x\" has a negative stride");
    REQUIRE(error(tensor("s", 3, 0, tuple({3}), tuple({1, 1}))) ==
            "read_pytorch: memory: \"x\" has no offset, shape and strides that fit each other");
    REQUIRE(error(tensor("t", 3, 0, tuple({3}), tuple({1}))) ==
            "read_pytorch: memory: has a storage that its pickle doesn't name");
    REQUIRE(error(tensor("s", 4, 0, tuple({3}), tuple({1}))) ==
            "read_pytorch: memory: storage \"s\" has 12 bytes, expected 4 numbers of 4");
    REQUIRE(error(tensor("s", 3, 0, tuple({3}), tuple({1}), "LongStorage")) ==
            "read_pytorch: memory: storage \"s\" has 3 numbers of 8 bytes, more than the 12 bytes left");
    REQUIRE(error_of(file_of("}" + text("x") + tensor("s", 3, 0, tuple({3}), tuple({1})) + "s", {1, 2, 3}, 1 << 30)) ==
            "read_pytorch: memory: storage \"s\" has 1073741824 numbers of 4 bytes, more than the 12 bytes left");
    REQUIRE(error_of(file_of("}(" + text("x") + tensor("s", 3, 0, tuple({3}), tuple({1})) + text("x") +
                             tensor("s", 3, 0, tuple({3}), tuple({1})) + "u")) ==
            "read_pytorch: memory: \"x\" is there twice");
}

TEST_CASE("read_pytorch: a file cut anywhere is refused") {
    for (const char* const file : {"types.pt", "types.legacy.pt", "deflated.pt"}) {
        auto bytes = content(file);
        REQUIRE(error_of(bytes) == "none");
        while (!bytes.empty()) {
            bytes.pop_back();
            REQUIRE(error_of(bytes) != "none");
        }
    }
}

TEST_CASE("read_pytorch: a dictionary in itself and a deep one come to an end") {
    const std::string weights = text("model") + "}" + text("x") + tensor("s", 3, 0, tuple({3}), tuple({1})) + "ss";
    REQUIRE(error_of(file_of("}q\x01" + text("self") + "h\x01s" + weights)) == "none");
    REQUIRE_THAT(error_of(file_of("}r\xff\xff\xff\x7f" + weights)),
                 ContainsSubstring("byte 3: it remembers a value as number 2147483647, which is more than"));
    std::string long_text = "X" + std::string(4, '\0') + std::string(1 << 20, 'x');
    long_text[3] = 0x10;
    REQUIRE_THAT(error_of(file_of(long_text + "r" + std::string("\0\0\x10\0", 4) + "0" + weights)),
                 ContainsSubstring("it remembers a value as number 1048576, which is more than"));
    REQUIRE(error_of(file_of(std::string(200000, ']'))) ==
            "read_pytorch: memory: the pickle: byte 131074: more than 131072 values wait to be used");
    std::string deep;
    for (int k = 0; k < 100000; ++k)
        deep += "]";
    for (int k = 1; k < 100000; ++k)
        deep += "a";
    REQUIRE(error_of(file_of("}" + text("deep") + deep + "s" + weights)) == "none");
}

TEST_CASE("read_pytorch: a long text that is recalled as the name of many modules takes no long time") {
    constexpr std::uint32_t size = 4'000'000;
    std::string long_text = "X" + std::string(4, '\0') + std::string(size, 'x') + "q\x01";
    std::memcpy(long_text.data() + 1, &size, sizeof size);
    std::string modules = "}" + long_text + "Ns";
    for (int k = 0; k < 500'000; ++k)
        modules += "h\x01Ns";
    const std::string weights = "}" + text("x") + tensor("s", 3, 0, tuple({3}), tuple({1})) + "s";
    REQUIRE(error_of(file_of(weights + "}" + text("_metadata") + modules + "sb")) == "none");
}
