# One static library per room, one cmocka program per room; families list their members once.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

add_library(assay_flags INTERFACE)
target_compile_features(assay_flags INTERFACE c_std_17)
target_compile_definitions(assay_flags INTERFACE _GNU_SOURCE ASSAY_VERSION="${PROJECT_VERSION}")
target_include_directories(assay_flags INTERFACE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_BINARY_DIR}/src")
target_compile_options(assay_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:
	-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2
	-Wvla -Wundef $<$<BOOL:${ASSAY_WERROR}>:-Werror>>)
target_link_libraries(assay_flags INTERFACE Threads::Threads)
if(SANITIZE)
	target_compile_options(assay_flags INTERFACE -fsanitize=${SANITIZE} -fno-sanitize-recover=all
		-fno-omit-frame-pointer)
	target_link_options(assay_flags INTERFACE -fsanitize=${SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
	target_compile_options(assay_flags INTERFACE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE)
	target_link_options(assay_flags INTERFACE -pie -Wl,-z,relro,-z,now)
endif()

# room(NAME SOURCES a.c … [ROOMS base …] [PKGS libgit2 …])
function(room name)
	cmake_parse_arguments(R "" "" "SOURCES;ROOMS;PKGS" ${ARGN})
	add_library(${name} STATIC ${R_SOURCES})
	target_link_libraries(${name} PUBLIC assay_flags ${R_ROOMS})
	foreach(pkg ${R_PKGS})
		pkg_check_modules(${pkg} REQUIRED IMPORTED_TARGET ${pkg})
		target_link_libraries(${name} PRIVATE PkgConfig::${pkg})
	endforeach()
endfunction()

# family_sources(OUT kinds.def): the .c file of every KIND(name) line.
function(family_sources out def)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${def}")
	file(STRINGS "${def}" lines REGEX "^KIND\\(")
	list(TRANSFORM lines REPLACE "^KIND\\(([a-z_0-9]+)\\).*" "\\1.c")
	set(${out} "${lines}" PARENT_SCOPE)
endfunction()

# unit_test(room FILE… [ROOMS …]): tests/unit/<room>/<file>.c, each a cmocka program of its own.
function(unit_test room)
	cmake_parse_arguments(T "" "" "FILES;ROOMS" ${ARGN})
	pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
	foreach(file ${T_FILES})
		get_filename_component(stem ${file} NAME_WE)
		add_executable(${room}_${stem} ${file})
		target_link_libraries(${room}_${stem} PRIVATE ${room} ${T_ROOMS} PkgConfig::cmocka)
		target_compile_definitions(${room}_${stem} PRIVATE TEST_DATA="${CMAKE_SOURCE_DIR}/tests"
			FIXTURES="${CMAKE_SOURCE_DIR}/fixtures")
		add_test(NAME ${room}/${stem} COMMAND ${room}_${stem})
		set_tests_properties(${room}/${stem} PROPERTIES LABELS unit TIMEOUT 60)
	endforeach()
endfunction()
