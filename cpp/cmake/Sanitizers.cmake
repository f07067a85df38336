# -DLOYALTY_SANITIZE=address,undefined or =thread instruments all of our targets (presets asan and tsan).
set(LOYALTY_SANITIZE "" CACHE STRING "Sanitizers, comma-separated")
if(LOYALTY_SANITIZE)
  # The first finding ends the program: a run that goes on after one would pass its test.
  target_compile_options(loyalty_build_flags INTERFACE
    -fsanitize=${LOYALTY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(loyalty_build_flags INTERFACE -fsanitize=${LOYALTY_SANITIZE})
  # Thrift's headers, and what it generates, take the type of a field for an enum, whatever byte it is, and refuse
  # later what is none.
  if(LOYALTY_SANITIZE MATCHES undefined)
    target_compile_options(loyalty_build_flags INTERFACE -fno-sanitize=enum)
  endif()
endif()
