module cases

go 1.26

require dsss v0.0.0

replace dsss => ../dsss
