// main() of the tests that mpirun runs: each process runs all of them, and says what failed there. With a name instead of tests, a
// program that ends as mpirun should notice.
#ifndef CAROUSEL_WRAPS_CATCH_MAIN
#    define CATCH_CONFIG_RUNNER
#endif
#include "catch.hpp"

#include "failing.hpp"
#include "limited_new.hpp"

#include "carousel/mpi/run.hpp"

#include <cstdio>
#include <cstdlib>
#include <new>

using namespace carousel;
using namespace carousel::test;

void* operator new(std::size_t size) {
    if (size <= largest_new)
        if (void* const memory = std::malloc(size > 0 ? size : 1))
            return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size,
                   const std::nothrow_t&) noexcept { // which Catch2 calls; a sanitizer has one of its own
    return size <= largest_new ? std::malloc(size > 0 ? size : 1) : nullptr;
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

#ifdef CAROUSEL_WRAPS_CATCH_MAIN // by --wrap=main the linker calls the main() of Catch2's library __real_main, and takes __wrap_main for it
extern "C" int __real_main(int argc, char** argv);
static int run_tests(int argc, char** argv) {
    return __real_main(argc, argv);
}
extern "C" int __wrap_main(int argc, char** argv)
#else
static int run_tests(int argc, char** argv) {
    return Catch::Session().run(argc, argv);
}
int main(int argc, char** argv)
#endif
{
    if (argc > 1)
        if (const auto code = run_failing(argv[1], argc, argv))
            return *code;
    return run_ranks(argc, argv, [&](const Communicator& ranks) {
        int failed = run_tests(argc, argv) == 0 ? 0 : 1;
        MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
        if (ranks.rank() == 0 && failed != 0)
            std::printf("tests failed on one rank at least\n");
        return failed;
    });
}
