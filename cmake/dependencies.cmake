# Each dependency is what is installed, or else a pinned release that is downloaded.
# Without a network: FETCHCONTENT_SOURCE_DIR_<NAME> names a copy that is there already.
include(FetchContent)

macro(carousel_find_eigen)
    if(NOT TARGET Eigen3::Eigen)
        # Eigen 5 refuses a caller who asks for 3.4, so nothing is asked for and the answer is compared.
        find_package(Eigen3 NO_MODULE QUIET GLOBAL)
        if(Eigen3_FOUND AND Eigen3_VERSION VERSION_LESS 3.4)
            message(FATAL_ERROR "carousel: Eigen ${Eigen3_VERSION} in ${Eigen3_DIR} is too old, 3.4 or newer is needed")
        endif()
    endif()

    if(NOT TARGET Eigen3::Eigen)
        message(STATUS "carousel: Eigen is not installed, downloading it")
        FetchContent_Declare(eigen
            URL https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.gz
            URL_HASH SHA256=8586084f71f9bde545ee7fa6d00288b264a2b7ac3607b974e54d13e7162c1c72
            SOURCE_SUBDIR only-the-headers) # its own CMakeLists.txt is left alone
        FetchContent_MakeAvailable(eigen)
        add_library(Eigen3::Eigen INTERFACE IMPORTED GLOBAL)
        target_include_directories(Eigen3::Eigen INTERFACE ${eigen_SOURCE_DIR})
    endif()
endmacro()

# nlohmann-json, which the safetensors headers of carousel/io/ need. What includes it is left out where it isn't installed: it is
# never downloaded.
macro(carousel_find_json)
    if(NOT TARGET nlohmann_json::nlohmann_json)
        find_package(nlohmann_json 3.9 CONFIG QUIET GLOBAL)
    endif()
    if(NOT TARGET nlohmann_json::nlohmann_json AND PROJECT_IS_TOP_LEVEL)
        message(STATUS "carousel: nlohmann-json is not installed: without carousel::safetensors, its tests and examples")
    endif()
endmacro()

# Provides Catch2::Catch2 (2.13 and 3), Catch2::Catch2WithMain (3, and 2.13 where it is packaged so) and include(Catch).
macro(carousel_find_catch2)
    find_package(Catch2 QUIET)
    if(Catch2_FOUND AND Catch2_VERSION VERSION_GREATER_EQUAL 2.13.5) # before it, current glibc breaks it
        list(APPEND CMAKE_MODULE_PATH ${Catch2_DIR})
    else()
        message(STATUS "carousel: Catch2 is not installed, downloading it")
        FetchContent_Declare(catch2
            URL https://github.com/catchorg/Catch2/archive/v3.6.0.tar.gz
            URL_HASH SHA256=485932259a75c7c6b72d4b874242c489ea5155d17efa345eb8cc72159f49f356
            SYSTEM)
        set(CMAKE_CXX_STANDARD 20) # the one of the tests: its string_view support depends on it
        FetchContent_MakeAvailable(catch2)
        list(APPEND CMAKE_MODULE_PATH ${catch2_SOURCE_DIR}/extras)
    endif()
endmacro()

macro(carousel_find_cli11)
    find_package(CLI11 CONFIG QUIET)
    if(NOT TARGET CLI11::CLI11)
        message(STATUS "carousel: CLI11 is not installed, downloading it")
        FetchContent_Declare(cli11
            URL https://github.com/CLIUtils/CLI11/archive/v2.4.2.tar.gz
            URL_HASH SHA256=f2d893a65c3b1324c50d4e682c0cdc021dd0477ae2c048544f39eed6654b699a
            SOURCE_SUBDIR only-the-headers)
        FetchContent_MakeAvailable(cli11)
        add_library(CLI11::CLI11 INTERFACE IMPORTED)
        target_include_directories(CLI11::CLI11 INTERFACE ${cli11_SOURCE_DIR}/include)
    endif()
endmacro()

macro(carousel_find_benchmark)
    find_package(benchmark CONFIG QUIET)
    if(NOT TARGET benchmark::benchmark)
        message(STATUS "carousel: Google Benchmark is not installed, downloading it")
        set(BENCHMARK_ENABLE_TESTING OFF)
        set(BENCHMARK_ENABLE_INSTALL OFF)
        FetchContent_Declare(benchmark
            URL https://github.com/google/benchmark/archive/refs/tags/v1.7.1.tar.gz
            URL_HASH SHA256=6430e4092653380d9dc4ccb45a1e2dc9259d581f4866dc0759713126056bc1d7
            SYSTEM)
        FetchContent_MakeAvailable(benchmark)
    endif()
endmacro()

# What the benchmarks compare with, where it is installed: DNNL::dnnl, and torch with TORCH_LIBRARIES.
macro(carousel_find_peers)
    # By its files: Debian's package of it asks for OpenCL, which a CPU doesn't need, and stops the configuration without it.
    find_path(carousel_dnnl_include dnnl.hpp)
    find_library(carousel_dnnl_library dnnl)
    if(carousel_dnnl_include AND carousel_dnnl_library)
        add_library(DNNL::dnnl UNKNOWN IMPORTED)
        set_target_properties(DNNL::dnnl PROPERTIES
            IMPORTED_LOCATION ${carousel_dnnl_library}
            INTERFACE_INCLUDE_DIRECTORIES ${carousel_dnnl_include})
    endif()
    find_package(Torch CONFIG QUIET)
endmacro()
