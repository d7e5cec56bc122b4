# cmake -DIN=a.sql -DOUT=a.h -DNAME=migration_001: text as a C array.
file(READ "${IN}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE "${OUT}" "static const char ${NAME}[] = {\n${bytes}0x00\n};\n")
