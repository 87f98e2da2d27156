# SPDX-License-Identifier: MIT
# cmake -DPROJECT= -DBUILD= -DGENERATOR= -DOPTIONS= -DFAILS_WITH= -P run_consumer.cmake
# Configures PROJECT from scratch, builds it and runs its program, `consumer`. With FAILS_WITH it must fail to configure,
# and say so in words that match.
file(REMOVE_RECURSE ${BUILD})
execute_process(
  COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -S ${PROJECT} -B ${BUILD} ${OPTIONS}
  RESULT_VARIABLE result
  OUTPUT_VARIABLE output
  ERROR_VARIABLE output)
if(FAILS_WITH)
  string(REGEX REPLACE "[ \n]+" " " flowing "${output}")
  if(result EQUAL 0)
    message("${output}")
    message(FATAL_ERROR "must not configure, but does; see above")
  elseif(NOT flowing MATCHES "${FAILS_WITH}")
    message("${output}")
    message(FATAL_ERROR "must say \"${FAILS_WITH}\", but says what stands above")
  endif()
  return()
endif()
if(NOT result EQUAL 0)
  message("${output}")
  message(FATAL_ERROR "does not configure; see above")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT result EQUAL 0)
  message("${output}")
  message(FATAL_ERROR "does not build; see above")
endif()
execute_process(COMMAND ${BUILD}/consumer WORKING_DIRECTORY ${BUILD} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT result EQUAL 0)
  message("${output}")
  message(FATAL_ERROR "the program ended with ${result}; see above")
endif()
