# SPDX-License-Identifier: MIT
# cmake "-DCOMMAND=<program>[;<argument>...]" -P run_mutant.cmake
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
message("${output}")
if(result EQUAL 0)
  message(FATAL_ERROR "the planted bug was not noticed")
endif()
if(NOT result STREQUAL "1")
  message(FATAL_ERROR "the program ended with \"${result}\"; only exit code 1 counts as caught")
endif()
if(NOT "\n${output}" MATCHES "\ncaught:")
  message(FATAL_ERROR "the program failed, but printed no line that begins with \"caught:\"")
endif()
