#include "support/words.hpp"

#include "catch.hpp"

using namespace example;

using Words = std::vector<std::string>;

TEST_CASE("words: in lower case, without punctuation but the apostrophe") {
    CHECK(words("It's GOOD,really-good!<br /><br />(10/10)\tÉtat\n") ==
          Words{"it's", "good", "really", "good", "br", "br", "10", "10", "État"});
    CHECK(words("").empty());
    CHECK(words(" .,; ").empty());
    CHECK(words("end") == Words{"end"});
}

TEST_CASE("Vocabulary: the most frequent words have numbers from 4, equally frequent ones as they came") {
    const Vocabulary vocabulary({words("b a c a"), words("c d a e")}, 7);
    CHECK(vocabulary.list() == Words{"a", "c", "b"});
    CHECK((vocabulary["a"] == 4 && vocabulary["c"] == 5 && vocabulary["b"] == 6));
    CHECK((vocabulary["d"] == Vocabulary::unknown && vocabulary["never"] == Vocabulary::unknown));
    CHECK(Vocabulary(vocabulary.list())["b"] == 6);
    CHECK(Vocabulary({words("a b")}, 100).list().size() == 2);
    CHECK(Vocabulary({words("a b")}, 3).list().empty());
}
