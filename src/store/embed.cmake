# cmake -DIN=a.sql -DOUT=a.h -DNAME=migration_001 [-DDIALECT=sqlite|postgres]: text as a C array,
# the words in @…@ replaced by the dialect's.
file(READ "${IN}" text)
if(DIALECT STREQUAL "postgres") # bytes decide the order, whatever the database's language
	set(TEXT "TEXT COLLATE \"C\"")
	set(BLOB "BYTEA")
	set(CLUSTERED "")
else()
	set(TEXT "TEXT")
	set(BLOB "BLOB")
	set(CLUSTERED "WITHOUT ROWID")
endif()
string(CONFIGURE "${text}" text @ONLY)
file(WRITE "${OUT}.txt" "${text}")
file(READ "${OUT}.txt" hex HEX)
file(REMOVE "${OUT}.txt")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE "${OUT}" "static const char ${NAME}[] = {\n${bytes}0x00\n};\n")
