# carousel takes libzip and HDF5 by their files, unless there are targets of them. vcpkg builds static libraries, whose targets know
# what they need in turn.
foreach(carousel_needs IN ITEMS libzip hdf5)
    if(EXISTS "${CMAKE_CURRENT_LIST_DIR}/../${carousel_needs}")
        find_package(${carousel_needs} CONFIG QUIET)
    endif()
endforeach()
_find_package(${ARGS})
