module go-proxy

go 1.24
