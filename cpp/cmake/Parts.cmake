# loyalty_part(NAME USES part... [PRIVATE library...])
# One part of the engine: a static library loyalty_NAME of every .cpp in its directory. PRIVATE libraries
# are third-party ones that no other part may see.
set_property(GLOBAL PROPERTY LOYALTY_PARTS "")
function(loyalty_part name)
  cmake_parse_arguments(PART "" "" "USES;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  if(NOT sources)  # headers only, so far; CMake wants something to archive
    set(sources "${CMAKE_CURRENT_BINARY_DIR}/headers_only.cpp")
    file(CONFIGURE OUTPUT "${sources}" CONTENT "")
  endif()
  add_library(loyalty_${name} STATIC ${sources})
  target_include_directories(loyalty_${name} PUBLIC
    "${PROJECT_SOURCE_DIR}/cpp/include" "${PROJECT_SOURCE_DIR}/cpp/src")
  list(TRANSFORM PART_USES PREPEND loyalty_)
  target_link_libraries(loyalty_${name} PUBLIC ${PART_USES} loyalty_build_flags PRIVATE ${PART_PRIVATE})
  set_property(GLOBAL APPEND PROPERTY LOYALTY_PARTS loyalty_${name})
endfunction()

# loyalty_part_test(NAME [PRIVATE library...])
# The GoogleTest binary NAME_test of every .cpp in tests/cpp/NAME, each case a CTest of its own. Cases are
# listed when ctest starts, not when building: a sanitized binary is slow to start.
function(loyalty_part_test name)
  cmake_parse_arguments(TEST "" "" "PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp")
  if(NOT sources)
    message(WARNING "tests/cpp/${name} has no tests")
    return()
  endif()
  add_executable(${name}_test ${sources})
  target_include_directories(${name}_test PRIVATE "${PROJECT_SOURCE_DIR}/tests/cpp")
  target_link_libraries(${name}_test PRIVATE loyalty_${name} GTest::gtest_main ${TEST_PRIVATE})
  gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    TEST_PREFIX "${name}." PROPERTIES TIMEOUT 300)
endfunction()
