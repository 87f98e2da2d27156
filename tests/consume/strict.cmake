# SPDX-License-Identifier: MIT
# What a careful user compiles with. gabion's headers must not warn even where they are not system headers.
function(strict target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
  set_target_properties(${target} PROPERTIES NO_SYSTEM_FROM_IMPORTED ON)
endfunction()
