# SPDX-License-Identifier: MIT
# Install rules, the package of the build tree and of the install tree, pkg-config.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

get_property(gabion_components GLOBAL PROPERTY gabion_components)
get_property(gabion_adapters GLOBAL PROPERTY gabion_adapters)
list(JOIN gabion_components ", " gabion_component_names)
set(gabion_adapter_packages "")
foreach(adapter IN LISTS gabion_adapters)
  get_property(package GLOBAL PROPERTY gabion_package_of_${adapter})
  string(APPEND gabion_adapter_packages "set(gabion_package_of_${adapter} \"${package}\")\n")
endforeach()

set(gabion_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/gabion)
# A parent project may export targets that link gabion's, also when it does not install gabion: the export sets are
# always there, the install rules are not part of `install` then.
set(gabion_install_all "")
if(NOT GABION_INSTALL)
  set(gabion_install_all EXCLUDE_FROM_ALL)
endif()

set(gabion_exports gabion-targets)
foreach(adapter IN LISTS gabion_adapters)
  list(APPEND gabion_exports gabion-${adapter}-targets)
endforeach()
foreach(export IN LISTS gabion_exports)
  get_property(targets GLOBAL PROPERTY gabion_targets_of_${export})
  foreach(target IN LISTS targets)
    get_target_property(sets ${target} INTERFACE_HEADER_SETS)
    set(file_set "")
    if(sets)
      set(file_set FILE_SET HEADERS COMPONENT gabion ${gabion_install_all})
    endif()
    install(TARGETS ${target} EXPORT ${export} ${file_set} INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  endforeach()
  install(EXPORT ${export} NAMESPACE gabion:: DESTINATION ${gabion_package_dir} COMPONENT gabion ${gabion_install_all})
  export(EXPORT ${export} NAMESPACE gabion:: FILE ${PROJECT_BINARY_DIR}/${export}.cmake)
endforeach()

file(COPY ${PROJECT_SOURCE_DIR}/cmake/modules DESTINATION ${PROJECT_BINARY_DIR})
configure_file(${PROJECT_SOURCE_DIR}/cmake/gabion-config.cmake.in ${PROJECT_BINARY_DIR}/gabion-config.cmake @ONLY)
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/gabion-config-version.cmake
  COMPATIBILITY SameMinorVersion
  ARCH_INDEPENDENT)

if(GABION_INSTALL)
  set(gabion_pkgconfig_dir ${CMAKE_INSTALL_DATADIR}/pkgconfig)
  file(RELATIVE_PATH gabion_pc_prefix /prefix/${gabion_pkgconfig_dir} /prefix)
  # gabion.pc is all that needs no third party; gabion-<component>.pc each component and adapter.
  set(gabion_pc_files "")
  foreach(component IN LISTS gabion_components)
    get_property(gabion_pc_links GLOBAL PROPERTY gabion_links_of_${component})
    get_property(gabion_pc_module GLOBAL PROPERTY gabion_pkg_config_of_${component})
    set(gabion_pc_name gabion-${component})
    if(component STREQUAL "gabion")
      set(gabion_pc_name gabion)
    endif()
    list(TRANSFORM gabion_pc_links PREPEND gabion-)
    string(REPLACE "gabion-gabion" "gabion" gabion_pc_links "${gabion_pc_links}")
    list(JOIN gabion_pc_links ", " gabion_pc_requires)
    if(gabion_pc_module)
      string(APPEND gabion_pc_requires ", ${gabion_pc_module}")
    endif()
    configure_file(${PROJECT_SOURCE_DIR}/cmake/gabion.pc.in ${PROJECT_BINARY_DIR}/${gabion_pc_name}.pc @ONLY)
    list(APPEND gabion_pc_files ${PROJECT_BINARY_DIR}/${gabion_pc_name}.pc)
  endforeach()
  install(
    FILES ${PROJECT_BINARY_DIR}/gabion-config.cmake ${PROJECT_BINARY_DIR}/gabion-config-version.cmake
    DESTINATION ${gabion_package_dir}
    COMPONENT gabion)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/cmake/modules DESTINATION ${gabion_package_dir} COMPONENT gabion)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/gabion COMPONENT gabion)
  install(
    FILES ${gabion_pc_files}
    DESTINATION ${gabion_pkgconfig_dir}
    COMPONENT gabion)
endif()
