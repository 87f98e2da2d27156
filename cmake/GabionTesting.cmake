# SPDX-License-Identifier: MIT
# The functions of which tests/, examples/ and benchmarks/ are made. Used by gabion's own build only.

if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(GABION_CCACHE ccache)
  if(GABION_CCACHE)
    # Without this setting, ccache caches no file that is compiled with a precompiled header.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        ${GABION_CCACHE})
  endif()
endif()

add_library(gabion_dev_flags INTERFACE)
target_compile_options(gabion_dev_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(GABION_WARNINGS_AS_ERRORS)
  target_compile_options(gabion_dev_flags INTERFACE -Werror)
endif()
# g++ 12 at -O3 takes every `"text" + string` for an overlapping copy.
target_compile_options(gabion_dev_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
set(GABION_SANITIZE "" CACHE STRING "Sanitizers for gabion's own programs, for example address,undefined")
if(GABION_SANITIZE)
  target_compile_options(gabion_dev_flags INTERFACE -fsanitize=${GABION_SANITIZE} -fno-sanitize-recover=all
                                                    -fno-omit-frame-pointer)
  # These four instrument every access and find what the address sanitizer finds as well; they double the time to compile.
  target_compile_options(gabion_dev_flags INTERFACE -fno-sanitize=null,alignment,object-size,vptr)
  # clang 14 cannot check the type of a called function where there are coroutines.
  target_compile_options(gabion_dev_flags INTERFACE $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  # With sanitizers g++ 12 takes parts of the standard library for uninitialised.
  target_compile_options(gabion_dev_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(gabion_dev_flags INTERFACE -fsanitize=${GABION_SANITIZE})
endif()

# An executable of gabion's own: strict warnings, and this target's sources may include from their own tree.
function(gabion_add_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE gabion_dev_flags ${arg_LINK})
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()

# The Catch2 main, compiled once. Catch2 2 and 3 both serve.
function(gabion_require_catch)
  if(TARGET gabion_catch)
    return()
  endif()
  find_package(Catch2 QUIET GLOBAL)
  if(NOT Catch2_FOUND)
    include(FetchContent)
    FetchContent_Declare(
      Catch2
      GIT_REPOSITORY https://github.com/catchorg/Catch2.git
      GIT_TAG v3.7.1
      SYSTEM)
    FetchContent_MakeAvailable(Catch2)
  endif()
  add_library(gabion_catch INTERFACE)
  target_include_directories(gabion_catch INTERFACE ${PROJECT_SOURCE_DIR}/tests)
  if(NOT TARGET Catch2::Catch2WithMain)  # Catch2 2 as some systems package it
    add_library(gabion_catch_main OBJECT ${PROJECT_SOURCE_DIR}/tests/support/catch_main.cpp)
    target_link_libraries(gabion_catch_main PRIVATE Catch2::Catch2)
    add_library(Catch2::Catch2WithMain INTERFACE IMPORTED GLOBAL)
    target_link_libraries(Catch2::Catch2WithMain INTERFACE Catch2::Catch2 $<TARGET_OBJECTS:gabion_catch_main>)
  endif()
  target_link_libraries(gabion_catch INTERFACE Catch2::Catch2WithMain)
  # Gives a fixed seed to every generator that seeds itself.
  add_library(gabion_seed OBJECT ${PROJECT_SOURCE_DIR}/tests/support/seed.cpp)
  target_include_directories(gabion_seed PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(gabion_seed PRIVATE gabion_dev_flags gabion::core Catch2::Catch2)
  target_link_libraries(gabion_catch INTERFACE $<TARGET_OBJECTS:gabion_seed>)
  # Catch2 2 calls it a success when a name matches no test case.
  if(Catch2_VERSION VERSION_GREATER_EQUAL 2 AND Catch2_VERSION VERSION_LESS 3)
    set_property(GLOBAL PROPERTY gabion_catch_arguments --warn NoTests)
  endif()
endfunction()

# Adds every folder here that has a CMakeLists.txt, so that no part is forgotten.
macro(gabion_add_folders)
  file(GLOB gabion_folders CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} */CMakeLists.txt)
  foreach(gabion_folder IN LISTS gabion_folders)
    cmake_path(GET gabion_folder PARENT_PATH gabion_folder)
    add_subdirectory(${gabion_folder})
  endforeach()
endmacro()

# Defines gabion_httplib: cpp-httplib, as its own package, as Debian's pkg-config module, or fetched; with threads.
function(gabion_require_httplib)
  if(TARGET gabion_httplib)
    return()
  endif()
  find_package(Threads REQUIRED)
  add_library(gabion_httplib INTERFACE)
  target_link_libraries(gabion_httplib INTERFACE Threads::Threads)
  find_package(httplib QUIET GLOBAL)
  if(TARGET httplib::httplib)
    target_link_libraries(gabion_httplib INTERFACE httplib::httplib)
    return()
  endif()
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(cpp_httplib QUIET IMPORTED_TARGET GLOBAL cpp-httplib)
  endif()
  if(TARGET PkgConfig::cpp_httplib)
    target_link_libraries(gabion_httplib INTERFACE PkgConfig::cpp_httplib)
    return()
  endif()
  include(FetchContent)
  FetchContent_Declare(
    httplib
    GIT_REPOSITORY https://github.com/yhirose/cpp-httplib.git
    GIT_TAG v0.11.4
    SYSTEM)
  FetchContent_MakeAvailable(httplib)
  target_link_libraries(gabion_httplib INTERFACE httplib::httplib)
endfunction()

# Targets that build all quick test programs, and all planted bugs.
add_custom_target(gabion_quick_tests)
add_custom_target(gabion_mutants)

# Defines gabion_precompiled: Catch2 and the standard library, compiled once for all test programs.
function(gabion_require_precompiled)
  if(TARGET gabion_precompiled)
    return()
  endif()
  gabion_require_catch()
  add_library(gabion_precompiled OBJECT ${PROJECT_SOURCE_DIR}/tests/support/precompiled.cpp)
  target_link_libraries(gabion_precompiled PRIVATE gabion_dev_flags gabion_catch gabion::core)
  set_target_properties(gabion_precompiled PROPERTIES CXX_EXTENSIONS OFF)
  target_precompile_headers(gabion_precompiled PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/precompiled.hpp)
  # ccache also needs these options of the compilers.
  target_compile_options(
    gabion_dev_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess> $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang
                               -fno-pch-timestamp>)
endfunction()

# gabion_add_test(NAME <n> SOURCES <s>... LINK <t>... [LABELS <l>...] [TIMEOUT <seconds>] [ARGS <a>...]
#                 [QUICK] [THREADS] [PLAIN] [OPTIMIZED] [UNITY])
# One Catch2 program <n>_test and one ctest test <n>. Prefer few and large programs: each costs a link and a start.
#   QUICK      carries the label `quick`: all of those together take at most 20 seconds
#   THREADS    also built for the thread sanitizer; programs without it have one thread
#   PLAIN      not built for any sanitizer: it replaces operator new, switches stacks, or would be too slow
#   OPTIMIZED  compiled with -O2, for explorations of millions of steps
#   UNITY      its sources are compiled together, four at a time, so that shared templates are instantiated once
function(gabion_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "QUICK;THREADS;PLAIN;OPTIMIZED;UNITY" "NAME;TIMEOUT" "SOURCES;LINK;LABELS;ARGS")
  if(GABION_SANITIZE AND arg_PLAIN)
    return()
  endif()
  if(GABION_SANITIZE MATCHES "thread" AND NOT arg_THREADS)
    return()
  endif()
  gabion_require_precompiled()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(arg_QUICK)
    list(APPEND arg_LABELS quick)
  endif()
  get_property(catch_arguments GLOBAL PROPERTY gabion_catch_arguments)
  gabion_add_program(${arg_NAME}_test SOURCES ${arg_SOURCES} LINK ${arg_LINK} gabion_catch)
  if(arg_UNITY)
    set_target_properties(${arg_NAME}_test PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
  endif()
  if(arg_OPTIMIZED)
    target_compile_options(${arg_NAME}_test PRIVATE -O2)
  else()
    target_precompile_headers(${arg_NAME}_test REUSE_FROM gabion_precompiled)
  endif()
  if(arg_QUICK)
    add_dependencies(gabion_quick_tests ${arg_NAME}_test)
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${arg_NAME}_test ${catch_arguments} ${arg_ARGS})
  set_tests_properties(${arg_NAME} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
endfunction()

# gabion_add_compile_fail(NAME <n> SOURCE <s> LINK <t>... MESSAGE <regex> [FAULT <id> [OPEN]])
# A pair: the source must compile as it is; with GABION_MUST_FAIL defined it must not, and the compiler must print MESSAGE.
# FAULT names the known fault that it guards against. OPEN: the fault is not fixed yet; the compiler accepts the misuse or
# reports another error.
function(gabion_add_compile_fail)
  cmake_parse_arguments(PARSE_ARGV 0 arg "OPEN" "NAME;SOURCE;MESSAGE;FAULT" "LINK")
  foreach(required NAME SOURCE MESSAGE)
    if(NOT arg_${required})
      message(FATAL_ERROR "gabion_add_compile_fail: ${required} is missing")
    endif()
  endforeach()
  get_property(prepared GLOBAL PROPERTY gabion_compile_fail_prepared)
  if(NOT prepared)
    set_property(GLOBAL PROPERTY gabion_compile_fail_prepared ON)
    add_test(
      NAME compile_fail.precompiled
      COMMAND ${CMAKE_COMMAND} "-DCOMPILER=${CMAKE_CXX_COMPILER}" "-DINCLUDES=${PROJECT_SOURCE_DIR}/include"
              "-DPRECOMPILED=${PROJECT_BINARY_DIR}" -DMAKE_PRECOMPILED=ON -P
              ${PROJECT_SOURCE_DIR}/cmake/run_compile_fail.cmake)
    set_tests_properties(compile_fail.precompiled PROPERTIES TIMEOUT 120 LABELS compile_fail FIXTURES_SETUP gabion_compile_fail)
  endif()
  set(open "")
  if(arg_OPEN)
    set(open ${arg_FAULT})
  endif()
  set(includes "")
  foreach(target IN LISTS arg_LINK)
    list(APPEND includes $<TARGET_PROPERTY:${target},INTERFACE_INCLUDE_DIRECTORIES>)
  endforeach()
  add_test(
    NAME compile_fail.${arg_NAME}
    COMMAND
      ${CMAKE_COMMAND} "-DCOMPILER=${CMAKE_CXX_COMPILER}" "-DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/${arg_SOURCE}"
      "-DINCLUDES=${includes}" "-DMESSAGE=${arg_MESSAGE}" "-DOPEN=${open}" "-DPRECOMPILED=${PROJECT_BINARY_DIR}" -P
      ${PROJECT_SOURCE_DIR}/cmake/run_compile_fail.cmake)
  set(labels compile_fail)
  if(arg_FAULT)
    list(APPEND labels fault)
  endif()
  set_tests_properties(compile_fail.${arg_NAME} PROPERTIES TIMEOUT 120 LABELS "${labels}" FIXTURES_REQUIRED
                                                               gabion_compile_fail)
endfunction()

# gabion_add_mutant_test(NAME <n> FILE include/gabion/x.hpp FROM [[text]] TO [[text]] SOURCES <s>... LINK <t>...
#                        [ARGS <a>...] [TIMEOUT <seconds>])
# Plants a bug: builds SOURCES against a copy of FILE in which FROM, which must occur exactly once, is TO. The test passes
# when the program notices: it prints a line that begins with "caught:" and exits with 1. A crash or a hang does not count.
function(gabion_add_mutant_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;FILE;FROM;TO;TIMEOUT" "SOURCES;LINK;ARGS")
  foreach(required NAME FILE FROM SOURCES)
    if(NOT DEFINED arg_${required})
      message(FATAL_ERROR "gabion_add_mutant_test: ${required} is missing")
    endif()
  endforeach()
  if(NOT GABION_BUILD_MUTANTS)
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set(original ${PROJECT_SOURCE_DIR}/${arg_FILE})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${original})
  set(shadow ${CMAKE_CURRENT_BINARY_DIR}/mutants/${arg_NAME})
  string(REGEX REPLACE "^include/" "" name ${arg_FILE})
  file(CONFIGURE OUTPUT ${shadow}.from CONTENT "@arg_FROM@" @ONLY)
  file(CONFIGURE OUTPUT ${shadow}.to CONTENT "@arg_TO@" @ONLY)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  execute_process(COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/plant.py ${original} ${shadow}/${name}
                          ${shadow}.from ${shadow}.to RESULT_VARIABLE result ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "mutant ${arg_NAME}: ${output}")
  endif()

  gabion_add_program(mutant_${arg_NAME} SOURCES ${arg_SOURCES} LINK ${arg_LINK})
  add_dependencies(gabion_mutants mutant_${arg_NAME})
  target_include_directories(mutant_${arg_NAME} BEFORE PRIVATE ${shadow})
  target_include_directories(mutant_${arg_NAME} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  add_test(NAME mutant.${arg_NAME} COMMAND ${CMAKE_COMMAND} "-DCOMMAND=$<TARGET_FILE:mutant_${arg_NAME}>;${arg_ARGS}" -P
                                           ${PROJECT_SOURCE_DIR}/cmake/run_mutant.cmake)
  set_tests_properties(mutant.${arg_NAME} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS mutant)
endfunction()

# gabion_add_example(NAME <n> SOURCES <s>... LINK <t>... [ARGS <a>...])
# Runs under ctest; must exit with 0 and, if <n>.out lies beside the source, print exactly that.
function(gabion_add_example)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;LINK;ARGS")
  gabion_add_program(${arg_NAME} SOURCES ${arg_SOURCES} LINK ${arg_LINK})
  if(GABION_BUILD_TESTS)
    add_test(
      NAME example.${arg_NAME}
      COMMAND ${CMAKE_COMMAND} "-DCOMMAND=$<TARGET_FILE:${arg_NAME}>;${arg_ARGS}"
              "-DEXPECTED=${CMAKE_CURRENT_SOURCE_DIR}/${arg_NAME}.out" -P ${PROJECT_SOURCE_DIR}/cmake/run_example.cmake)
    set_tests_properties(example.${arg_NAME} PROPERTIES TIMEOUT 60 LABELS example)
  endif()
endfunction()

# gabion_add_benchmark(NAME <n> SOURCES <s>... LINK <t>...): a Google Benchmark program <n>_bench, not run by ctest.
function(gabion_add_benchmark)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;LINK")
  find_package(benchmark REQUIRED)
  find_package(Threads REQUIRED)
  gabion_add_program(${arg_NAME}_bench SOURCES ${arg_SOURCES} LINK ${arg_LINK} benchmark::benchmark benchmark::benchmark_main
                     Threads::Threads)
  set_property(GLOBAL APPEND PROPERTY gabion_benchmarks ${arg_NAME}_bench)
endfunction()

# gabion_finish_benchmarks(): target gabion_benchmarks builds them all. ./dev bench builds and runs them by itself.
function(gabion_finish_benchmarks)
  get_property(programs GLOBAL PROPERTY gabion_benchmarks)
  add_custom_target(gabion_benchmarks DEPENDS ${programs})
endfunction()
