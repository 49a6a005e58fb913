# The headers given, in rows: each header of a row includes the one before it, by itself or through others. A file that includes a row's headers in
# turn says of all of them whether each compiles alone, for what stands before a header is nothing that it doesn't include itself.
#   awk -f .ci/header_rows.awk include/carousel/*/*.hpp
# Only what a header includes at its top and under no condition counts: neither below a namespace nor between #if and #endif.
FNR == 1 {
    file = FILENAME
    sub(/^include\//, "", file)
    given[++files] = file
    depth = 0
    top = 1
}
/^namespace/ { top = 0 }
/^#if/ { ++depth }
/^#endif/ { --depth }
/^#include "/ && top && !depth {
    split($0, part, "\"")
    includes[file] = includes[file] " " part[2]
}

# Notes below[file, h] for every header h that file includes, and sizes[file], their number; then its place in order, behind all of them.
function visit(file,    names, count, k, h) {
    if (file in sizes) return
    sizes[file] = 0
    count = split(includes[file], names, " ")
    for (k = 1; k <= count; ++k) {
        visit(names[k])
        for (h in sizes)
            if (!((file, h) in below) && (h == names[k] || (names[k], h) in below)) {
                below[file, h] = 1
                ++sizes[file]
            }
    }
    order[++visited] = file
}

END {
    for (i = 1; i <= files; ++i) visit(given[i])
    for (i = 1; i <= visited; ++i) {
        best = 0 # the row whose last header includes most
        for (row = 1; row <= rows; ++row)
            if ((order[i], last[row]) in below && (!best || sizes[last[row]] > sizes[last[best]])) best = row
        if (!best) best = ++rows
        last[best] = order[i]
        text[best] = text[best] (text[best] == "" ? "" : " ") order[i]
    }
    for (row = 1; row <= rows; ++row) print text[row]
}
