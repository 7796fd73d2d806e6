package class

// RunGoGenerateIfUndefined2 is used by every file that dsss-gen writes. Its number is that of the form of those files: it
// goes up when files of an older dsss-gen would no longer be right with this package. They then do not compile, and
// the compiler's message is what to do.
const RunGoGenerateIfUndefined2 = 2
