# Every target of ours links loyalty_build_flags: warnings are errors. -DLOYALTY_WERROR=OFF is for a
# compiler newer than those we test with.
option(LOYALTY_WERROR "Treat compiler warnings as errors" ON)

add_library(loyalty_build_flags INTERFACE)
target_compile_options(loyalty_build_flags INTERFACE
  -Wall -Wextra -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi -Wformat=2 -Wcast-align
  # Designated initializers name what differs from the defaults; GCC would have them name everything.
  -Wno-missing-field-initializers
  $<$<BOOL:${LOYALTY_WERROR}>:-Werror>)

# A constructor may name its argument like the member it sets. GCC's plain -Wshadow forbids that; Clang's
# does not. Guards are annotated, and only Clang can check them.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(loyalty_build_flags INTERFACE -Wshadow=local)
else()
  target_compile_options(loyalty_build_flags INTERFACE -Wshadow -Wthread-safety)
endif()
