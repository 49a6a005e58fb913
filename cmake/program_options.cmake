# How this project's own programs are compiled. The library itself asks its users for C++20 and nothing else.
include(CheckCXXCompilerFlag)

if(CAROUSEL_NATIVE)
    check_cxx_compiler_flag(-march=native CAROUSEL_HAS_MARCH_NATIVE)
    check_cxx_compiler_flag(-mcpu=native CAROUSEL_HAS_MCPU_NATIVE)
endif()

function(carousel_program_options target)
    target_link_libraries(${target} PRIVATE carousel::carousel)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
    if(MSVC) # clang-cl, whose -Wall is every warning there is
        target_compile_options(${target} PRIVATE /W4 -Wconversion -Wshadow /bigobj)
    else()
        target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
        # GCC 12 reports its own AVX-512 header wherever Eigen uses it: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105593
        # and, inlined, its own std::string: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105651
        target_compile_options(${target} PRIVATE -Wno-uninitialized -Wno-maybe-uninitialized -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow)
    endif()
    if(CAROUSEL_WARNINGS_AS_ERRORS)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    if(CAROUSEL_NATIVE AND CAROUSEL_HAS_MARCH_NATIVE)
        target_compile_options(${target} PRIVATE -march=native)
    elseif(CAROUSEL_NATIVE AND CAROUSEL_HAS_MCPU_NATIVE)
        target_compile_options(${target} PRIVATE -mcpu=native)
    endif()
endfunction()
