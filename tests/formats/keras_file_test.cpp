// What is read of an HDF5 file and of a zip archive, whatever they were made for.
#include "carousel/io/keras/file.hpp"

#include "catch.hpp"
#include "formats/keras_files.hpp"
#include "io/folder.hpp"

#include <numeric>

using namespace carousel;
using namespace carousel::test;
using carousel::detail::Input;
using carousel::detail::ZipArchive;
using carousel::detail::keras::Hdf5File;
using carousel::detail::keras::KerasFile;

namespace {

std::vector<float> counted(std::size_t count) {
    std::vector<float> numbers(count);
    std::iota(numbers.begin(), numbers.end(), -2.0F);
    return numbers;
}

/// f(file) of what was written, in memory.
template <class F>
auto opened(const Hdf5Writer& writer, F&& f) {
    const Bytes bytes = writer.bytes();
    const Input input("load_keras", bytes);
    Hdf5File file(input, bytes);
    return f(file);
}
std::string read_error(const Hdf5Writer& writer, const std::string& path) {
    return opened(writer, [&](Hdf5File& file) { return error<std::runtime_error>([&] { file.read(path); }); });
}

} // namespace

TEST_CASE("Hdf5File: numbers of 16, 32 and 64 bits, little- and big-endian, compressed or not, are read as they are") {
    Hdf5Writer writer;
    const auto numbers = counted(6);
    const hid_t half = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    writer.numbers("a/half", {2, 3}, numbers, half);
    H5Tclose(half);
    writer.numbers("a/single", {3, 2}, numbers);
    writer.numbers("big", {6}, numbers, H5T_IEEE_F32BE);
    writer.numbers("double", {1, 2, 3}, numbers, H5T_IEEE_F64LE);
    writer.numbers("chunks", {2, 3}, numbers, H5T_IEEE_F32LE, Hdf5Writer::chunked({1, 2}, 6));
    writer.numbers("one", {}, {7});
    writer.numbers("none", {0, 3}, {});
    opened(writer, [&](Hdf5File& file) {
        for (const char* const path : {"a/half", "/a/single", "big", "chunks"})
            CHECK(std::get<std::vector<float>>(file.read(path).numbers) == numbers);
        CHECK(file.read("a/half").shape == std::vector<Index>{2, 3});
        const NamedTensor doubles = file.read("double");
        CHECK(std::get<std::vector<double>>(doubles.numbers) == std::vector<double>(numbers.begin(), numbers.end()));
        CHECK(doubles.shape == std::vector<Index>{1, 2, 3});
        CHECK(std::get<std::vector<float>>(file.read("one").numbers) == std::vector<float>{7});
        CHECK(file.read("one").shape.empty());
        CHECK(std::get<std::vector<float>>(file.read("none").numbers).empty());
        CHECK(file.has_group("a"));
        CHECK(!file.has_group("a/half"));
        CHECK(!file.has_group("b/c"));
        CHECK(!file.has_group("."));
        CHECK(file.names("") == std::vector<std::string>{"a", "big", "chunks", "double", "none", "one"});
        CHECK((file.count("a") == 2 && file.count("b") == 0));
        CHECK(file.names("a") == std::vector<std::string>{"half", "single"});
    });
}

TEST_CASE("Hdf5File: attributes are texts of any length, of a fixed length, or lists of them") {
    Hdf5Writer writer;
    writer.group("g");
    writer.text("", "any", "a text that is longer than others");
    writer.texts("g", "list", {"a", "bcd", ""});
    writer.texts("g", "empty", {});
    opened(writer, [](Hdf5File& file) {
        CHECK(file.texts("", "any").value() == std::vector<std::string>{"a text that is longer than others"});
        CHECK(file.texts("g", "list").value() == std::vector<std::string>{"a", "bcd", ""});
        CHECK(file.texts("g", "empty").value().empty());
        CHECK(!file.texts("g", "none"));
        CHECK(!file.texts("nowhere", "list"));
    });
}

