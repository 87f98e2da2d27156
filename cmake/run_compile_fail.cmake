# SPDX-License-Identifier: MIT
# cmake -DCOMPILER= -DSOURCE= -DINCLUDES= -DMESSAGE= -DPRECOMPILED=<folder> [-DOPEN=<fault>] -P run_compile_fail.cmake
# cmake -DCOMPILER= -DINCLUDES= -DPRECOMPILED=<folder> -DMAKE_PRECOMPILED=ON -P run_compile_fail.cmake
# OPEN: the misuse is a known fault that the compiler accepts today; the script fails once it is mended.
list(REMOVE_DUPLICATES INCLUDES)
list(TRANSFORM INCLUDES PREPEND -I)
set(command ${COMPILER} -std=c++20 -O0 ${INCLUDES})
set(header ${PRECOMPILED}/compile_fail.hpp)

# The umbrella headers, parsed once for all pairs. That each header stands alone is checked elsewhere.
if(MAKE_PRECOMPILED)
  file(WRITE ${header} "#include <gabion/resilience.hpp>\n#include <gabion/outbox.hpp>\n#include <gabion/cqrs.hpp>\n")
  set(suffix gch)
  if(COMPILER MATCHES "clang")
    set(suffix pch)
  endif()
  execute_process(COMMAND ${command} -x c++-header ${header} -o ${header}.${suffix} COMMAND_ERROR_IS_FATAL ANY)
  return()
endif()
list(APPEND command -fsyntax-only -include ${header})

execute_process(COMMAND ${command} ${SOURCE} RESULT_VARIABLE result ERROR_VARIABLE output OUTPUT_VARIABLE output)
if(NOT result EQUAL 0)
  message("${output}")
  message(FATAL_ERROR "must compile without GABION_MUST_FAIL, but does not; see above")
endif()

execute_process(COMMAND ${command} -DGABION_MUST_FAIL ${SOURCE} RESULT_VARIABLE result ERROR_VARIABLE output
                OUTPUT_VARIABLE output)
set(explained FALSE)
if(NOT result EQUAL 0 AND output MATCHES "${MESSAGE}")
  set(explained TRUE)
endif()
if(OPEN)
  if(explained)
    message(FATAL_ERROR "fault ${OPEN} is mended here: remove OPEN from its test")
  endif()
  return()
endif()
if(result EQUAL 0)
  message(FATAL_ERROR "must not compile with GABION_MUST_FAIL, but does")
endif()
if(NOT explained)
  message("${output}")
  message(FATAL_ERROR "the compiler does not print \"${MESSAGE}\"; see above")
endif()
