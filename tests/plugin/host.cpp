// Loads the library its argument names, lets it train, unloads it and sees that it is gone; then has it fail. It uses
// <iostream> because the C++ library must be the program's: one that a plugin brings along binds to it and keeps it.
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <iostream>

namespace {

void check(bool holds, const char* what) {
    if (!holds) {
        std::cout << "host: " << what << std::endl;
        std::exit(1);
    }
}

template <class F>
F* function(void* library, const char* name) {
    void* const found = dlsym(library, name);
    check(found, name);
    return reinterpret_cast<F*>(found);
}

} // namespace

int main(int count, char** arguments) {
    check(count == 2, "expected the library's path");
    for (int round = 0; round < 2; ++round) {
        void* const library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        check(library, "the library can't be loaded");
        int trained = 0;
        check(function<int(int*)>(library, "start")(&trained) == 0, "the library can't train with two threads");
        check(dlclose(library) == 0, "the library can't be closed");
        check(trained == 1, "a static object's destructor can't train");
        check(!dlopen(arguments[1], RTLD_NOW | RTLD_NOLOAD), "the library stays loaded after dlclose");
    }
    void* const library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    check(library, "the library can't be loaded again");
    function<void(void (*)(const char*))>(library, "fail_with")([](const char* message) {
        check(std::strcmp(message, "set_threads: n is 0, expected at least 1") == 0, message);
        std::_Exit(0);
    });
    check(false, "a failure went on");
}
