# carousel::compiled: what every program that uses the library compiles again, compiled once, and the kernels for each instruction
# set, of which the program chooses at run time.
include(CheckCXXCompilerFlag)
include(CheckCXXSourceCompiles)

# carousel_has_macros(variable macro …): whether all flags of this build, wherever they were given, define them.
function(carousel_has_macros variable)
    get_directory_property(options COMPILE_OPTIONS)
    string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
    list(FILTER options EXCLUDE REGEX "\\$<")
    list(JOIN options " " CMAKE_REQUIRED_FLAGS)
    string(APPEND CMAKE_REQUIRED_FLAGS " ${CMAKE_CXX_FLAGS_${type}}")
    set(text "")
    foreach(macro IN LISTS ARGN)
        string(APPEND text "#ifndef ${macro}\n#error\n#endif\n")
    endforeach()
    unset(${variable} CACHE) # the flags may have changed
    check_cxx_source_compiles("${text}int main() {}" ${variable})
endfunction()

# carousel_compiled_options(target [option …]): how all parts of the library are compiled. It is the same for every processor, so
# CAROUSEL_NATIVE isn't asked.
function(carousel_compiled_options target)
    set(CAROUSEL_NATIVE OFF)
    carousel_program_options(${target})
    target_compile_definitions(${target} PUBLIC CAROUSEL_COMPILED)
    # What a shared library exports isn't marked: all of it.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET default VISIBILITY_INLINES_HIDDEN OFF)
    target_compile_options(${target} PRIVATE $<$<OR:$<CONFIG:Debug>,$<CONFIG:>>:-O2> ${ARGN})
    if(NOT MSVC)
        target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections)
    endif()
endfunction()

# carousel_add_kernels(library set [flag …]): the kernels of an instruction set.
function(carousel_add_kernels library set)
    foreach(scalar float double)
        set(kernels ${library}_${set}_${scalar})
        add_library(${kernels} OBJECT ${PROJECT_SOURCE_DIR}/src/kernels.cpp)
        carousel_compiled_options(${kernels} ${ARGN})
        target_compile_definitions(${kernels} PRIVATE CAROUSEL_SCALAR=${scalar})
        target_sources(${library} PRIVATE $<TARGET_OBJECTS:${kernels}>)
    endforeach()
    add_library(${library}_${set}_narrow OBJECT ${PROJECT_SOURCE_DIR}/src/narrow_kernels.cpp)
    carousel_compiled_options(${library}_${set}_narrow ${ARGN})
    target_sources(${library} PRIVATE $<TARGET_OBJECTS:${library}_${set}_narrow>)
    string(TOUPPER ${set} name)
    target_compile_definitions(${library} PRIVATE CAROUSEL_HAS_${name})
endfunction()

# carousel_add_compiled(name [option …]): the library, compiled with these options.
function(carousel_add_compiled name)
    if(NOT TARGET nlohmann_json::nlohmann_json)
        message(FATAL_ERROR "carousel::compiled reads models and needs nlohmann-json for that (Debian: nlohmann-json3-dev): install it, or go without CAROUSEL_BUILD_COMPILED and CAROUSEL_BUILD_TOOLS")
    endif()
    find_package(Threads REQUIRED)
    set(sources instruction_set bodies layers bidirectional loaders)
    list(TRANSFORM sources PREPEND ${PROJECT_SOURCE_DIR}/src/)
    list(TRANSFORM sources APPEND .cpp)
    set(type "")
    if(WIN32)
        set(type STATIC) # nothing is marked as what a DLL exports
    endif()
    add_library(${name} ${type} ${sources})
    carousel_compiled_options(${name} ${ARGN})
    target_compile_definitions(${name} PRIVATE CAROUSEL_COMPILING)
    target_link_libraries(${name} PUBLIC carousel PRIVATE $<BUILD_INTERFACE:nlohmann_json::nlohmann_json> Threads::Threads)

    get_target_property(kind ${name} TYPE)
    if(kind STREQUAL "STATIC_LIBRARY" AND NOT APPLE AND NOT MSVC) # a program has one cell or two of all
        target_link_options(${name} INTERFACE -Wl,--gc-sections)
    endif()

    # The first set is that of the build's own flags; wider ones are added.
    carousel_add_kernels(${name} own ${ARGN})
    carousel_has_macros(CAROUSEL_TARGETS_X86_64 __x86_64__)
    carousel_has_macros(CAROUSEL_FLAGS_HAVE_AVX2 __AVX2__ __FMA__)
    carousel_has_macros(CAROUSEL_FLAGS_HAVE_AVX512 __AVX512F__)
    check_cxx_compiler_flag(-march=x86-64-v4 CAROUSEL_HAS_X86_64_V4)
    set(unasked -mno-lzcnt -mno-movbe) # which the choice at run time doesn't look for
    if(CAROUSEL_TARGETS_X86_64 AND CAROUSEL_HAS_X86_64_V4)
        if(NOT CAROUSEL_FLAGS_HAVE_AVX2)
            carousel_add_kernels(${name} avx2 -march=x86-64-v3 ${unasked} ${ARGN})
        endif()
        if(NOT CAROUSEL_FLAGS_HAVE_AVX512)
            carousel_add_kernels(${name} avx512 -march=x86-64-v4 ${unasked} ${ARGN})
        endif()
    endif()
endfunction()

# carousel_need_compiled(): carousel::compiled, for programs of this project, too.
function(carousel_need_compiled)
    if(TARGET carousel_compiled)
        return()
    endif()
    carousel_add_compiled(carousel_compiled)
    add_library(carousel::compiled ALIAS carousel_compiled)
    set_target_properties(carousel_compiled PROPERTIES
        EXPORT_NAME compiled VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
endfunction()
