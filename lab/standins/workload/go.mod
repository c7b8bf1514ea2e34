module lab.invalid/standins/workload

go 1.26
