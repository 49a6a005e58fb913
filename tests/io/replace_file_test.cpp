#include "catch.hpp"

#include "carousel/io/replace_file.hpp"
#include "io/folder.hpp"

#include <algorithm>
#include <cstdint>

#ifndef _WIN32
#    include <csignal>
#    include <sys/wait.h>
#endif

using namespace carousel;
using namespace carousel::test;

namespace {

void replace(const fs::path& path, const std::string& content) {
    replace_file(path, {std::as_bytes(std::span(content))}, "test");
}

std::string replacing_fails(const fs::path& path) {
    return error<std::runtime_error>([&] { replace(path, "new"); });
}

} // namespace

TEST_CASE("replace_file: the parts are the file, one after the other") {
    const Folder folder;
    const std::string a = "ab", b, c = "cde";
    replace_file(folder / "m", {std::as_bytes(std::span(a)), std::as_bytes(std::span(b)), std::as_bytes(std::span(c))},
                 "test");
    CHECK(content(folder / "m") == "abcde");
    replace_file(folder / "m", {}, "test");
    CHECK(content(folder / "m").empty());
    CHECK(folder.files() == 1);
}

TEST_CASE("replace_file: a read-only file is refused") {
    const Folder folder;
    put(folder / "m", "old");
    constexpr auto write = fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;
    fs::permissions(folder / "m", write, fs::perm_options::remove);
    CHECK(replacing_fails(folder / "m") == "test: " + (folder / "m").string() +
                                               ": can't be written: it is read-only; make it writable, or save under "
                                               "another path");
    CHECK(content(folder / "m") == "old");
    CHECK(folder.files() == 1);
    fs::permissions(folder / "m", fs::perms::owner_write, fs::perm_options::add);
    CHECK(replacing_fails(folder / "m").empty());
}

#ifndef _WIN32

namespace {

struct stat status_of(const fs::path& path) {
    struct stat result {};
    REQUIRE(stat(path.c_str(), &result) == 0);
    return result;
}

unsigned mode(const fs::path& path) {
    return status_of(path).st_mode & 07777U;
}

} // namespace

TEST_CASE("replace_file: a file keeps its mode, and a new one has what the umask leaves") {
    const Folder folder;
    const mode_t before = umask(027);
    replace(folder / "m", "new");
    CHECK(mode(folder / "m") == 0640);
    for (const mode_t kept : {0600U, 0644U, 0666U, 0755U}) {
        REQUIRE(chmod((folder / "m").c_str(), kept) == 0);
        replace(folder / "m", "newer");
        CHECK(mode(folder / "m") == kept);
    }
    umask(before);
}

TEST_CASE("replace_file: a file keeps its owner and group where this process may give files away") {
    if (geteuid() != 0)
        return; // only root may
    const Folder folder;
    const fs::path path = folder / "m";
    put(path, "old");
    REQUIRE(chown(path.c_str(), 12345, 54321) == 0);
    REQUIRE(chmod(path.c_str(), 0640) == 0);
    replace(path, "new");
    CHECK(status_of(path).st_uid == 12345);
    CHECK(status_of(path).st_gid == 54321);
    CHECK(mode(path) == 0640);

    // Another user may write the file and the folder, but not give the new file to the old one's owner and group. What
    // the group might, the new group's members might not, unless everyone might.
    REQUIRE(chmod(folder.path().c_str(), 0777) == 0);
    REQUIRE(chmod(path.c_str(), 0672) == 0);
    REQUIRE(seteuid(12346) == 0);
    const std::string message = replacing_fails(path);
    REQUIRE(seteuid(0) == 0);
    CHECK(message.empty());
    CHECK(status_of(path).st_uid == 12346);
    CHECK(status_of(path).st_gid == getegid());
    CHECK(mode(path) == 0622);

    REQUIRE(chown(path.c_str(), 12345, 54321) == 0);
    REQUIRE(chmod(path.c_str(), 0640) == 0);
    REQUIRE(seteuid(12346) == 0);
    const std::string refused = replacing_fails(path);
    REQUIRE(seteuid(0) == 0);
    CHECK(refused == "test: " + path.string() +
                         ": can't be written: it is read-only; make it writable, or save under another path");
}