TEST_CASE("Hdf5File: what isn't there, isn't numbers or isn't in the file is refused") {
    Hdf5Writer writer;
    writer.numbers("g/x", {2}, {1, 2});
    writer.numbers("whole", {2}, {1, 2}, H5T_STD_I32LE);
    H5Lcreate_soft("/g/x", writer.file(), "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("/etc/other.h5", "/x", writer.file(), "elsewhere", H5P_DEFAULT, H5P_DEFAULT);
    const hid_t outside = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(outside, "/etc/passwd", 0, 8);
    writer.numbers("outside", {2}, {}, H5T_IEEE_F32LE, outside);
    const hid_t scaled = Hdf5Writer::chunked({2});
    H5Pset_scaleoffset(scaled, H5Z_SO_FLOAT_DSCALE, 2);
    writer.numbers("scaled", {2}, {1, 2}, H5T_IEEE_F32LE, scaled);

    const hid_t twice = Hdf5Writer::chunked({2}, 6);
    H5Pset_deflate(twice, 6);
    writer.numbers("twice", {2}, {1, 2}, H5T_IEEE_F32LE, twice);

    CHECK(read_error(writer, "g/x/deeper") == "load_keras: memory: \"g/x/deeper\" is missing");
    CHECK(read_error(writer, "twice") ==
          "load_keras: memory: \"twice\" is compressed by gzip several times, expected once");
    CHECK(read_error(writer, "g/y") == "load_keras: memory: \"g/y\" is missing");
    CHECK(read_error(writer, "g") == "load_keras: memory: \"g\" is missing");
    CHECK(read_error(writer, "whole") ==
          "load_keras: memory: \"whole\" isn't of numbers that are read: expected float16, float32 or float64");
    CHECK(read_error(writer, "soft") == "load_keras: memory: \"soft\" is a link to elsewhere, which isn't followed");
    CHECK(read_error(writer, "elsewhere") ==
          "load_keras: memory: \"elsewhere\" is a link to elsewhere, which isn't followed");
    CHECK(read_error(writer, "outside") ==
          "load_keras: memory: \"outside\" has its numbers in another file, which isn't read");
    CHECK(read_error(writer, "scaled") ==
          "load_keras: memory: \"scaled\" is compressed by HDF5's filter 6, expected gzip or none");
}

TEST_CASE("Hdf5File: numbers that take far more memory than the file are refused before any is taken") {
    Hdf5Writer writer;
    writer.numbers("huge", {1'000'000'000, 1'000'000'000, 1'000'000'000}, {}, H5T_IEEE_F32LE,
                   Hdf5Writer::chunked({1, 1, 1}));
    writer.numbers("large", {1'000'000}, {}, H5T_IEEE_F32LE, Hdf5Writer::chunked({1000}));
    writer.numbers("pieces", {10'000}, {}, H5T_IEEE_F32LE, Hdf5Writer::chunked({1}));
    writer.numbers("piece", {1}, {}, H5T_IEEE_F32LE, Hdf5Writer::chunked({1'000'000}));
    const auto size = std::to_string(writer.bytes().size());
    CHECK(read_error(writer, "huge") == "load_keras: memory: \"huge\" has more numbers than a file of " + size +
                                            " bytes should have: all together at most 32 times its size");
    CHECK(read_error(writer, "large") == "load_keras: memory: \"large\" has more numbers than a file of " + size +
                                             " bytes should have: all together at most 32 times its size");
    CHECK(read_error(writer, "pieces") ==
          "load_keras: memory: \"pieces\" is cut into chunks that this file can't hold");
    CHECK(read_error(writer, "piece") == "load_keras: memory: \"piece\" is cut into chunks that this file can't hold");
}

TEST_CASE("Hdf5File: texts that are far larger all together than the file are refused") {
    Hdf5Writer writer;
    writer.group("g");
    writer.texts("g", "list", std::vector<std::string>(100, "name"));
    const auto size = std::to_string(writer.bytes().size());
    opened(writer, [&](Hdf5File& file) {
        int count = 0;
        CHECK(error<std::runtime_error>([&] {
                  for (;; ++count)
                      file.texts("g", "list");
              }) == "load_keras: memory: the attribute \"list\" of \"g\" makes all texts larger than a file of " +
                        size + " bytes should have: all together at most 32 times its size");
        CHECK(count > 5); // Keras' files are read with fewer
    });
}

TEST_CASE("Hdf5File: a damaged file is refused, and HDF5's errors aren't printed") {
    Hdf5Writer writer;
    writer.numbers("x", {2}, {1, 2});
    Bytes bytes = writer.bytes();
    bytes.resize(bytes.size() / 2);
    const Input input("load_keras", bytes);
    H5E_auto2_t before = nullptr, after = nullptr;
    void* data = nullptr;
    H5Eget_auto2(H5E_DEFAULT, &before, &data);
    CHECK(error<std::runtime_error>([&] { Hdf5File(input, bytes); }) ==
          "load_keras: memory: HDF5 can't open it: it is damaged, or isn't an HDF5 file");
    H5Eget_auto2(H5E_DEFAULT, &after, &data);
    CHECK(before == after);
}

TEST_CASE("ZipArchive: files are read, stored or compressed, and damaged ones are refused") {
    const std::string text(1000, 'x');
    for (const bool compress : {false, true}) {
        const Bytes bytes = zip_of({{"a", bytes_of(text)}, {"b", {}}}, compress);
        const Input input("load_keras", bytes);
        const ZipArchive archive(input, bytes);
        CHECK(archive.read(archive.find("a").value()) == bytes_of(text));
        CHECK(archive.read(archive.find("b").value()).empty());
        CHECK(!archive.find("c"));
    }
    Bytes damaged = zip_of({{"a", bytes_of(text)}});
    damaged[100] = std::byte{'y'};
    const Input input("load_keras", damaged);
    const ZipArchive archive(input, damaged);
    CHECK(error<std::runtime_error>([&] { archive.read(archive.find("a").value()); }) ==
          "load_keras: memory: \"a\" can't be read: CRC error");
    const Bytes none = bytes_of("PK and no more");
    const Input none_input("load_keras", none);
    CHECK(error<std::runtime_error>([&] { ZipArchive(none_input, none); }) ==
          "load_keras: memory: isn't a whole zip file: Not a zip archive");
}

TEST_CASE("KerasFile: a file that is far larger than its archive is refused") {
    const Bytes bytes = zip_of({{"a", Bytes(1'000'000)}}, true);
    const Input input("load_keras", bytes);
    const ZipArchive archive(input, bytes);
    CHECK(error<std::runtime_error>([&] {
              detail::keras::read_member(input, archive, bytes.size(), "a", 2'000'000);
          }) == "load_keras: memory: \"a\" is said to have 1000000 bytes, expected at most 32 times the archive's " +
                    std::to_string(bytes.size()));
}

TEST_CASE("KerasFile: JSON of more than 64 MB is refused before it is read") {
    const Bytes bytes = zip_of({{"a", Bytes(1000)}});
    const Input input("load_keras", bytes);
    const ZipArchive archive(input, bytes);
    CHECK(error<std::runtime_error>([&] { detail::keras::read_member(input, archive, bytes.size(), "a", 999); }) ==
          "load_keras: memory: \"a\" has 1000 bytes, expected at most 999");
    detail::keras::FileParts parts{Hdf5Writer().bytes(), std::string((1 << 26) + 1, '['), "", true};
    CHECK(error<std::runtime_error>([&] { KerasFile(input, std::move(parts)); }) ==
          "load_keras: memory: config.json has 67108865 bytes, expected at most 67108864");
}

TEST_CASE("KerasFile: lists without end are refused before their layers are looked up") {
    const auto refused = [](const Hdf5Writer& writer) {
        const Bytes bytes = writer.bytes();
        return error<std::runtime_error>([&] {
            Input input("load_keras", bytes);
            KerasFile(input).weighted_layers();
        });
    };
    {
        Hdf5Writer layers;
        layers.group("model_weights/a");
        layers.texts("model_weights/a", "weight_names", std::vector<std::string>(1000, "a"));
        layers.texts("model_weights", "layer_names", std::vector<std::string>(1001, "a"));
        CHECK(refused(layers) == "load_keras: memory: the file lists 1001 layers, expected at most 1000");
    }
    Hdf5Writer pieces;
    pieces.group("model_weights");
    for (int k = 0; k <= 1000; ++k)
        pieces.texts("model_weights", "layer_names" + std::to_string(k), {});
    CHECK(refused(pieces) ==
          "load_keras: memory: the attribute layer_names of \"model_weights\" is cut into more than 1000 pieces");
}

TEST_CASE("KerasFile: other files are refused with what is missing") {
    const auto refused = [](const Bytes& bytes) {
        return error<std::runtime_error>([&] {
            Input input("load_keras", bytes);
            KerasFile file(input);
        });
    };
    CHECK(refused(bytes_of("{}")) == "load_keras: memory: it is neither a .keras archive nor an HDF5 file");
    CHECK(refused({}) == "load_keras: memory: it is neither a .keras archive nor an HDF5 file");
    CHECK(refused(zip_of({{"config.json", bytes_of("{}")}})) ==
          "load_keras: memory: the archive has no model.weights.h5; sharded weights can't be loaded");
    const Bytes weights = Hdf5Writer().bytes();
    CHECK(refused(zip_of({{"model.weights.h5", weights}})) == "load_keras: memory: the archive has no config.json");
    CHECK(refused(zip_of({{"config.json", bytes_of("{\"a\": }")}, {"model.weights.h5", weights}})) ==
          "load_keras: memory: config.json isn't JSON: byte 7 is wrong");
    CHECK(refused(zip_of({{"config.json", bytes_of("{}")}, {"model.weights.h5", bytes_of("x")}})) ==
          "load_keras: memory: model.weights.h5: HDF5 can't open it: it is damaged, or isn't an HDF5 file");
}

TEST_CASE("KerasFile: variables are found by the layer's name in .h5, also where their list is cut in pieces") {
    using namespace carousel::detail::keras;
    Hdf5Writer writer;
    writer.text("", "model_config", "{\"class_name\": \"Sequential\"}");
    writer.text("", "keras_version", "2.4.0");
    writer.group("model_weights");
    writer.texts("model_weights", "layer_names0", {"a"});
    writer.texts("model_weights", "layer_names1", {"b"});
    writer.numbers("model_weights/b/b/kernel:0", {1, 2}, {1, 2});
    writer.numbers("model_weights/b/b/bias:0", {2}, {3, 4});
    writer.texts("model_weights/b", "weight_names0", {"b/kernel:0"});
    writer.texts("model_weights/b", "weight_names1", {"b/bias:0"});
    const Bytes bytes = writer.bytes();
    Input input("load_keras", bytes);
    KerasFile file(input);
    CHECK(file.model()["class_name"] == "Sequential");
    CHECK(file.keras_version() == "2.4.0");
    CHECK(file.version().major == 2);
    detail::keras::LayerDescription layer{"b", "Dense", 0, "layer \"b\" (Dense): ", false, DenseSpec{2, {}}};
    const auto variables = file.variables(layer);
    REQUIRE(variables.size() == 2);
    CHECK(std::get<std::vector<float>>(variables[1].numbers) == std::vector<float>{3, 4});
    layer.spec = RecurrentSpec{RecurrentSpec::Cell::lstm, 2};
    CHECK(error<std::runtime_error>([&] { file.variables(layer); }) ==
          "load_keras: memory: layer \"b\" (Dense): the file has 2 variables for it, expected 3");
    layer.name = "c";
    CHECK(error<std::runtime_error>([&] { file.variables(layer); }) ==
          "load_keras: memory: layer \"b\" (Dense): the file has 0 variables for it, expected 3");
}

TEST_CASE(
    "KerasFile: variables are found by the layer's class and its number in .keras, whatever numbers are left out") {
    using namespace carousel::detail::keras;
    for (const std::string container : {"layers", "_layer_checkpoint_dependencies"}) {
        Hdf5Writer writer;
        for (const int k : {0, 2, 10}) {
            const std::string name = "batch_normalization" + (k > 0 ? "_" + std::to_string(k) : "");
            for (int v = 0; v < 4; ++v)
                writer.numbers(container + "/" + name + "/vars/" + std::to_string(v), {1},
                               {static_cast<float>(10 * k + v)});
        }
        const Bytes bytes = zip_of({{"metadata.json", bytes_of("{\"keras_version\": \"3.5.0\"}")},
                                    {"config.json", bytes_of("{}")},
                                    {"model.weights.h5", writer.bytes()}});
        Input input("load_keras", bytes);
        KerasFile file(input);
        CHECK(file.version().major == 3);
        detail::keras::LayerDescription layer{
            "any", "BatchNormalization", 0, "layer \"any\" (BatchNormalization): ", false, BatchNormSpec{1e-3}};
        for (const float first : {0.0F, 20.0F, 100.0F}) {
            const auto variables = file.variables(layer);
            REQUIRE(variables.size() == 4);
            CHECK(std::get<std::vector<float>>(variables[3].numbers) == std::vector<float>{first + 3});
            ++layer.number;
        }
        CHECK(error<std::runtime_error>([&] { file.variables(layer); }) ==
              "load_keras: memory: layer \"any\" (BatchNormalization): the file has no weights for it: " + container +
                  "/batch_normalization_3 is missing");
    }
}
