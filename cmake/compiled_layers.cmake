# The layers of src/compiled_layers.hpp, compiled once for all programs of a folder: a program that loads models takes minutes less.

# carousel_add_compiled_layers(name [option …]): an object library of them, compiled as the project's programs and with these options.
function(carousel_add_compiled_layers name)
    add_library(${name} OBJECT ${PROJECT_SOURCE_DIR}/src/compiled_layers.cpp ${PROJECT_SOURCE_DIR}/src/compiled_bidirectional.cpp)
    carousel_program_options(${name})
    target_compile_options(${name} PRIVATE ${ARGN})
endfunction()

# carousel_use_compiled_layers(target name): links them to a program, each of whose source files sees their header first.
function(carousel_use_compiled_layers target name)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${name}>)
    target_compile_options(${target} PRIVATE "SHELL:-include \"${PROJECT_SOURCE_DIR}/src/compiled_layers.hpp\"")
endfunction()
