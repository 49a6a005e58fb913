# Targets of the opt-in headers that read the model files of other programs, each where what it needs is installed:
#   carousel::rtneural, carousel::guitarml, carousel::nam     nlohmann-json
#   carousel::pytorch                                         libzip, nlohmann-json
#   carousel::keras                                           HDF5, libzip, nlohmann-json
#   carousel::onnx                                            protobuf
# Used by the project itself and, installed, by those that find it.

# carousel_add_format(name target …): the target carousel::name, if the targets it needs are there.
function(carousel_add_format name)
    if(TARGET carousel::${name})
        return()
    endif()
    foreach(needed IN LISTS ARGN)
        if(NOT TARGET ${needed})
            return()
        endif()
    endforeach()
    add_library(carousel::${name} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(carousel::${name} INTERFACE carousel::carousel ${ARGN})
endfunction()

# carousel_find_library(name header library …): carousel::name_library, a C library by its files, as its own package files differ
# from system to system.
function(carousel_find_library name header)
    if(TARGET carousel::${name}_library)
        return()
    endif()
    find_path(CAROUSEL_${name}_INCLUDE ${header} PATH_SUFFIXES hdf5/serial)
    find_library(CAROUSEL_${name}_LIBRARY NAMES ${ARGN} PATH_SUFFIXES hdf5/serial)
    mark_as_advanced(CAROUSEL_${name}_INCLUDE CAROUSEL_${name}_LIBRARY)
    if(CAROUSEL_${name}_INCLUDE AND CAROUSEL_${name}_LIBRARY)
        add_library(carousel::${name}_library UNKNOWN IMPORTED GLOBAL)
        set_target_properties(carousel::${name}_library PROPERTIES
            IMPORTED_LOCATION "${CAROUSEL_${name}_LIBRARY}"
            INTERFACE_INCLUDE_DIRECTORIES "${CAROUSEL_${name}_INCLUDE}")
    endif()
endfunction()

carousel_find_library(zip zip.h zip)
carousel_find_library(hdf5 hdf5.h hdf5_serial hdf5)
if(NOT TARGET protobuf::libprotobuf-lite)
    find_package(Protobuf CONFIG QUIET GLOBAL) # what newer versions need besides is in their own file
    if(NOT TARGET protobuf::libprotobuf-lite)
        find_package(Protobuf MODULE QUIET GLOBAL)
    endif()
endif()

carousel_add_format(rtneural nlohmann_json::nlohmann_json)
carousel_add_format(guitarml nlohmann_json::nlohmann_json)
carousel_add_format(nam nlohmann_json::nlohmann_json)
carousel_add_format(pytorch carousel::zip_library nlohmann_json::nlohmann_json)
carousel_add_format(keras carousel::hdf5_library carousel::zip_library nlohmann_json::nlohmann_json)
carousel_add_format(onnx protobuf::libprotobuf-lite)
