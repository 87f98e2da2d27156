# cmake -DCOMPILER= -DSOURCE= -DINCLUDES= -DMESSAGE= -P run_compile_fail.cmake
list(REMOVE_DUPLICATES INCLUDES)
list(TRANSFORM INCLUDES PREPEND -I)
set(command ${COMPILER} -std=c++20 -O0 -fsyntax-only ${INCLUDES})

execute_process(COMMAND ${command} ${SOURCE} RESULT_VARIABLE result ERROR_VARIABLE output OUTPUT_VARIABLE output)
if(NOT result EQUAL 0)
  message("${output}")
  message(FATAL_ERROR "must compile without GABION_MUST_FAIL, but does not; see above")
endif()

execute_process(COMMAND ${command} -DGABION_MUST_FAIL ${SOURCE} RESULT_VARIABLE result ERROR_VARIABLE output
                OUTPUT_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "must not compile with GABION_MUST_FAIL, but does")
endif()
if(NOT output MATCHES "${MESSAGE}")
  message("${output}")
  message(FATAL_ERROR "the compiler does not print \"${MESSAGE}\"; see above")
endif()
