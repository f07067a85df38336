# What code is made: processor, debug information, checks of the standard library; and ccache.

# Binaries must run where they are copied to, so the baseline is x86-64-v2 (any server since 2010: SSE4.2,
# POPCNT). Hashes do not need more: OpenSSL picks its instructions at run time.
if(LOYALTY_NATIVE)
  target_compile_options(loyalty_build_flags INTERFACE -march=native)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  target_compile_options(loyalty_build_flags INTERFACE -march=x86-64-v2)
endif()

# Release keeps function and line tables, so that a stack trace from production can be read, but no
# variables: a fifth of the size of -g. Installing a wheel strips them.
target_compile_options(loyalty_build_flags INTERFACE $<$<CONFIG:Release>:-g1>)

# Outside releases, indexing past a vector's end is a failed assertion and not a wild read.
target_compile_definitions(loyalty_build_flags INTERFACE $<$<NOT:$<CONFIG:Release>>:_GLIBCXX_ASSERTIONS>)

# Sources are named relative to the project, in assertions as in debug information: the same commit gives
# the same objects in any directory, and ccache serves a second checkout from the first one's work.
target_compile_options(loyalty_build_flags INTERFACE "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${CCACHE}")
endif()
