# SPDX-License-Identifier: MIT
# cmake "-DCOMMAND=<program>[;<argument>...]" -DEXPECTED=<file> -P run_example.cmake
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE result OUTPUT_VARIABLE output)
if(NOT result STREQUAL "0")
  message("${output}")
  message(FATAL_ERROR "the program ended with ${result}; its output is above")
endif()
if(EXISTS "${EXPECTED}")
  file(READ "${EXPECTED}" expected)
  if(NOT output STREQUAL expected)
    message("printed:\n${output}\nexpected:\n${expected}")
    message(FATAL_ERROR "the output is not that of ${EXPECTED}")
  endif()
endif()