TEST_CASE("replace_file: a symbolic link stays, wherever it leads") {
    const Folder folder;
    fs::create_directory(folder / "inner");
    put(folder / "m", "old");
    fs::create_symlink(folder / "m", folder / "link");
    fs::create_symlink("../link", folder / "inner/second");
    replace(folder / "inner/second", "new");
    CHECK(content(folder / "m") == "new");
    CHECK(fs::is_symlink(folder / "inner/second"));
    CHECK(fs::is_symlink(folder / "link"));

    fs::create_symlink("inner/none", folder / "dangling");
    replace(folder / "dangling", "new");
    CHECK(fs::is_symlink(folder / "dangling"));
    CHECK(content(folder / "inner/none") == "new");

    fs::create_symlink("loop", folder / "loop");
    CHECK(replacing_fails(folder / "loop") ==
          "test: " + (folder / "loop").string() +
              ": can't be written: " + std::make_error_code(std::errc::too_many_symbolic_link_levels).message());
    CHECK(fs::is_symlink(folder / "loop"));
}

TEST_CASE("replace_file: a hard link keeps the old content") {
    const Folder folder;
    put(folder / "m", "old");
    fs::create_hard_link(folder / "m", folder / "backup");
    replace(folder / "m", "new");
    CHECK(content(folder / "m") == "new");
    CHECK(content(folder / "backup") == "old");
}

TEST_CASE("replace_file: what a killed saver left is removed, and nothing else") {
    const Folder folder;
    const std::string abandoned = "m.tmp-0123456789abcdef", living = "m.tmp-0123456789abcde0";
    const std::vector<std::string> others{"m.tmp-",
                                          "m.tmp-note",
                                          "m.tmp-0123456789abcdefg",
                                          "m.tmp-0123456789ABCDEF",
                                          "n.tmp-0123456789abcdef",
                                          "mm.tmp-0123456789abcdef"};
    put(folder / abandoned, "");
    put(folder / living, "");
    for (const std::string& name : others)
        put(folder / name, "");
    const int lock = open((folder / living).c_str(), O_WRONLY);
    REQUIRE(flock(lock, LOCK_EX | LOCK_NB) == 0);
    replace(folder / "m", "new");
    CHECK(!fs::exists(folder / abandoned));
    CHECK(fs::exists(folder / living));
    close(lock);
    replace(folder / "m", "newer");
    CHECK(!fs::exists(folder / living));
    CHECK(folder.files() == 1 + others.size());
}

TEST_CASE("replace_file: savers side by side don't take each other's temporaries for abandoned ones") {
    const Folder folder;
    const auto saver = [&] {
        const pid_t child = fork();
        if (child == 0) {
            int failures = 0;
            for (int k = 0; k < 50; ++k)
                failures += !replacing_fails(folder / "m").empty();
            _exit(failures);
        }
        return child;
    };
    const pid_t children[] = {saver(), saver(), saver()};
    for (const pid_t child : children) {
        int result = -1;
        REQUIRE(waitpid(child, &result, 0) == child);
        CHECK(result == 0);
    }
    CHECK(content(folder / "m") == "new");
    CHECK(folder.files() == 1);
}

TEST_CASE("replace_file: a saver killed at any moment leaves the old file or the new one, and what is beside it goes") {
    const Folder folder;
    const fs::path path = folder / "m";
    const std::string a(200'000, 'a'), b(200'000, 'b');
    put(path, a);
    std::uint32_t random = 1;
    int left_behind = 0;
    // A hundred, and more, later, where a child is slow to begin.
    for (int kill_number = 0; kill_number < 100 || (left_behind == 0 && kill_number < 1000); ++kill_number) {
        const pid_t child = fork();
        if (child == 0)
            for (;;) {
                replace(path, b);
                replace(path, a);
            }
        random = random * 1664525 + 1013904223;
        usleep((random >> 20) * (1 + static_cast<unsigned>(kill_number) / 100)); // up to 4 ms
        kill(child, SIGKILL);
        REQUIRE(waitpid(child, nullptr, 0) == child);
        const std::string now = content(path);
        REQUIRE((now == a || now == b));
        REQUIRE(folder.files() <= 2); // those of the savers before are gone
        left_behind += folder.files() == 2;
    }
    replace(path, a);
    CHECK(folder.files() == 1);
    CHECK(left_behind > 0); // or else nothing was tested
}

#endif
