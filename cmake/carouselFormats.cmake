# Targets of the opt-in headers, each where what it needs is installed: those that read the model files of other programs, and MPI:
#   carousel::rtneural, carousel::guitarml, carousel::nam     nlohmann-json
#   carousel::pytorch                                         libzip, nlohmann-json
#   carousel::keras                                           HDF5, libzip, nlohmann-json
#   carousel::onnx                                            protobuf
#   carousel::mpi                                             MPI: with CAROUSEL_MPI, or as a component that is asked for
# Used by the project itself and, installed, by those that find it.

# carousel_add_format(name target …): the target carousel::name, if the targets it needs are there.
function(carousel_add_format name)
    set(carousel_${name}_needs ${ARGN} PARENT_SCOPE)
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

# carousel_explain(result component): why there is no carousel::component, and which packages would bring what it needs.
function(carousel_explain result component)
    # What a target is called by people, and the packages that have it.
    set(carousel::zip_library "libzip" "libzip-dev (Debian, Ubuntu), libzip-devel (Fedora), libzip (Homebrew, vcpkg, Conan)")
    set(carousel::hdf5_library "HDF5" "libhdf5-dev (Debian, Ubuntu), hdf5-devel (Fedora), hdf5 (Homebrew, vcpkg, Conan)")
    set(protobuf::libprotobuf-lite "protobuf" "libprotobuf-dev (Debian, Ubuntu), protobuf-devel (Fedora), protobuf (Homebrew, vcpkg, Conan)")
    set(MPI::MPI_CXX "MPI" "libopenmpi-dev and openmpi-bin, or libmpich-dev and mpich (Debian, Ubuntu), openmpi-devel (Fedora), open-mpi (Homebrew)")
    set(nlohmann_json::nlohmann_json "nlohmann-json 3.9 or newer"
        "nlohmann-json3-dev (Debian, Ubuntu), json-devel (Fedora), nlohmann-json (Homebrew, vcpkg), nlohmann_json (Conan)")
    set(reasons "")
    foreach(needed IN LISTS carousel_${component}_needs)
        if(NOT TARGET ${needed})
            list(GET ${needed} 0 library)
            list(GET ${needed} 1 packages)
            list(APPEND reasons "needs ${library}, which is not found: install ${packages}")
        endif()
    endforeach()
    if(NOT component IN_LIST carousel_components)
        list(JOIN carousel_components ", " known)
        set(reasons "is unknown, expected one of ${known}")
    elseif(NOT reasons)
        set(reasons "is not part of this installation")
    endif()
    list(TRANSFORM reasons PREPEND "component ${component} ")
    list(JOIN reasons "\n" reasons)
    set(${result} "${reasons}" PARENT_SCOPE)
endfunction()

# carousel_find_library(name header library …): carousel::name_library, a C library by its files, as its own package files differ
# from system to system. A target of it that is there already (carousel_name_targets) is taken instead: it knows what else to link.
function(carousel_find_library name header)
    if(TARGET carousel::${name}_library)
        return()
    endif()
    foreach(target IN LISTS carousel_${name}_targets)
        if(TARGET ${target})
            add_library(carousel::${name}_library INTERFACE IMPORTED GLOBAL)
            target_link_libraries(carousel::${name}_library INTERFACE ${target})
            return()
        endif()
    endforeach()
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

set(carousel_zip_targets libzip::zip)
carousel_find_library(zip zip.h zip)
set(carousel_hdf5_targets hdf5::hdf5-static hdf5::hdf5-shared)
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

# To look for MPI takes seconds, which those who don't use it needn't wait.
if((CAROUSEL_MPI OR "mpi" IN_LIST carousel_FIND_COMPONENTS) AND NOT TARGET MPI::MPI_CXX)
    set(MPI_CXX_SKIP_MPICXX TRUE)
    find_package(MPI QUIET GLOBAL COMPONENTS CXX)
endif()
carousel_add_format(mpi MPI::MPI_CXX)
