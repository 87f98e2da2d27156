# SPDX-License-Identifier: MIT
# cmake -DCOMPILER= -DINCLUDE= -P too_old_language.cmake
# With C++17 each umbrella gives one error, which says what to do.
foreach(header IN ITEMS circuit_breaker resilience outbox cqrs observe log/pump)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/too_old_language.cpp "#include <gabion/${header}.hpp>\n")
  execute_process(
    COMMAND ${COMPILER} -std=c++17 -fsyntax-only -I${INCLUDE} ${CMAKE_CURRENT_BINARY_DIR}/too_old_language.cpp
    RESULT_VARIABLE result ERROR_VARIABLE output)
  string(REGEX MATCHALL "error: [^\n]*" errors "${output}")
  list(LENGTH errors count)
  if(result EQUAL 0 OR NOT count EQUAL 1 OR NOT errors MATCHES "-std=c\\+\\+20")
    message(FATAL_ERROR "gabion/${header}.hpp with C++17: ${count} errors, want one that names -std=c++20\n${output}")
  endif()
endforeach()
