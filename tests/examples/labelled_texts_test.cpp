#include "support/labelled_texts.hpp"

#include "catch.hpp"

#include <cstdlib>
#include <random>

using namespace example;

namespace {

/// A file that is gone at the end of the test.
class File {
  public:
    explicit File(const std::string& content, const std::string& extension = ".tsv")
        : path_(std::filesystem::temp_directory_path() /
                ("carousel texts' test " + std::to_string(std::random_device{}()) + extension)) {
        std::ofstream(path_, std::ios::binary) << content;
    }
    ~File() { std::filesystem::remove(path_); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::vector<LabelledText> read() const { return read_labelled_texts(path_); }
    std::string error(const std::string& rest) const { return path_.string() + rest; }

  private:
    std::filesystem::path path_;
};

} // namespace

TEST_CASE("labelled texts: the first field is the label and the last the text") {
    const File file("0\t3\t17\tBad, \xE2\x80\xA8very.\r\n1\tGood\n1\t\n");
    const auto texts = file.read();
    REQUIRE(texts.size() == 3);
    CHECK((!texts[0].positive && texts[0].text == "Bad, \xE2\x80\xA8very.\r"));
    CHECK((texts[1].positive && texts[1].text == "Good"));
    CHECK((texts[2].positive && texts[2].text.empty()));
    CHECK(File("1\tno line end").read().size() == 1);
}

TEST_CASE("labelled texts: what is wrong is said with its line") {
    const auto check = [](const std::string& content, const std::string& message) {
        const File file(content);
        CHECK_THROWS_WITH(file.read(), file.error(message));
    };
    check("", ": is empty");
    check("1\ta\nsome text\n", ":2: there is no tab, expected a label, a tab and a text");
    check("2\ta\n", ":1: the label is \"2\", expected 0 or 1");
    check("pos\ta\n", ":1: the label is \"pos\", expected 0 or 1");
    check("\n1\ta\n", ":1: there is no tab, expected a label, a tab and a text");
    check("1\ta\n1\tna\xEFve\n", ":2: byte 9 (0xef) isn't UTF-8");
    CHECK_THROWS_WITH(read_labelled_texts("no such file.tsv"), "no such file.tsv: can't be opened");
    const auto folder = std::filesystem::temp_directory_path();
    CHECK_THROWS_WITH(read_labelled_texts(folder), folder.string() + ": can't be opened");
}

TEST_CASE("labelled texts: a file .xz is unpacked, where xz is installed") {
    const File broken("1\tno xz\n", ".tsv.xz");
    if (!program_is_there("xz")) {
        CHECK_THROWS_WITH(broken.read(), broken.error(": to unpack it, the program xz must be on the PATH"));
        return;
    }
    CHECK_THROWS_WITH(broken.read(), broken.error(": xz can't unpack it"));
    const File plain("1\tunpacked\n0\ttoo\n");
    const File packed("", ".tsv.xz");
    REQUIRE(std::system(("xz -c " + shell_quoted(plain.path().string()) + " > " + shell_quoted(packed.path().string()))
                            .c_str()) == 0);
    REQUIRE(packed.read().size() == 2);
    CHECK(packed.read()[0].text == "unpacked");
}
