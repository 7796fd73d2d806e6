module dsss

go 1.26
