# SPDX-License-Identifier: MIT
# hiredis as the target hiredis::hiredis, which it brings itself from version 1 on; older ones, such as Debian 12's 0.14, do not.
find_package(hiredis CONFIG QUIET)
if(NOT TARGET hiredis::hiredis)
  find_path(hiredis_INCLUDE_DIR hiredis/hiredis.h)
  find_library(hiredis_LIBRARY hiredis)
  if(hiredis_INCLUDE_DIR)
    file(STRINGS ${hiredis_INCLUDE_DIR}/hiredis/hiredis.h hiredis_lines REGEX "^#define HIREDIS_(MAJOR|MINOR|PATCH) ")
    list(TRANSFORM hiredis_lines REPLACE "^#define HIREDIS_[A-Z]+ +" "")
    list(JOIN hiredis_lines "." hiredis_VERSION)
  endif()
endif()

include(FindPackageHandleStandardArgs)
if(TARGET hiredis::hiredis)
  set(hiredis_FOUND TRUE)
else()
  find_package_handle_standard_args(hiredis REQUIRED_VARS hiredis_LIBRARY hiredis_INCLUDE_DIR VERSION_VAR hiredis_VERSION)
  if(hiredis_FOUND)
    add_library(hiredis::hiredis UNKNOWN IMPORTED)
    set_target_properties(
      hiredis::hiredis PROPERTIES IMPORTED_LOCATION ${hiredis_LIBRARY} INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${hiredis_INCLUDE_DIR}
                                  INTERFACE_INCLUDE_DIRECTORIES ${hiredis_INCLUDE_DIR})
  endif()
  mark_as_advanced(hiredis_INCLUDE_DIR hiredis_LIBRARY)
endif()
